"""What the sockets of the simulated Kraken tell, to whom, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import ManualClock
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker, Listening


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD and 1 BTC."""
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    async with KrakenSpeaker(simulator) as speaker:
        yield speaker


async def told(socket: Listening, count: int) -> list[Any]:
    """The next entries of `executions`."""
    return [(await socket.next("executions"))["data"][0] for _ in range(count)]


async def test_updates_carry_only_what_changed(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions")
        await socket.next("executions")
        txid = await owner.order("sell", "stop-loss-limit", "0.5", price="55000", price2="54000")
        pending, new = await told(socket, 2)
        assert (pending["limit_price"], pending["triggers"]["price"], pending["order_qty"]) == (54000, 55000, Decimal("0.5"))
        assert new.keys() == {"order_id", "order_status", "exec_type", "timestamp"}
        await owner.ask("AmendOrder", txid=txid, trigger_price="56000")
        (amended,) = await told(socket, 1)
        assert (amended["exec_type"], amended["triggers"]["price"]) == ("amended", 56000)
        await owner.move("55000")
        triggered, trade, filled = await told(socket, 3)
        assert (triggered["exec_type"], triggered["triggers"]["status"]) == ("status", "triggered")
        assert (trade["exec_type"], trade["last_qty"], trade["liquidity_ind"]) == ("trade", Decimal("0.5"), "t")
        assert (filled["exec_type"], filled["cum_qty"]) == ("filled", Decimal("0.5"))
        assert "symbol" not in filled


async def test_a_snapshot_has_what_is_open_and_on_request_what_was_executed(owner: KrakenSpeaker) -> None:
    await owner.order("buy", "market", "0.01")
    resting = await owner.order("buy", "limit", "0.01", price="50000")
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions", snap_trades=True, ratecounter=True)
        snapshot = await socket.next("executions")
        assert [one["exec_type"] for one in snapshot["data"]] == ["trade", "status"]
        assert (snapshot["data"][1]["order_id"], snapshot["data"][1]["ratecount"]) == (resting, 2)
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions", snap_orders=False, order_status=False)
        assert (await socket.next("executions"))["data"] == []
        await owner.order("buy", "limit", "0.01", price="50000")
        assert [one["exec_type"] for one in await told(socket, 1)] == ["new"]


async def test_each_account_hears_of_its_own_orders_alone(owner: KrakenSpeaker, simulator: SimulatorServer) -> None:
    simulator.venue.open_account("kraken", "key-two", SECRET, {"USD": Decimal(10_000)})
    async with KrakenSpeaker(simulator, "key-two") as other, other.private() as socket:
        await socket.call("subscribe", channel="executions")
        await socket.next("executions")
        txid = await owner.order("buy", "limit", "0.01", price="50000")
        answer = await socket.call("cancel_order", order_id=[txid])
        assert (answer["success"], answer["error"]) == (False, "EOrder:Unknown order")
        mine = await other.order("buy", "limit", "0.01", price="50000")
        assert [one["order_id"] for one in await told(socket, 1)] == [mine]
        assert await other.refused("QueryOrders", txid=txid) == "EOrder:Unknown order"


async def test_balances_tell_the_ledger_and_not_what_is_held(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        await socket.call("subscribe", channel="balances")
        snapshot = (await socket.next("balances"))["data"]
        assert {one["asset"]: one["balance"] for one in snapshot} == {"USD": 10_000, "BTC": 1}
        await owner.order("buy", "limit", "0.01", price="50000")
        await owner.order("sell", "market", "0.01")
        entries = (await socket.next("balances"))["data"]
        assert [(one["asset"], one["amount"], one["fee"]) for one in entries] == [
            ("BTC", Decimal("-0.01"), 0),
            ("USD", Decimal("599.999"), Decimal("2.399996")),
        ]
        assert entries[1]["balance"] == Decimal("10597.599004")
        await owner.control.post("/transfer", json={"exchange": "kraken", "key": "key-one", "asset": "EUR", "amount": "5"})
        (deposit,) = (await socket.next("balances"))["data"]
        assert (deposit["type"], deposit["asset"], deposit["balance"]) == ("deposit", "EUR", 5)


async def test_an_order_over_the_socket_may_be_of_any_kind(owner: KrakenSpeaker) -> None:
    stop = {"order_type": "stop-loss-limit", "side": "sell", "order_qty": 0.1, "limit_price": 54000}
    async with owner.private() as socket:
        triggers = {"reference": "last", "price": 55000, "price_type": "static"}
        answer = await socket.call("add_order", symbol="BTC/USD", **stop, triggers=triggers)
        found = await owner.status(answer["result"]["order_id"])
        assert (found["descr"]["price"], found["descr"]["price2"]) == ("55000.0", "54000.0")
        cash = {"order_type": "market", "side": "buy", "cash_order_qty": 600.001}
        answer = await socket.call("add_order", symbol="BTC/USD", **cash)
        assert (await owner.status(answer["result"]["order_id"]))["vol_exec"] == "0.01000000"
        entry = {"order_type": "limit", "side": "buy", "order_qty": 0.02, "limit_price": 50000, "post_only": True}
        follows = {"order_type": "stop-loss", "trigger_price": 45000}
        answer = await socket.call("add_order", symbol="BTC/USD", **entry, conditional=follows, time_in_force="gtc")
        assert (await owner.status(answer["result"]["order_id"]))["descr"]["close"] == "close position @ stop loss 45000.0"
        assert (await socket.call("add_order", symbol="BTC/USD", **entry, validate=True))["result"] == {}
        assert (await socket.call("add_order", symbol="XBT/USD", **entry))["error"] == "EQuery:Unknown asset pair"
        assert (await socket.call("add_order", symbol="BTC/USD", **entry | {"order_qty": 5}))[
            "error"
        ] == "EOrder:Insufficient funds"
        assert (await socket.call("cancel_all"))["result"] == {"count": 2}


async def test_several_orders_are_cancelled_each_with_its_own_answer(owner: KrakenSpeaker) -> None:
    first, second = [await owner.order("buy", "limit", "0.01", price="50000") for _ in range(2)]
    async with owner.private() as socket:
        answers = [await socket.call("cancel_order", order_id=[first, second, "OAAAAA-BBBBB-CCCCCC"])]
        answers += [await socket.hear(), await socket.hear()]
    assert [answer["success"] for answer in answers] == [True, True, False]
    assert [answer["result"]["order_id"] for answer in answers[:2]] == [first, second]


async def test_candles_form_with_every_execution_and_otherwise_nothing_is_said(owner: KrakenSpeaker, clock: ManualClock) -> None:
    async with owner.public() as socket:
        await socket.call("subscribe", channel="ohlc", symbol=["BTC/USD", "ETH/USD"], interval=1)
        snapshots = [await socket.next("ohlc") for _ in range(2)]
        assert [(one["type"], len(one["data"])) for one in snapshots] == [("snapshot", 720)] * 2
        await owner.move("61000")
        await owner.move("60500")
        bars = [(await socket.next("ohlc"))["data"][0] for _ in range(2)]
        assert (bars[1]["symbol"], bars[1]["high"], bars[1]["close"], bars[1]["interval"]) == ("BTC/USD", 61000, 60500, 1)
        await clock.advance(61)
        for _ in range(60):
            assert await socket.hear() == {"channel": "heartbeat"}


async def test_a_subscription_ends_when_asked(owner: KrakenSpeaker) -> None:
    async with owner.public() as socket:
        await socket.call("subscribe", channel="ticker", symbol=["BTC/USD"], snapshot=False)
        assert (await socket.call("subscribe", channel="ticker", symbol=["BTC/USD"]))["error"] == "Already subscribed"
        await owner.move("61000")
        assert (await socket.next("ticker"))["data"][0]["last"] == 61000
        assert (await socket.call("unsubscribe", channel="ticker", symbol=["BTC/USD"]))["success"]
        assert (await socket.call("unsubscribe", channel="ticker", symbol=["BTC/USD"]))["error"] == "Subscription Not Found"
        await owner.move("61500")
        with pytest.raises(TimeoutError):
            await socket.hear(0.1)


async def test_the_catalogue_is_pushed_and_its_changes_too(owner: KrakenSpeaker) -> None:
    async with owner.public() as socket:
        assert (await socket.call("subscribe", channel="instrument"))["success"]
        listed = (await socket.next("instrument"))["data"]
        pair = next(one for one in listed["pairs"] if one["symbol"] == "DOGE/USD")
        assert (pair["tick_size"], pair["qty_min"], pair["cost_min"], pair["status"]) == (
            Decimal("1E-7"),
            50,
            Decimal("0.5"),
            "online",
        )
        assert {"BTC", "DOGE", "EUR"} <= {one["id"] for one in listed["assets"]}
        await owner.control.post("/status", json={"exchange": "kraken", "symbol": "DOGE/USD", "status": "cancel_only"})
        (changed,) = (await socket.next("instrument"))["data"]["pairs"]
        assert (changed["symbol"], changed["status"]) == ("DOGE/USD", "cancel_only")


async def test_nonsense_is_answered_and_does_no_harm(owner: KrakenSpeaker) -> None:
    async with owner.public() as socket:
        await socket.connection.send("{")
        assert (await socket.hear())["success"] is False
        assert (await socket.call("fly"))["error"] == "Unsupported method: fly"
        assert (await socket.call("subscribe", channel="weather"))["error"] == "Unsupported channel: weather"
        assert (await socket.call("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=3))["success"] is False
        assert "Try ws-auth.kraken.com" in (await socket.call("add_order"))["error"]
    async with owner.private() as private:
        assert (await private.call("fly"))["error"] == "Unsupported method: fly"
        assert (await private.call("cancel_order"))["error"] == "EGeneral:Invalid arguments:order_id"
