"""The exchange's side against ours: at the start, on every message, and round after round."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from loguru import logger

from aristobot.errors import ExchangeError, NotFound
from aristobot.kinds import LotStatus, OrderOrigin
from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side
from aristobot.store import orders, strangers
from aristobot.store.monitor_tables import Stranger
from services.order_draft import PlaceOrder
from services.simulator.records import Order as VenueOrder
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus


def resting_buys(trader: Trader) -> list[VenueOrder]:
    """Open buys at the exchange."""
    return [order for order in trader.orders(side=Side.BUY) if order.is_open]


async def test_what_was_filled_while_the_house_was_down_is_known_at_its_start(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    await house.restart(meanwhile=lambda: house.price("58000"))
    assert (await house.position(trader)).status is LotStatus.CLOSED
    assert (await house.state(trader)).status is LotStatus.CLOSED
    assert {row.status for row in await house.rows(trader)} == {S.FILLED, S.EXPIRED}


async def test_an_entry_that_was_filled_while_the_house_was_down_is_guarded_at_its_start(
    house: TradingHouse, trader: Trader
) -> None:
    await house.alert(trader, action="BuyLimit", price=59000, percent=50, stop_loss="-2%", take_profit="+3%")

    def meanwhile() -> None:
        house.price("58900")
        house.price("59100")

    await house.restart(meanwhile=meanwhile)
    await house.guarded(trader, ("stop", "0.08465", "57877.87"), ("target", "0.08465", "60830.84"))


async def test_a_stop_that_somebody_cancelled_by_hand_is_put_up_again(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    house.simulator.venue.cancel(stop)
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))
    assert stop.status is S.CANCELED


async def test_exits_that_vanished_while_the_house_was_down_are_put_up_again(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    await house.restart(meanwhile=lambda: house.simulator.venue.cancel(stop))
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))


async def test_dropped_messages_are_made_up_for_within_a_round(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.price("58000")
    await house.closed(trader)


async def test_doubled_messages_change_nothing_twice(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "user.message", "do": "double_message", "times": 0})
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    house.price("58000")
    position = await house.closed(trader)
    assert (position.bought, position.sold) == (D("0.08333"), D("0.08324"))
    assert position.quantity == trader.total("BTC")


async def test_a_private_stream_that_is_cut_is_taken_up_again_and_nothing_is_missed(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    house.faults({"on": "user.message", "do": "disconnect"})
    house.price("58000")
    await house.closed(trader)
    await house.until(lambda: bool(trader.account.listeners))
    assert (await house.alert(trader, action="BuyMarket", percent=20)).outcome == "ordered"


async def test_a_query_that_fails_does_not_make_an_order_vanish(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=59000, percent=50)
    house.faults({"on": "orders.open", "do": "refuse_5xx", "times": 0})
    await house.restart()
    assert [row.status for row in await house.rows(trader)] == [S.OPEN]
    assert len(resting_buys(trader)) == 1


async def test_a_broker_whose_exchange_is_silent_stays_closed_and_the_others_trade(house: TradingHouse, trader: Trader) -> None:
    silent = await house.trader()
    house.faults({"on": "account", "do": "refuse_5xx", "key": silent.account.key, "times": 0})
    await house.restart()
    refused = await house.alert(silent, action="BuyMarket", percent=50, within=20)
    assert (refused.outcome, silent.orders()) == ("refused", [])
    assert (await house.alert(trader, action="BuyMarket", percent=50)).outcome == "ordered"
    house.no_faults()
    await house.until(lambda: silent.broker_id in house.app.floor.reconciled, within=15)
    assert (await house.alert(silent, action="BuyMarket", percent=50)).outcome == "ordered"


async def test_a_second_comparison_finds_nothing(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="BuyLimit", symbol="ETHUSDT", price=2900, percent=50)
    assert await house.app.monitor.reconcile() == {trader.broker_id: []}
    assert await house.app.monitor.reconcile(trader.user_id) == {trader.broker_id: []}


async def test_a_comparison_tells_what_it_found(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=59000, percent=50)
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.price("58000")
    told = (await house.app.monitor.reconcile(trader.user_id))[trader.broker_id]
    assert isinstance(told, list)
    (found,) = told
    assert (found.ours, found.theirs, found.symbol) == ("OPEN", "FILLED", "BTC/USDT")
    stranger = await house.trader()
    assert await house.app.monitor.reconcile(stranger.user_id) == {stranger.broker_id: []}


async def test_an_order_of_somebody_elses_program_is_nobodys_business(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    client = house.app.gateway.client("binance")
    account = await house.app.floor.brokers.get(trader.broker_id)
    foreign = await client.place_order(
        await house.app.gateway.keys(account.broker),
        _by_hand("foreign-order-1"),
    )
    assert foreign.status is S.FILLED
    await house.app.monitor.reconcile()
    assert (await house.position(trader)).quantity == D("0.08324667")
    assert all(row.client_order_id != "foreign-order-1" for row in await house.rows(trader))


async def test_the_limits_remember_what_was_done_before_a_restart(house: TradingHouse) -> None:
    careful = await house.trader(limits={"entries_per_day": "2"})
    for number in range(2):
        wish = PlaceOrder(careful.broker_id, "BTC/USDT", Side.BUY, OrderType.MARKET, quantity=D("0.01") + D(number) / 1000)
        assert (await house.app.desk.place(careful.user_id, wish)).status is S.FILLED
    await house.restart()
    await house.app.monitor.recover()
    third = PlaceOrder(careful.broker_id, "BTC/USDT", Side.BUY, OrderType.MARKET, quantity=D("0.02"))
    refused = await house.app.desk.place(careful.user_id, third)
    assert (refused.status, refused.reason) == (S.DENIED, "entries_per_day")


async def test_what_is_held_is_shown_at_the_last_price(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader)
    house.price("61000")

    async def repriced() -> bool:
        return (await house.state(trader)).current_price == D(61000)

    house.app.monitor._brokers_changed.set()
    await asyncio.wait_for(house.when(repriced, within=15), 15)
    state = await house.state(trader)
    assert state.unrealised_pnl == state.quantity * D(61000) - (await house.position(trader)).cost


def _by_hand(client_order_id: str) -> OrderRequest:
    return OrderRequest(client_order_id, "BTC/USDT", Side.BUY, OrderType.MARKET, quantity=D("0.01"))


async def test_an_order_placed_elsewhere_is_shown_and_never_touched(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader)
    client = house.app.gateway.client("binance")
    account = await house.app.floor.brokers.get(trader.broker_id)
    keys = await house.app.gateway.keys(account.broker)
    waits = OrderRequest("by-hand-1", "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(50000))
    await client.place_order(keys, waits)

    async def known() -> list[Stranger]:
        return await house.read(lambda s: strangers.recent(s, broker_id=trader.broker_id))

    (shown,) = await house.when(known)
    assert (shown.origin, shown.status, shown.quantity, shown.price) == (OrderOrigin.MONITOR, S.OPEN, D("0.01"), D(50000))
    await house.app.monitor.reconcile(trader.user_id)
    with pytest.raises(NotFound):
        await house.app.desk.cancel(trader.user_id, shown.id)
    assert len(await known()) == 1
    assert len(resting_buys(trader)) == 1
    house.price("49000")

    async def filled() -> bool:
        (row,) = await known()
        return (row.status, row.filled) == (S.FILLED, D("0.01"))

    await house.when(filled)
    assert (await house.position(trader)).bought == D("0.08333")


async def test_what_became_of_a_strangers_order_while_nobody_listened_is_found_out(house: TradingHouse, trader: Trader) -> None:
    account = await house.app.floor.brokers.get(trader.broker_id)
    keys = await house.app.gateway.keys(account.broker)
    waits = OrderRequest("by-hand-2", "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(50000))
    await house.app.gateway.client("binance").place_order(keys, waits)

    async def known() -> list[Stranger]:
        return await house.read(lambda s: strangers.recent(s, broker_id=trader.broker_id))

    await house.when(known)
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.price("49000")
    await house.app.monitor.reconcile(trader.user_id)
    (row,) = await known()
    assert (row.status, row.filled) == (S.FILLED, D("0.01"))


async def test_every_round_says_what_it_looked_at_and_what_failed(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=59000, percent=50)
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.price("58000")
    await house.app.monitor.reconcile(trader.user_id)
    rounds = house.app.monitor.rounds.of(trader.broker_id)
    assert rounds is not None
    assert (rounds.last.looked_at, rounds.last.changed, rounds.last.imported, rounds.last.failure) == (1, 1, 0, "")
    house.faults({"on": "orders.open", "do": "refuse_5xx", "times": 0})
    assert isinstance((await house.app.monitor.reconcile(trader.user_id))[trader.broker_id], ExchangeError)
    failed = house.app.monitor.rounds.of(trader.broker_id)
    assert failed is not None
    assert failed.last.failure
    assert (failed.rounds, failed.failures) == (rounds.rounds + 1, rounds.failures + 1)


async def test_a_fee_in_bnb_becomes_part_of_the_cost_at_the_price_of_its_minute(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "10000", "BNB": "5"})
    trader.account.fees_in_bnb = True
    bought = await house.buy(trader)
    (fill,) = await house.read(lambda s: orders.recent_fills(s, trader.broker_id))
    assert fill.fee_asset == "BNB"

    async def valued() -> bool:
        (now,) = await house.read(lambda s: orders.recent_fills(s, trader.broker_id))
        return now.fee_value is not None

    await house.when(valued, within=15)
    (fill,) = await house.read(lambda s: orders.recent_fills(s, trader.broker_id))
    after = await house.position(trader)
    assert fill.fee_value is not None
    assert fill.fee_value > 0
    assert (after.cost, after.other_fees) == (fill.price * fill.quantity + fill.fee_value, None)
    assert after.quantity == bought.quantity


async def test_a_start_that_falls_over_what_it_reads_is_tried_again_until_it_can_trade(
    house: TradingHouse, trader: Trader
) -> None:
    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(house.folder / "aristobot.db", isolation_level=None)) as memory:
            memory.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await house.app.stop()
    house.unlock()
    rename("strangers", "hidden")
    house.app = house._built()
    await house.app.start()
    await house.clock.sleep(2)
    assert house.app.waiting_for() == ("reconciliation",)
    rename("hidden", "strangers")
    await house.until(lambda: not house.app.waiting_for())
    await house.buy(trader)


async def test_prices_that_cannot_be_written_cut_no_stream_and_stop_no_comparison(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    with closing(sqlite3.connect(house.folder / "aristobot.db", isolation_level=None)) as memory:
        fault = "BEFORE UPDATE OF current_price ON positions WHEN NEW.quantity = OLD.quantity"
        memory.execute(f"CREATE TRIGGER refused {fault} BEGIN SELECT RAISE(ABORT, 'refused'); END")
        house.price("60100")
        await house.clock.sleep(25)
        memory.execute("DROP TRIGGER refused")
    (state,) = (one for one in house.app.supervisor.states() if one.name == "order_monitor")
    assert state.restarts == 0


async def test_a_house_with_another_houses_key_file_says_so_once_and_goes_on(house: TradingHouse, trader: Trader) -> None:
    said: list[str] = []
    sink = logger.add(lambda line: said.append(line.record["message"]), level="WARNING")
    try:
        await house.restart(master_key_file=str(house.folder / "another.key"))
        await house.clock.sleep(60)
    finally:
        logger.remove(sink)
    assert len([one for one in said if "another.key" in one]) == 1
    assert len([one for one in said if one.startswith(f"The private stream of broker {trader.broker_id} ended")]) == 1
