"""Orders on the simulated Kraken: what they hold, what fills them, what they cost, what is said of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import ManualClock
from aristobot.money import ZERO
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker

CLIENT_ID = "6d1b345e282140e2ad834ecb18a06876"


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD, 10,000 EUR and 1 BTC."""
    money = {"USD": Decimal(10_000), "EUR": Decimal(10_000), "BTC": Decimal(1)}
    simulator.venue.open_account("kraken", "key-one", SECRET, money)
    async with KrakenSpeaker(simulator) as speaker:
        yield speaker


async def test_a_market_buy_is_filled_at_the_ask_and_pays_its_fee_in_quote(owner: KrakenSpeaker) -> None:
    found = await owner.status(await owner.order("buy", "market", "0.01"))
    assert (found["status"], found["vol_exec"], found["price"]) == ("closed", "0.01000000", "60000.10000")
    assert Decimal(found["cost"]) == Decimal("600.001")
    assert Decimal(found["fee"]) == Decimal("600.001") * Decimal("0.004")
    assert await owner.held("XXBT") == (Decimal("1.01"), ZERO)
    assert await owner.held("ZUSD") == (Decimal(10_000) - Decimal("600.001") - Decimal("2.400004"), ZERO)


async def test_a_buy_may_pay_its_fee_in_base_and_a_sell_holds_for_it(owner: KrakenSpeaker) -> None:
    await owner.order("buy", "market", "0.01", oflags="fcib")
    assert await owner.held("XXBT") == (Decimal("1.00996"), ZERO)
    assert await owner.held("ZUSD") == (Decimal("9399.999"), ZERO)
    await owner.order("sell", "limit", "0.5", price="70000", oflags="fcib")
    assert await owner.held("XXBT") == (Decimal("1.00996"), Decimal("0.502"))


