"""The simulated Kraken answers in the shape of the documented and recorded answers: the same names, the same JSON types."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker, Listening

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads" / "kraken"
#: Shown of what was asked for in another way: cancelled orders, orders with a trigger or a number of their own, margin.
CONDITIONAL = {"reason", "closetm", "trigger", "trades", "order_userref", "cl_ord_id", "req_id", "aclass", "warnings"}
#: Empty on the live exchange, or where nothing is restricted.
PERHAPS_EMPTY = ("fees", "fees_maker", "ip_allowlist")
#: Samples whose numbers somebody wrote without quotes; the exchange sends texts (its documentation).
AS_TEXTS = {"rest/get-available-balances.json"}


def sample(name: str) -> Any:
    """A message as documented, or a list of such."""
    return json.loads((PAYLOADS / name).read_text("utf-8"))


def dialogue(name: str) -> list[Any]:
    """The messages received in a documented dialogue."""
    return [one["message"] for one in sample(f"ws-v2-{name}.json") if one["dir"] == "recv"]


def noted(name: str, note: str) -> Any:
    """A message by the note it has."""
    return next(one["message"] for one in sample(name) if note in one["note"])


def kind(value: object) -> str:
    """A JSON type. Any number is a number; null stands for whatever may be missing."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", Decimal: "number", str: "text", list: "list", dict: "object"}[type(value)]


def is_keyed(value: dict[str, Any]) -> bool:
    """Whether the names are not those of fields, but of orders, pairs, assets."""
    return bool(value) and all(len(name) > 2 and name == name.upper() for name in value)


def differences(documented: Any, ours: Any, where: str = "", *, texts: bool = False) -> list[str]:
    """What the documentation shows and we do not, or otherwise."""
    if kind(documented) != kind(ours):
        as_text = texts and (kind(documented), kind(ours)) == ("number", "text")
        return [] if as_text or "null" in (kind(documented), kind(ours)) else [f"{where}: {kind(ours)} for {kind(documented)}"]
    if isinstance(documented, dict):
        if is_keyed(documented):
            first = next(iter(ours.values()), None)
            return (
                differences(next(iter(documented.values())), first, f"{where}.*", texts=texts) if ours else [f"{where} is empty"]
            )
        found = [f"{where}.{name} is missing" for name in sorted(documented.keys() - ours.keys() - CONDITIONAL)]
        for name in documented.keys() & ours.keys():
            found += differences(documented[name], ours[name], f"{where}.{name}", texts=texts)
        return found
    if isinstance(documented, list) and documented:
        if not ours:
            return [] if where.endswith(PERHAPS_EMPTY) else [f"{where} is empty"]
        return differences(documented[0], ours[0], f"{where}[0]", texts=texts)
    return []


