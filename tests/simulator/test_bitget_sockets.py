"""The simulated Bitget's sockets: logins, subscriptions, candles that close without saying so, orders over the socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
import websockets

from aristobot.clock import ManualClock
from services.simulator.bitget import BitgetDialect
from services.simulator.server import SimulatorServer
from tests.simulator.bitget_speaker import V2, V3, BitgetSpeaker

LIMIT = {"symbol": "BTCUSDT", "side": "sell", "orderType": "limit", "price": "65000", "size": "0.1"}
ORDERS = {"instType": "SPOT", "channel": "orders", "instId": "default"}
UTA_ORDER = {"instType": "UTA", "topic": "order"}
MINUTE = {"instType": "SPOT", "channel": "candle1m", "instId": "BTCUSDT"}


def order_call(topic: str, **args: str) -> dict[str, Any]:
    """A request over the unified socket."""
    return {"op": "trade", "id": "7", "category": "spot", "topic": topic, "args": [{"symbol": "BTCUSDT", **args}]}


async def test_ping_is_answered_by_pong_and_silence_by_a_cut(classic: BitgetSpeaker, clock: ManualClock) -> None:
    async with classic.socket("v2", "public") as socket:
        assert await socket.ask("ping") == "pong"
        await clock.advance(100)
        assert await socket.ask("ping") == "pong"
        await clock.advance(119)
        assert await socket.ask("ping") == "pong"
        await clock.advance(122)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.hear()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apiKey": "nobody"}, 30011),
        ({"passphrase": "wrong"}, 30012),
        ({"timestamp": "soon"}, 30013),
        ({"timestamp": "1500000000"}, 30014),
        ({"sign": "bm9uc2Vuc2U="}, 30015),
    ],
)
async def test_a_login_that_proves_nothing_is_refused(classic: BitgetSpeaker, change: dict[str, str], code: int) -> None:
    async with classic.socket("v2", "private") as socket:
        answer = await socket.login(**change)
        assert (answer["event"], answer["code"]) == ("error", code)
        (refused,) = await socket.subscribe(ORDERS)
        assert (refused["event"], refused["code"], refused["arg"]) == ("error", 30004, ORDERS)


async def test_a_login_may_count_milliseconds(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "private") as socket:
        timestamp = str(classic.now())
        answer = await socket.login(timestamp=timestamp, sign=classic.sign(timestamp + "GET/user/verify"))
        assert answer["event"] == "login"


async def test_each_account_logs_in_at_its_own_door(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    async with classic.socket("v3", "private") as socket:
        assert (await socket.login())["code"] == 40084
    simulator.venue.accounts["bitget", "key-one"].mode = "unified"
    async with classic.socket("v2", "private") as socket:
        assert (await socket.login())["code"] == 40085


async def test_what_cannot_be_understood_is_answered(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "private") as socket:
        assert (await socket.ask("{"))["code"] == 30016
        assert (await socket.ask({"op": "dance", "args": []}))["code"] == 30003
        await socket.login()
        (refused,) = await socket.subscribe({"instType": "SPOT", "channel": "gossip", "instId": "default"})
        assert refused["code"] == 30001
    for version, kind in (("v4", "public"), ("v2", "secret")):
        with pytest.raises(websockets.InvalidStatus):
            async with classic.socket(version, kind):
                pass


async def test_orders_are_told_to_their_owner_alone_and_of_the_symbols_he_wants(classic: BitgetSpeaker) -> None:
    other = {"exchange": "bitget", "key": "other", "secret": "secret-one", "passphrase": "pass-one", "balances": {}}
    await classic.control.post("/accounts", json=other)
    async with classic.socket("v2", "private") as mine, classic.socket("v2", "private") as theirs:
        await mine.login()
        await mine.subscribe(ORDERS | {"instId": "BTCUSDT"})
        await theirs.login(apiKey="other")
        await theirs.subscribe(ORDERS)
        await classic.do(f"{V2}/place-order", symbol="ETHUSDT", side="buy", orderType="market", size="100")
        placed = await classic.do(f"{V2}/place-order", **LIMIT, clientOid="exit")
        await classic.do(f"{V2}/cancel-order", symbol="BTCUSDT", clientOid="exit")
        rows = [(await mine.hear())["data"][0] for _ in range(2)]
        assert [(row["orderId"], row["clientOid"], row["status"]) for row in rows] == [
            (placed["orderId"], "exit", "live"),
            (placed["orderId"], "exit", "cancelled"),
        ]
        with pytest.raises(TimeoutError):
            await theirs.hear(0.1)
        await mine.send({"op": "unsubscribe", "args": [ORDERS | {"instId": "BTCUSDT"}]})
        assert (await mine.hear())["event"] == "unsubscribe"
        await classic.do(f"{V2}/place-order", **LIMIT)
        with pytest.raises(TimeoutError):
            await mine.hear(0.1)


async def test_parts_of_an_order_are_told_with_what_is_filled_so_far(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "private") as socket:
        await socket.login()
        await socket.subscribe(ORDERS)
        await classic.script({"on": "order.fill", "do": "partial_fill", "fills": 2})
        await classic.do(f"{V2}/place-order", **LIMIT)
        await classic.move("65000")
        rows = [(await socket.hear())["data"][0] for _ in range(3)]
        told = [(row["status"], row["accBaseVolume"], row.get("baseVolume"), row.get("tradeScope")) for row in rows]
        assert told == [
            ("live", "0", None, None),
            ("partially_filled", "0.05", "0.05", "M"),
            ("filled", "0.1", "0.05", "M"),
        ]


async def test_a_push_may_be_lost_doubled_or_the_last_one(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "private") as socket:
        await socket.login()
        await socket.subscribe(ORDERS)
        await classic.script(
            {"on": "user.message", "do": "drop_message"},
            {"on": "user.message", "do": "double_message"},
            {"on": "user.message", "do": "silent_socket"},
        )
        for name in ("lost", "doubled", "swallowed"):
            await classic.do(f"{V2}/place-order", **LIMIT, clientOid=name)
        assert [(await socket.hear())["data"][0]["clientOid"] for _ in range(2)] == ["doubled", "doubled"]
        with pytest.raises(TimeoutError):
            await socket.ask("ping")


async def test_who_says_nothing_for_two_minutes_is_cut_and_who_pings_stays(classic: BitgetSpeaker, clock: ManualClock) -> None:
    async with classic.socket("v2", "public") as silent, classic.socket("v2", "public") as talking:
        await clock.advance(119)
        assert await talking.ask("ping") == "pong"
        await clock.advance(2)
        with pytest.raises(websockets.ConnectionClosed):
            await silent.hear()
        async with classic.socket("v2", "public") as late:
            await clock.advance(110)
            assert await talking.ask("ping") == "pong"
            assert await late.ask("ping") == "pong"


async def test_a_candle_is_over_when_the_next_one_comes(classic: BitgetSpeaker, clock: ManualClock) -> None:
    async with classic.socket("v2", "public") as socket:
        await socket.subscribe(MINUTE)
        begun = await socket.hear()
        assert (begun["action"], len(begun["data"])) == ("snapshot", 500)
        opened = int(begun["data"][-1][0])
        await clock.advance(30)
        await classic.move("60500")
        forming = (await socket.hear())["data"][0]
        assert (int(forming[0]), forming[4]) == (opened, "60500")
        await clock.advance(150)
        rows = [(await socket.hear())["data"][0] for _ in range(4)]
        assert {int(row[0]) for row in rows} <= {opened + 60_000 * number for number in range(4)}
        last = {int(row[0]): row for row in rows}
        history = (
            await classic.public(
                "/api/v2/spot/market/history-candles", symbol="BTCUSDT", granularity="1min", endTime=opened + 120_000, limit=2
            )
        ).json()["data"]
        assert [last[opened + 60_000 * number] for number in range(2)] == history


async def test_days_begin_at_midnight_in_singapore_unless_asked_otherwise(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "public") as socket:
        opens = []
        for channel in ("candle1D", "candle1Dutc", "candle6H", "candle6Hutc"):
            await socket.subscribe(MINUTE | {"channel": channel})
            opens.append(int((await socket.hear())["data"][-1][0]) // 3_600_000 % 24)
    assert opens == [16, 0, 22, 0]


async def test_a_ticker_is_told_on_every_change_in_both_tongues(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "public") as old, classic.socket("v3", "public") as new:
        await old.subscribe(MINUTE | {"channel": "ticker"})
        await new.subscribe({"instType": "spot", "topic": "ticker", "symbol": "BTCUSDT"})
        await classic.script({"on": "ticker.message", "do": "drop_message"})
        for socket in (old, new):
            await socket.hear()
        await classic.move("60100")
        await classic.move("60200")
        assert (await old.hear())["data"][0]["lastPr"] == "60200"
        assert [(await new.hear())["data"][0]["lastPrice"] for _ in range(2)] == ["60100", "60200"]


async def test_a_socket_may_not_talk_too_much(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    dialect = simulator.dialects["bitget"]
    assert isinstance(dialect, BitgetDialect)
    dialect.limits.counting = True
    async with classic.socket("v2", "public") as socket:
        answers = [await socket.ask({"op": "unsubscribe", "args": [MINUTE]}) for _ in range(11)]
    assert [one.get("code") for one in answers] == [None] * 10 + [30006]


async def test_orders_are_placed_and_cancelled_over_the_unified_socket(unified: BitgetSpeaker) -> None:
    async with unified.socket("v3", "private") as socket:
        limit = {"side": "sell", "orderType": "limit", "price": "65000", "qty": "0.1", "clientOid": "mine"}
        assert (await socket.ask(order_call("place-order", **limit)))["code"] == 30004
        await socket.login()
        placed = await socket.ask(order_call("place-order", **limit))
        assert (placed["event"], placed["id"], placed["code"], placed["args"][0]["clientOid"]) == ("trade", "7", "0", "mine")
        again = await socket.ask(order_call("place-order", **limit))
        assert (again["event"], again["code"], again["id"]) == ("error", "25212", "7")
        assert (await socket.ask(order_call("cancel-order", clientOid="mine")))["code"] == "0"
        assert (await socket.ask(order_call("dance")))["code"] == 30016
    assert (await unified.read(f"{V3}/order-info", clientOid="mine"))["orderStatus"] == "cancelled"
    noted = [(one["event"], one["client_order_id"], one["outcome"]) for one in await unified.requests() if one["method"] == "WS"]
    assert ("order.place", "mine", "200") in noted
    assert ("order.place", "mine", "200 25212") in noted


async def test_orders_over_the_classic_socket_need_a_right_that_nobody_has(classic: BitgetSpeaker) -> None:
    async with classic.socket("v2", "private") as socket:
        await socket.login()
        args = [{"id": "1", "instType": "SPOT", "instId": "BTCUSDT", "channel": "place-order", "params": {}}]
        assert (await socket.ask({"op": "trade", "args": args}))["code"] == 40014


async def test_over_the_socket_an_answer_is_lost_and_the_order_is_there(unified: BitgetSpeaker) -> None:
    async with unified.socket("v3", "private") as socket:
        await socket.login()
        await socket.subscribe(UTA_ORDER)
        await unified.script({"on": "order.place", "do": "accept_then_hang"}, {"on": "order.place", "do": "429"})
        limit = {"side": "sell", "orderType": "limit", "price": "65000", "qty": "0.1", "clientOid": "mine"}
        pushed = await socket.ask(order_call("place-order", **limit))
        assert (pushed["data"][0]["clientOid"], pushed["data"][0]["orderStatus"]) == ("mine", "live")
        refused = await socket.ask(order_call("place-order", **limit | {"clientOid": "next"}))
        assert (refused["event"], refused["code"], refused["id"]) == ("error", "30006", "7")
        await unified.script({"on": "order.place", "do": "disconnect"})
        with pytest.raises(websockets.ConnectionClosed):
            await socket.ask(order_call("place-order", **limit | {"clientOid": "last"}))
    assert {one["client_order_id"] for one in (await unified.ledger())["orders"]} == {"mine", "last"}


async def test_after_the_connection_is_gone_nobody_listens(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    account = simulator.venue.accounts["bitget", "key-one"]
    async with classic.socket("v2", "private") as socket:
        await socket.login()
        await socket.subscribe(ORDERS)
        assert len(account.listeners) == 1
        await socket.connection.send(json.dumps({"op": "subscribe", "args": [ORDERS]}))
        await socket.hear()
        assert len(account.listeners) == 1
        (await classic.control.post("/sockets", json={"do": "cut"})).raise_for_status()
        with pytest.raises(websockets.ConnectionClosed):
            await socket.hear()
    assert account.listeners == []