async def test_a_market_buy_may_be_sized_in_quote(owner: KrakenSpeaker) -> None:
    placed = await owner.ask("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="600.001", oflags="viqc")
    assert placed["descr"]["order"] == "buy 600.00100 XBTUSD @ market"
    found = await owner.status(placed["txid"][0])
    assert (found["vol_exec"], found["cost"], found["oflags"]) == ("0.01000000", "600.00100", "fciq,viqc")
    assert await owner.refused("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="600", oflags="viqc")


async def test_a_resting_buy_holds_its_price_and_its_fee(owner: KrakenSpeaker) -> None:
    txid = await owner.order("buy", "limit", "0.01", price="50000")
    assert await owner.held("ZUSD") == (Decimal(10_000), Decimal("502.0"))
    assert list((await owner.ask("OpenOrders"))["open"]) == [txid]
    assert await owner.ask("CancelOrder", txid=txid) == {"count": 1}
    assert await owner.held("ZUSD") == (Decimal(10_000), ZERO)
    found = await owner.status(txid)
    assert (found["status"], found["reason"], found["vol_exec"]) == ("canceled", "User requested", "0.00000000")


async def test_a_stop_on_the_exchange_sells_when_the_price_comes_down(owner: KrakenSpeaker) -> None:
    txid = await owner.order("sell", "stop-loss", "0.5", price="55000")
    found = await owner.status(txid)
    assert (found["status"], found["misc"], found["trigger"]) == ("open", "", "last")
    assert (found["descr"]["price"], found["descr"]["price2"]) == ("55000.0", "0")
    assert found["descr"]["order"] == "sell 0.50000000 XBTUSD @ stop loss 55000.0"
    assert await owner.held("XXBT") == (Decimal(1), Decimal("0.5"))
    await owner.move("54000")
    found = await owner.status(txid)
    assert (found["status"], found["misc"], found["price"]) == ("closed", "stopped", "53999.90000")


async def test_with_swapped_prices_a_stop_limit_is_taken_and_wrong(owner: KrakenSpeaker) -> None:
    txid = await owner.order("sell", "stop-loss-limit", "0.1", price="54900", price2="55000")
    await owner.move("54900")
    found = await owner.status(txid)
    assert (found["status"], found["misc"], found["limitprice"]) == ("open", "stopped", "55000.00000")


async def test_a_stop_that_comes_too_late_is_triggered_at_once(owner: KrakenSpeaker) -> None:
    txid = await owner.order("sell", "stop-loss", "0.1", price="61000")
    assert (await owner.status(txid))["status"] == "closed"


async def test_two_exits_cannot_rest_for_the_same_coins(owner: KrakenSpeaker) -> None:
    await owner.order("sell", "stop-loss", "1", price="55000")
    both = {"pair": "XBTUSD", "type": "sell", "ordertype": "take-profit", "volume": "1", "price": "70000"}
    assert await owner.refused("AddOrder", **both) == "EOrder:Insufficient funds"


async def test_what_cannot_be_filled_at_once_is_cancelled(owner: KrakenSpeaker) -> None:
    for force in ("IOC", "FOK"):
        txid = await owner.order("buy", "limit", "0.01", price="50000", timeinforce=force)
        assert (await owner.status(txid))["status"] == "canceled"
    await owner.script({"on": "order.place", "do": "partial_fill", "fraction": "0.5"})
    found = await owner.status(await owner.order("buy", "limit", "0.02", price="61000", timeinforce="IOC"))
    assert (found["status"], found["vol_exec"]) == ("canceled", "0.01000000")
    assert await owner.held("XXBT") == (Decimal("1.01"), ZERO)


async def test_an_order_for_some_time_expires(owner: KrakenSpeaker, clock: ManualClock) -> None:
    txid = await owner.order("buy", "limit", "0.01", price="50000", timeinforce="GTD", expiretm="+5")
    await clock.advance(4)
    assert (await owner.status(txid))["status"] == "open"
    await clock.advance(2)
    assert (await owner.status(txid))["status"] == "expired"


async def test_a_maker_order_rests_or_is_refused(owner: KrakenSpeaker) -> None:
    post = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "oflags": "post"}
    assert await owner.refused("AddOrder", **post, price="60001") == "EOrder:Post only order"
    placed = await owner.ask("AddOrder", **post, price="59000")
    found = await owner.status(placed["txid"][0])
    assert (found["descr"]["ordertype"], found["oflags"]) == ("limit", "fciq,post")


async def test_checking_an_order_places_none(owner: KrakenSpeaker) -> None:
    checked = await owner.ask(
        "AddOrder", pair="XBTUSD", type="buy", ordertype="limit", volume="0.01", price="50000", validate="true"
    )
    assert checked == {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 50000.0"}}
    assert (await owner.ask("OpenOrders"))["open"] == {}
    assert [one["event"] for one in await owner.requests()] == ["order.test", "orders.open"]


async def test_a_stop_is_moved_in_place(owner: KrakenSpeaker) -> None:
    txid = await owner.order("sell", "stop-loss", "0.5", price="55000", cl_ord_id=CLIENT_ID)
    moved = await owner.ask("AmendOrder", cl_ord_id=CLIENT_ID, trigger_price="57000", order_qty="0.6")
    assert moved["amend_id"].startswith("T")
    found = await owner.status(txid)
    assert (found["descr"]["price"], found["vol"], found["cl_ord_id"]) == ("57000.0", "0.60000000", CLIENT_ID)
    assert found["descr"]["order"] == "sell 0.60000000 XBTUSD @ stop loss 57000.0"
    assert await owner.held("XXBT") == (Decimal(1), Decimal("0.6"))
    assert await owner.refused("AmendOrder", txid=txid, order_qty="1.5") == "EOrder:Insufficient funds"
    assert await owner.held("XXBT") == (Decimal(1), Decimal("0.6"))
    assert await owner.refused("AmendOrder", txid=txid, limit_price="57000") == "EGeneral:Invalid arguments:limit_price"
    await owner.move("56000")
    assert (await owner.status(txid))["price"] == "55999.90000"
    assert await owner.refused("AmendOrder", txid=txid, trigger_price="50000") == "EOrder:Unknown order"


async def test_a_limit_that_is_moved_across_the_price_is_filled(owner: KrakenSpeaker) -> None:
    txid = await owner.order("buy", "limit", "0.01", price="50000")
    assert await owner.refused("AmendOrder", txid=txid, limit_price="60001", post_only="true") == "EOrder:Post only order"
    await owner.ask("AmendOrder", txid=txid, limit_price="60001")
    assert (await owner.status(txid))["price"] == "60000.10000"


async def test_less_than_what_is_filled_ends_an_order(owner: KrakenSpeaker) -> None:
    await owner.script({"on": "order.place", "do": "partial_fill", "fraction": "0.5"})
    txid = await owner.order("buy", "limit", "0.02", price="60001")
    await owner.ask("AmendOrder", txid=txid, order_qty="0.01")
    found = await owner.status(txid)
    assert (found["status"], found["vol_exec"]) == ("canceled", "0.01000000")
    assert (await owner.held("ZUSD"))[1] == ZERO


async def test_every_execution_of_an_entry_gets_its_stop(owner: KrakenSpeaker, clock: ManualClock) -> None:
    await owner.script({"on": "order.place", "do": "partial_fill", "fraction": "0.5"})
    close = {"close[ordertype]": "stop-loss", "close[price]": "55000"}
    txid = await owner.order("buy", "limit", "0.02", price="60001", **close)
    await owner.move("60000.5")
    await clock.advance(0.1)
    stops = [one for one in (await owner.ask("OpenOrders"))["open"].values() if one["refid"] == txid]
    assert [(one["descr"]["type"], one["descr"]["ordertype"], one["vol"]) for one in stops] == [
        ("sell", "stop-loss", "0.01000000"),
        ("sell", "stop-loss", "0.01000000"),
    ]


async def test_a_client_id_is_unique_among_the_open_orders_of_the_account(owner: KrakenSpeaker) -> None:
    first = await owner.order("buy", "limit", "0.01", price="50000", cl_ord_id=CLIENT_ID)
    again = {"pair": "XBTEUR", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "40000", "cl_ord_id": CLIENT_ID}
    assert await owner.refused("AddOrder", **again) == "EGeneral:Invalid arguments:cl_ord_id not unique"
    await owner.ask("CancelOrder", cl_ord_id=CLIENT_ID)
    second = (await owner.ask("AddOrder", **again))["txid"][0]
    assert list((await owner.ask("OpenOrders", cl_ord_id=CLIENT_ID))["open"]) == [second]
    assert list((await owner.ask("ClosedOrders", cl_ord_id=CLIENT_ID))["closed"]) == [first]


async def test_orders_may_be_cancelled_by_their_userref_or_all_at_once(owner: KrakenSpeaker) -> None:
    for reference in (7, 7, 8):
        await owner.order("buy", "limit", "0.01", price="50000", userref=reference)
    assert await owner.ask("CancelOrder", txid="7") == {"count": 2}
    assert await owner.refused("CancelOrder", txid="7") == "EOrder:Unknown order"
    assert await owner.ask("CancelAll") == {"count": 1}


async def test_closed_orders_come_fifty_at_a_time_and_may_be_asked_for_by_time(
    owner: KrakenSpeaker, simulator: SimulatorServer, clock: ManualClock
) -> None:
    limits: Any = simulator.dialects["kraken"]
    limits.limits.counting = False
    for _ in range(52):
        await owner.order("sell", "market", "0.001")
    since = clock.now().timestamp()
    await clock.advance(10)
    last = await owner.order("sell", "market", "0.001")
    page = await owner.ask("ClosedOrders")
    assert (len(page["closed"]), page["count"], next(iter(page["closed"]))) == (50, 53, last)
    assert len((await owner.ask("ClosedOrders", ofs=50))["closed"]) == 3
    assert list((await owner.ask("ClosedOrders", start=f"{since:.3f}"))["closed"]) == [last]
    history = await owner.ask("TradesHistory", start=f"{since:.3f}")
    assert [one["ordertxid"] for one in history["trades"].values()] == [last]


async def test_money_in_euros_buys_what_is_listed_in_euros(owner: KrakenSpeaker) -> None:
    await owner.ask("AddOrder", pair="ETH/EUR", type="buy", ordertype="market", volume="0.1")
    assert {"ZUSD", "ZEUR", "XXBT", "XETH"} == (await owner.ask("Balance")).keys()
    assert {"USD", "EUR", "BTC", "ETH"} == (await owner.ask("Balance", assetVersion=1)).keys()
    ledger = await owner.ledger()
    assert [order["symbol"] for order in ledger["orders"]] == ["ETH/EUR"]


async def test_the_ledger_calls_orders_and_executions_as_the_exchange_does(owner: KrakenSpeaker) -> None:
    txid = await owner.order("buy", "market", "0.01", cl_ord_id=CLIENT_ID)
    (executed,) = (await owner.status(txid))["trades"]
    ledger = await owner.ledger()
    assert [(one["order_id"], one["client_order_id"], one["status"]) for one in ledger["orders"]] == [(txid, CLIENT_ID, "FILLED")]
    assert [(one["trade_id"], one["fee"], one["fee_asset"]) for one in ledger["fills"]] == [(executed, "2.400004", "USD")]
    resting = await owner.order("buy", "limit", "0.01", price="50000")
    asked = {"exchange": "kraken", "key": "key-one", "symbol": "BTC/USD", "order_id": resting}
    assert (await owner.control.post("/execute", json=asked)).json() == {"status": "FILLED"}
