"""Orders of a classic and of a unified account, against the simulated exchange: placed, found, moved in place, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from aristobot.clock import ManualClock
from aristobot.errors import (
    BadKey,
    DuplicateOrder,
    InsufficientFunds,
    InvalidOrder,
    OutcomeUnknown,
    UnknownOrder,
    UnknownSymbol,
)
from aristobot.exchange import Credentials
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from tests.exchanges.bitget_house import CLASSIC, SYMBOL, UNIFIED, BitgetHouse, a_house, limit, market, new_id, stop

D = Decimal
S = OrderStatus


@pytest.fixture(params=["classic", "unified"])
async def house(clock: ManualClock, request: pytest.FixtureRequest) -> AsyncIterator[BitgetHouse]:
    """A simulator with a client, for an account of each kind."""
    async with a_house(clock, {"classic": CLASSIC, "unified": UNIFIED}[request.param]) as made:
        yield made


async def test_a_limit_order_rests_is_found_and_fills_with_its_fee(house: BitgetHouse) -> None:
    asked = limit("99")
    placed = await house.client.place_order(house.keys, asked)
    assert (placed.client_order_id, placed.status, placed.quantity, placed.price) == (
        asked.client_order_id,
        S.OPEN,
        D("0.1"),
        D(99),
    )
    (resting,) = await house.client.open_orders(house.keys, SYMBOL)
    assert (resting.client_order_id, resting.exchange_order_id) == (asked.client_order_id, placed.exchange_order_id)
    assert (resting.status, resting.price, resting.quantity, resting.type) == (S.OPEN, D(99), D("0.1"), OrderType.LIMIT)
    house.price("98")
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.filled, found.quote_filled) == (S.FILLED, D("0.1"), D("9.9"))
    (fill,) = found.fills
    assert (fill.price, fill.quantity, fill.fee_asset, fill.client_order_id) == (D(99), D("0.1"), "BTC", asked.client_order_id)
    assert fill.fee > 0
    (told,) = await house.client.fills(house.keys, SYMBOL, house.clock.now() - timedelta(hours=1))
    assert (told.trade_id, told.exchange_order_id) == (fill.trade_id, placed.exchange_order_id)
    assert not await house.client.open_orders(house.keys)


async def test_a_market_buy_spends_the_quote_that_was_asked(house: BitgetHouse) -> None:
    asked = market(quantity=D(0), quote_quantity=D(50))
    await house.client.place_order(house.keys, asked)
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.type) == (S.FILLED, OrderType.MARKET)
    assert D(49) < found.quote_filled <= D(50)
    assert found.quantity == found.filled > 0


async def test_a_market_buy_sized_in_base_buys_that_much_and_no_more(house: BitgetHouse) -> None:
    asked = market()
    placed = await house.client.place_order(house.keys, asked)
    assert (placed.type, placed.quantity) == (OrderType.MARKET, D("0.1"))
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.filled) == (S.FILLED, D("0.1"))
    assert sum(one.price * one.quantity for one in found.fills) <= D("10.1")


async def test_a_market_sell_is_sized_in_base(house: BitgetHouse) -> None:
    asked = market(Side.SELL)
    await house.client.place_order(house.keys, asked)
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.filled, found.fills[0].fee_asset) == (S.FILLED, D("0.1"), "USDT")


async def test_what_cannot_be_taken_at_once_is_cancelled(house: BitgetHouse) -> None:
    asked = limit("90", time_in_force=TimeInForce.IOC)
    await house.client.place_order(house.keys, asked)
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.filled) == (S.CANCELED, D(0))


async def test_cancelling_tells_what_it_came_to(house: BitgetHouse) -> None:
    asked = limit("90")
    await house.client.place_order(house.keys, asked)
    report = await house.client.cancel_order(house.keys, SYMBOL, asked.client_order_id)
    assert (report.client_order_id, report.status, report.filled) == (asked.client_order_id, S.CANCELED, D(0))
    with pytest.raises(UnknownOrder):
        await house.client.cancel_order(house.keys, SYMBOL, asked.client_order_id)
    with pytest.raises(UnknownOrder):
        await house.client.cancel_order(house.keys, SYMBOL, new_id())


async def test_an_order_nobody_placed_is_found_nowhere(house: BitgetHouse) -> None:
    assert await house.client.find_order(house.keys, SYMBOL, new_id()) is None


@pytest.mark.parametrize("kind", [OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT])
async def test_a_stop_waits_locks_nothing_and_is_moved_in_place(house: BitgetHouse, kind: OrderType) -> None:
    asked = stop("90", type=kind, price=D(89) if kind is OrderType.STOP_LOSS_LIMIT else D(0))
    placed = await house.client.place_order(house.keys, asked)
    assert (placed.status, placed.stop_price, placed.type) == (S.OPEN, D(90), kind)
    (resting,) = await house.client.open_orders(house.keys, SYMBOL)
    assert (resting.client_order_id, resting.stop_price, resting.type, resting.side) == (
        asked.client_order_id,
        D(90),
        kind,
        Side.SELL,
    )
    moved = msgspec.structs.replace(asked, stop_price=D(95), price=D(94) if asked.price else D(0), quantity=D("0.2"))
    report = await house.client.edit_order(house.keys, SYMBOL, asked.client_order_id, moved)
    assert (report.exchange_order_id, report.stop_price, report.status) == (placed.exchange_order_id, D(95), S.OPEN)
    (resting,) = await house.client.open_orders(house.keys, SYMBOL)
    assert (resting.client_order_id, resting.exchange_order_id) == (asked.client_order_id, placed.exchange_order_id)
    assert (resting.stop_price, resting.quantity) == (D(95), D("0.2"))
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.stop_price) == (S.OPEN, D(95))


async def test_a_stop_that_fires_is_one_order_under_one_name_from_trigger_to_fill(house: BitgetHouse) -> None:
    asked = stop("90")
    placed = await house.client.place_order(house.keys, asked)
    house.price("89")
    for client in (house.client, type(house.client)(house.clock, house.endpoints)):  # one that placed it, one that never saw it
        await client.instruments()
        found = await client.find_order(house.keys, SYMBOL, asked.client_order_id)
        assert found is not None
        assert (found.client_order_id, found.status, found.filled) == (asked.client_order_id, S.FILLED, D("0.1"))
        assert [one.client_order_id for one in found.fills] == [asked.client_order_id]
        (ended,) = await client.closed_orders(house.keys, house.clock.now() - timedelta(hours=1), SYMBOL)
        assert (ended.client_order_id, ended.status, ended.filled) == (asked.client_order_id, S.FILLED, D("0.1"))
        assert sum(one.quantity for one in ended.fills) == D("0.1")
        assert not await client.open_orders(house.keys, SYMBOL)
        assert found.quantity == D("0.1")
    assert placed.exchange_order_id
    await client.close()


async def test_a_stop_limit_that_fired_rests_under_its_own_name_and_can_be_cancelled(house: BitgetHouse) -> None:
    asked = stop("95", type=OrderType.STOP_LOSS_LIMIT, price=D("94.9"))
    await house.client.place_order(house.keys, asked)
    house.price("94")
    stranger = type(house.client)(house.clock, house.endpoints)
    await stranger.instruments()
    for client in (house.client, stranger):
        (resting,) = await client.open_orders(house.keys, SYMBOL)
        assert (resting.client_order_id, resting.status) == (asked.client_order_id, S.OPEN)
        found = await client.find_order(house.keys, SYMBOL, asked.client_order_id)
        assert found is not None
        assert (found.client_order_id, found.status) == (asked.client_order_id, S.OPEN)
    report = await stranger.cancel_order(house.keys, SYMBOL, asked.client_order_id)
    assert (report.client_order_id, report.status) == (asked.client_order_id, S.CANCELED)
    assert not await house.client.open_orders(house.keys, SYMBOL)
    await stranger.close()


async def test_a_stop_is_cancelled_like_any_order(house: BitgetHouse) -> None:
    asked = stop()
    await house.client.place_order(house.keys, asked)
    report = await house.client.cancel_order(house.keys, SYMBOL, asked.client_order_id)
    assert (report.client_order_id, report.status) == (asked.client_order_id, S.CANCELED)
    (ended,) = await house.client.closed_orders(house.keys, house.clock.now() - timedelta(hours=1), SYMBOL)
    assert (ended.client_order_id, ended.status) == (asked.client_order_id, S.CANCELED)


async def test_a_target_waits_for_a_higher_price(house: BitgetHouse) -> None:
    asked = market(Side.SELL, type=OrderType.TAKE_PROFIT, stop_price=D(110))
    await house.client.place_order(house.keys, asked)
    house.price("105")
    assert [one.client_order_id for one in await house.client.open_orders(house.keys, SYMBOL)] == [asked.client_order_id]
    house.price("111")
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.filled) == (S.FILLED, D("0.1"))


async def test_a_buy_can_wait_behind_a_trigger(house: BitgetHouse) -> None:
    asked = stop("110", side=Side.BUY, type=OrderType.STOP_LOSS_LIMIT, price=D(111))
    await house.client.place_order(house.keys, asked)
    house.price("110")
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert (found.status, found.side, found.filled) == (S.FILLED, Side.BUY, D("0.1"))


async def test_a_limit_order_is_edited_in_place_where_the_account_allows_it(house: BitgetHouse) -> None:
    asked = limit("90")
    placed = await house.client.place_order(house.keys, asked)
    moved = msgspec.structs.replace(asked, price=D(91), quantity=D("0.2"))
    if not house.is_unified:
        with pytest.raises(InvalidOrder) as refused:
            await house.client.edit_order(house.keys, SYMBOL, asked.client_order_id, moved)
        assert refused.value.code == "edit_needs_new_id"
        return
    report = await house.client.edit_order(house.keys, SYMBOL, asked.client_order_id, moved)
    assert report.exchange_order_id == placed.exchange_order_id
    (resting,) = await house.client.open_orders(house.keys, SYMBOL)
    assert (resting.client_order_id, resting.price, resting.quantity) == (asked.client_order_id, D(91), D("0.2"))


@pytest.mark.parametrize("kind", ["limit", "stop"])
async def test_an_order_is_replaced_by_one_of_another_name(house: BitgetHouse, kind: str) -> None:
    asked = limit("90") if kind == "limit" else stop("90")
    await house.client.place_order(house.keys, asked)
    other = msgspec.structs.replace(asked, client_order_id=new_id())
    other = msgspec.structs.replace(other, price=D(91)) if kind == "limit" else msgspec.structs.replace(other, stop_price=D(91))
    report = await house.client.edit_order(house.keys, SYMBOL, asked.client_order_id, other)
    assert (report.client_order_id, report.status) == (other.client_order_id, S.OPEN)
    (resting,) = await house.client.open_orders(house.keys, SYMBOL)
    assert resting.client_order_id == other.client_order_id
    old = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert old is not None
    assert old.status is S.CANCELED


async def test_a_replacement_too_large_is_refused_and_says_which_half_was_done(house: BitgetHouse) -> None:
    asked = limit("90")
    await house.client.place_order(house.keys, asked)
    other = msgspec.structs.replace(asked, client_order_id=new_id(), quantity=D(500))
    with pytest.raises(Exception) as refused:  # which error depends on the half that failed
        await house.client.edit_order(house.keys, SYMBOL, asked.client_order_id, other)
    old = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert old is not None
    gone = old.status is S.CANCELED
    assert gone == (getattr(refused.value, "code", "") == "cancelled_not_replaced")


async def test_what_is_refused_has_its_class(house: BitgetHouse) -> None:
    with pytest.raises(InsufficientFunds):
        await house.client.place_order(house.keys, limit("99", quantity=D(5000)))
    with pytest.raises(UnknownSymbol) as unknown:
        await house.client.place_order(house.keys, limit("99", symbol="NOSUCH/USDT"))
    assert unknown.value.facts["symbol"] == "NOSUCHUSDT"
    with pytest.raises(InvalidOrder):
        await house.client.place_order(house.keys, limit("99.123456"))
    asked = limit("90")
    await house.client.place_order(house.keys, asked)
    with pytest.raises(DuplicateOrder):
        await house.client.place_order(house.keys, asked)


@pytest.mark.parametrize("wrong", ["api_key", "api_secret", "passphrase"])
async def test_a_wrong_key_secret_or_passphrase_is_a_bad_key(house: BitgetHouse, wrong: str) -> None:
    keys = Credentials(house.keys.api_key, house.keys.api_secret, house.keys.passphrase)
    with pytest.raises(BadKey):
        await house.client.balances(replace(keys, **{wrong: "z" * 40}))


async def test_balances_show_what_is_free_and_what_orders_hold(house: BitgetHouse) -> None:
    await house.client.place_order(house.keys, limit("90"))
    held = {one.asset: one for one in await house.client.balances(house.keys)}
    assert (held["USDT"].free, held["USDT"].locked, held["BTC"].free) == (D(9991), D(9), D(1))


async def test_rights_are_what_the_key_has(house: BitgetHouse) -> None:
    rights = await house.client.key_rights(house.keys)
    assert rights.can_read
    assert rights.can_trade
    assert not rights.can_withdraw


@pytest.mark.parametrize("fault", ["accept_then_hang", "accept_then_5xx", "short_body", "disconnect"])
async def test_an_order_without_a_clear_answer_is_in_doubt_and_found_by_its_name(house: BitgetHouse, fault: str) -> None:
    house.faults({"on": "order.place", "do": fault})
    asked = limit("90")
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(house.keys, asked)
    found = await house.client.find_order(house.keys, SYMBOL, asked.client_order_id)
    assert found is not None
    assert found.status is S.OPEN
    assert len(await house.client.open_orders(house.keys, SYMBOL)) == 1


async def test_an_account_that_changes_its_mode_is_spoken_to_in_the_other_protocol(house: BitgetHouse) -> None:
    await house.client.place_order(house.keys, limit("90"))
    account = house.server.venue.accounts["bitget", house.keys.api_key]
    account.mode = "classic" if house.is_unified else "unified"
    assert len(await house.client.open_orders(house.keys, SYMBOL)) == 1
    asked = limit("91")
    assert (await house.client.place_order(house.keys, asked)).status is S.OPEN
    assert len(await house.client.open_orders(house.keys, SYMBOL)) == 2