def check(name: str, ours: Any) -> None:
    """Fail where our answer has not the shape of the documented one."""
    assert differences(sample(name), ours, texts=name in AS_TEXTS) == []


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD and 1 BTC, with an order that is filled, one that is cancelled, and two that rest."""
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    async with KrakenSpeaker(simulator) as speaker:
        await speaker.order("sell", "market", "0.01")
        txid = await speaker.order("buy", "limit", "0.01", price="50000")
        await speaker.ask("CancelOrder", txid=txid)
        await speaker.order("buy", "limit", "0.01", price="50000", userref=7)
        await speaker.order("sell", "stop-loss-limit", "0.01", price="55000", price2="54900")
        yield speaker


PUBLIC = [
    ("live-2026-09/asset-pairs.json", "AssetPairs", {}),
    ("rest/get-symbols.json", "AssetPairs", {"pair": "XBTUSD"}),
    ("live-2026-09/assets.json", "Assets", {}),
    ("rest/get-assets.json", "Assets", {"asset": "XBT"}),
    ("live-2026-09/ohlc-60.json", "OHLC", {"pair": "BTC/USD", "interval": "60"}),
    ("rest/get-klines.json", "OHLC", {"pair": "XBTUSD"}),
    ("live-2026-09/trades.json", "Trades", {"pair": "BTC/USD"}),
    ("rest/get-trade-history.json", "Trades", {"pair": "XBTUSD"}),
    ("rest/get-ticker.json", "Ticker", {"pair": "XBTUSD"}),
    ("rest/get-system-status.json", "SystemStatus", {}),
    ("live-2026-09/unknown-pair.json", "OHLC", {"pair": "XBT/USD", "interval": "60"}),
]


@pytest.mark.parametrize(("name", "call", "params"), PUBLIC, ids=[row[0] for row in PUBLIC])
async def test_public_answers_look_as_recorded(owner: KrakenSpeaker, name: str, call: str, params: dict[str, str]) -> None:
    await owner.move("60010")
    check(name, await owner.get(call, **params))


async def test_answers_are_keyed_by_the_spelling_of_the_question(owner: KrakenSpeaker) -> None:
    assert list((await owner.get("Ticker", pair="XBTUSD,BTC/EUR"))["result"]) == ["XXBTZUSD", "BTC/EUR"]
    assert list((await owner.get("OHLC", pair="XXBTZUSD"))["result"]) == ["XXBTZUSD", "last"]
    assert await owner.get("OHLC", pair="XBT/USD") == sample("live-2026-09/unknown-pair.json")


PRIVATE: list[tuple[str, str, dict[str, Any]]] = [
    ("rest/get-balances.json", "Balance", {}),
    ("rest/get-available-balances.json", "BalanceEx", {}),
    ("rest/get-open-orders.json", "OpenOrders", {"userref": 7}),
    ("rest/get-closed-orders.json", "ClosedOrders", {}),
    ("rest/get-user-trades.json", "TradesHistory", {}),
    ("rest/get-trade-volume.json", "TradeVolume", {"pair": "XBTUSD"}),
    ("rest/get-api-key-info.json", "GetApiKeyInfo", {}),
]


@pytest.mark.parametrize(("name", "call", "params"), PRIVATE, ids=[row[0] for row in PRIVATE])
async def test_private_answers_look_as_documented(owner: KrakenSpeaker, name: str, call: str, params: dict[str, Any]) -> None:
    check(name, (await owner.post(call, params)).json())


async def test_orders_and_executions_look_as_documented_when_asked_for_by_id(owner: KrakenSpeaker) -> None:
    closed = (await owner.ask("ClosedOrders"))["closed"]
    for name in ("rest/get-orders.json", "rest/get-orders2.json"):
        check(name, (await owner.post("QueryOrders", {"txid": next(iter(closed)), "trades": "true"})).json())
    executed = (await owner.ask("TradesHistory"))["trades"]
    check("rest/get-user-trade-details.json", (await owner.post("QueryTrades", {"txid": next(iter(executed))})).json())


async def test_answers_to_orders_look_as_documented(owner: KrakenSpeaker) -> None:
    close = {"close[ordertype]": "stop-loss-limit", "close[price]": "22000", "close[price2]": "21000"}
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.02", "price": "25000.1"}
    placed = (await owner.post("AddOrder", order | close)).json()
    check("rest/place-order.json", placed)
    assert placed["result"]["descr"] == {
        "order": "buy 0.02000000 XBTUSD @ limit 25000.1",
        "close": "close position @ stop loss 22000.0 -> limit 21000.0",
    }
    edited = (await owner.post("EditOrder", {"txid": placed["result"]["txid"][0], "pair": "XBTUSD", "price": "25100"})).json()
    check("rest/edit-order.json", edited)
    check("rest/cancel-order.json", (await owner.post("CancelOrder", {"txid": edited["result"]["txid"]})).json())
    check("rest/cancel-all-orders.json", (await owner.post("CancelAll", {})).json())


LIVE = "live-2026-09/ws-v2-messages.json"


async def test_the_public_socket_speaks_as_recorded(owner: KrakenSpeaker, clock: ManualClock) -> None:
    async with owner.public() as socket:
        assert differences(noted(LIVE, "banner"), socket.greeting) == []
        for channel, documented in (("ticker", "ticker"), ("ohlc", "kline"), ("trade", "trades")):
            more = {"interval": 1} if channel == "ohlc" else {}
            answer = await socket.call("subscribe", channel=channel, symbol=["BTC/USD"], **more)
            acknowledged, update = dialogue(f"public/{documented}")
            assert differences(acknowledged, answer) == []
            snapshot = await socket.next(channel)
            assert snapshot["type"] == "snapshot"
            await owner.move("60011")
            heard = await socket.next(channel)
            assert heard["type"] == "update"
            assert differences(update, heard) == []
            for recorded in [one["message"] for one in sample(LIVE) if one["message"].get("channel") == channel]:
                if "data" in recorded:
                    assert differences(recorded, heard) == []
        refused = await socket.call("subscribe", channel="ticker", symbol=["XBT/USD"])
        assert differences(noted(LIVE, "refused"), refused) == []
        assert refused["error"] == "Currency pair not supported XBT/USD"
        private = noted(LIVE, "private channel asked of the public host")
        answer = await socket.call("subscribe", channel="executions")
        assert (differences(private, answer), answer["error"]) == ([], private["error"])
        await clock.advance(2.5)
        assert await socket.next("heartbeat") == {"channel": "heartbeat"}
        assert (await socket.call("ping"))["method"] == "pong"


async def test_the_private_socket_refuses_as_recorded(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        public = noted(LIVE, "public channel asked of the private host")
        answer = await socket.call("subscribe", channel="ticker", symbol=["BTC/USD"])
        assert (differences(public, answer), answer["error"]) == ([], public["error"])
        socket.token = "no-such-token"
        stranger = noted(LIVE, "without a valid token")
        answer = await socket.call("subscribe", channel="executions")
        assert (differences(stranger, answer), answer["error"]) == ([], stranger["error"])


async def test_requests_over_the_private_socket_are_answered_as_documented(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        order = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.01, "limit_price": 51000}
        placed = await socket.call("add_order", **order, order_userref=100054)
        assert differences(dialogue("trading/place-order")[0], placed) == []
        edited = await socket.call("edit_order", order_id=placed["result"]["order_id"], symbol="BTC/USD", limit_price=51100)
        assert differences(dialogue("trading/replace-order")[0], edited) == []
        cancelled = await socket.call("cancel_order", order_id=[edited["result"]["order_id"]])
        assert differences(dialogue("trading/cancel-orders")[0], cancelled) == []
        client_id = "2c6be801-1f53-4f79-a0bb-4ea1c95dfae9"
        await socket.call("add_order", **order, cl_ord_id=client_id)
        amended = await socket.call("amend_order", cl_ord_id=client_id, limit_price=51200)
        assert differences(dialogue("trading/edit-order")[0], amended) == []
        everything = await socket.call("cancel_all")
        assert differences(dialogue("trading/cancel-all-orders")[0], everything) == []


COMPOSED = "composed/ws-v2-private.json"


async def hear(socket: Listening, channel: str, *notes: str) -> None:
    """The next messages of a channel have the shapes of those with these notes."""
    for note in notes:
        heard, documented = await socket.next(channel), noted(COMPOSED, note)
        assert differences(documented, heard) == [], note
        if channel == "executions":
            assert heard["data"][0]["exec_type"] == documented["data"][0]["exec_type"]


async def test_executions_and_balances_are_told_as_documented(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        answer = await socket.call("subscribe", channel="executions", snap_orders=True)
        assert differences(noted(COMPOSED, "subscribe ack"), answer) == []
        assert answer["result"]["maxratecount"] == 125
        await hear(socket, "executions", "snapshot of what is open")
        await socket.call("subscribe", channel="balances")
        await hear(socket, "balances", "balances snapshot")
        stop = await owner.order("sell", "stop-loss", "0.02", price="58000", cl_ord_id="ari-7f3k2m9q-s1")
        await hear(socket, "executions", "new order", "only what changed")
        await owner.ask("AmendOrder", txid=stop, order_qty="0.01")
        await hear(socket, "executions", "amended in place")
        await owner.ask("CancelOrder", txid=stop)
        await hear(socket, "executions", "cancelled")
        await owner.order("sell", "limit", "0.01", price="59999.9", cl_ord_id="ari-7f3k2m9q-x1")
        await socket.next("executions")
        await socket.next("executions")
        await hear(socket, "executions", "a fill", "the terminal state")
    async with owner.private() as socket:
        await socket.call("subscribe", channel="balances")
        await socket.next("balances")
        await owner.order("sell", "market", "0.01")
        await hear(socket, "balances", "a ledger entry")


#: What none of our clients asks for, so that the simulator does not serve it.
NOT_SERVED = {
    "cancel-multiple-orders",
    "place-multiple-orders",
    "get-trade-balance",
    "cancel-all-orders-after",
}


def test_every_sample_of_what_is_served_is_compared() -> None:
    compared, _, _ = Path(__file__).read_text("utf-8").partition("\nNOT_SERVED")
    listed = [one["file"] for one in json.loads((PAYLOADS / "index.json").read_text("utf-8"))]
    assert {Path(file).stem for file in listed if Path(file).stem not in compared} == NOT_SERVED
