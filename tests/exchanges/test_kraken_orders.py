"""Orders, cancels and amendments reach the simulated Kraken as they are meant."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from aristobot.errors import InsufficientFunds, InvalidOrder, OutcomeUnknown, Refused, UnknownOrder
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from services.exchanges.kraken import KrakenClient
from tests.exchanges.house import PATIENT, limit, market, new_id
from tests.exchanges.kraken_house import ONE, KrakenHouse
from tests.exchanges.small_server import soon

D = Decimal
S = OrderStatus


def stop(trigger: str, **differences: object) -> OrderRequest:
    """A stop that sells a tenth of a coin at the market."""
    return market(Side.SELL, **{"type": OrderType.STOP_LOSS, "stop_price": D(trigger), **differences})


async def look(kraken: KrakenHouse, request: OrderRequest) -> OrderReport:
    """The order as the exchange shows it over REST."""
    found = await kraken.client._history.find(ONE, "BTC/USDT", request.client_order_id)
    assert found is not None
    return found


async def test_a_market_order_comes_back_filled_with_its_fee_in_quote(kraken: KrakenHouse) -> None:
    request = market()
    report = await kraken.client.place_order(ONE, request)
    assert (report.client_order_id, report.status, report.filled) == (request.client_order_id, S.FILLED, D("0.1"))
    assert sum(fill.quantity for fill in report.fills) == report.filled
    assert {(fill.fee_asset, fill.client_order_id, fill.symbol) for fill in report.fills} == {
        ("USDT", request.client_order_id, "BTC/USDT")
    }
    assert kraken.asked("order.place") == ["add_order"]


async def test_without_a_socket_a_market_order_is_taken_and_found_filled(kraken: KrakenHouse) -> None:
    kraken.faults({"on": "socket.connect", "do": "refuse", "times": 0})
    request = market(Side.SELL)
    report = await kraken.client.place_order(ONE, request)
    assert (report.status, report.filled) == (S.OPEN, D(0)), "the answer over REST says no more"
    found = await kraken.client.find_order(ONE, "BTC/USDT", request.client_order_id)
    assert found is not None
    assert (found.status, found.filled, sum(fill.quantity for fill in found.fills)) == (S.FILLED, D("0.1"), D("0.1"))
    assert {fill.fee_asset for fill in found.fills} == {"USDT"}
    assert kraken.asked("order.place") == ["/0/private/AddOrder"]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
async def test_what_was_bought_can_be_sold_whole(kraken: KrakenHouse, kraken_way: str, side: Side) -> None:
    await kraken.client.place_order(ONE, market(side, quantity=D(1)))
    held = {one.asset: one.free for one in await kraken.client.balances(ONE)}
    assert held.get("BTC", D(0)) == (D(2) if side is Side.BUY else D(0))


async def test_money_to_spend_buys_what_it_is_worth(kraken: KrakenHouse, kraken_way: str) -> None:
    request = market(quantity=D(0), quote_quantity=D(50))
    await kraken.client.place_order(ONE, request)
    found = await look(kraken, request)
    assert found.status is S.FILLED
    assert D(49) < found.quote_filled <= D(50)
    assert found.quantity == found.filled


#: What is asked, and as what it must rest: price, trigger.
RESTING = [
    (limit("80"), D(80), D(0)),
    (limit("120", Side.SELL), D(120), D(0)),
    (limit("80", type=OrderType.LIMIT_MAKER), D(80), D(0)),
    (stop("90"), D(0), D(90)),
    (stop("90", type=OrderType.STOP_LOSS_LIMIT, price=D(89)), D(89), D(90)),
    (stop("120", type=OrderType.TAKE_PROFIT), D(0), D(120)),
    (stop("120", type=OrderType.TAKE_PROFIT_LIMIT, price=D(119)), D(119), D(120)),
]


@pytest.mark.parametrize(("request_", "price", "trigger"), RESTING, ids=[f"{one.side} {one.type}" for one, *_ in RESTING])
async def test_an_order_rests_as_it_was_meant_is_found_and_is_cancelled(
    kraken: KrakenHouse, kraken_way: str, request_: OrderRequest, price: Decimal, trigger: Decimal
) -> None:
    request = msgspec.structs.replace(request_, client_order_id=new_id())
    placed = await kraken.client.place_order(ONE, request)
    assert (placed.status, placed.type, placed.price, placed.stop_price) == (S.OPEN, request.type, price, trigger)
    found = await look(kraken, request)
    assert replace(found, at=placed.at) == placed
    for symbol in ("BTC/USDT", None):
        (resting,) = await kraken.client.open_orders(ONE, symbol)
        assert (resting.client_order_id, resting.price, resting.stop_price) == (request.client_order_id, price, trigger)
    assert await kraken.client.open_orders(ONE, "ETH/USDT") == []
    cancelled = await kraken.client.cancel_order(ONE, "BTC/USDT", request.client_order_id)
    assert (cancelled.client_order_id, cancelled.status, cancelled.type) == (request.client_order_id, S.CANCELED, request.type)
    assert await kraken.client.open_orders(ONE) == []
    with pytest.raises(UnknownOrder):
        await kraken.client.cancel_order(ONE, "BTC/USDT", request.client_order_id)


@pytest.mark.parametrize("lives", [TimeInForce.IOC, TimeInForce.FOK])
@pytest.mark.parametrize(("price", "status"), [("105", S.FILLED), ("80", S.CANCELED)])
async def test_an_order_that_may_not_rest_is_over_at_once(
    kraken: KrakenHouse, kraken_way: str, lives: TimeInForce, price: str, status: OrderStatus
) -> None:
    request = limit(price, time_in_force=lives)
    await kraken.client.place_order(ONE, request)
    found = await look(kraken, request)
    assert found.status in ({S.FILLED} if status is S.FILLED else {S.CANCELED, S.EXPIRED})
    assert found.filled == (D("0.1") if status is S.FILLED else D(0))


async def test_a_stop_is_moved_in_place_and_was_never_away(kraken: KrakenHouse, kraken_way: str) -> None:
    request = stop("90")
    placed = await kraken.client.place_order(ONE, request)
    for price, quantity in (("92", "0.1"), ("95", "0.2"), ("94", "0.05")):
        moved = await kraken.client.edit_order(
            ONE, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, stop_price=D(price), quantity=D(quantity))
        )
        assert (moved.client_order_id, moved.stop_price, moved.quantity) == (request.client_order_id, D(price), D(quantity))
        assert moved.status is S.OPEN
        found = await look(kraken, request)
        assert (found.exchange_order_id, found.stop_price, found.quantity) == (placed.exchange_order_id, D(price), D(quantity))
    kraken.price("94")
    assert (await look(kraken, request)).status is S.FILLED
    assert kraken.asked("order.cancel") == []


async def test_a_limit_is_moved_in_place(kraken: KrakenHouse, kraken_way: str) -> None:
    request = limit("80")
    await kraken.client.place_order(ONE, request)
    moved = await kraken.client.edit_order(
        ONE, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, price=D(85), quantity=D("0.05"))
    )
    assert (moved.price, moved.quantity, moved.client_order_id) == (D(85), D("0.05"), request.client_order_id)
    assert [(one.price, one.quantity) for one in await kraken.client.open_orders(ONE)] == [(D(85), D("0.05"))]


async def test_what_is_not_there_cannot_be_moved(kraken: KrakenHouse, kraken_way: str) -> None:
    request = stop("90")
    with pytest.raises(UnknownOrder):
        await kraken.client.edit_order(ONE, "BTC/USDT", request.client_order_id, request)
    assert await kraken.client.open_orders(ONE) == []


async def test_an_order_under_a_new_name_takes_the_place_of_the_old_one(kraken: KrakenHouse, kraken_way: str) -> None:
    old, new = limit("80", quantity=D(100)), limit("85", quantity=D(100))
    await kraken.client.place_order(ONE, old)
    replaced = await kraken.client.edit_order(ONE, "BTC/USDT", old.client_order_id, new)
    assert (replaced.client_order_id, replaced.price, replaced.status) == (new.client_order_id, D(85), S.OPEN)
    assert [one.client_order_id for one in await kraken.client.open_orders(ONE)] == [new.client_order_id]


async def test_a_replacement_whose_new_half_is_refused_says_that_the_old_order_is_gone(
    kraken: KrakenHouse, kraken_way: str
) -> None:
    old = limit("80")
    await kraken.client.place_order(ONE, old)
    with pytest.raises(Refused) as refused:
        await kraken.client.edit_order(ONE, "BTC/USDT", old.client_order_id, limit("85", quantity=D(1000)))
    assert (refused.value.code, refused.value.facts["reason"]) == ("cancelled_not_replaced", "insufficient_funds")
    assert await kraken.client.open_orders(ONE) == []


async def test_a_replacement_of_nothing_places_nothing(kraken: KrakenHouse, kraken_way: str) -> None:
    with pytest.raises(UnknownOrder):
        await kraken.client.edit_order(ONE, "BTC/USDT", new_id(), limit("85"))
    assert await kraken.client.open_orders(ONE) == []


async def test_part_of_an_order_may_be_filled_before_it_is_cancelled(kraken: KrakenHouse) -> None:
    kraken.faults({"on": "order.fill", "do": "partial_fill", "fraction": "0.5", "rest": "stay"})
    request = limit("90")
    await kraken.client.place_order(ONE, request)
    kraken.price("89")
    await soon(
        lambda: (
            (told := kraken.client._calls.record_of(ONE).socket.feed.known(request.client_order_id)) is not None
            and told.filled > 0
        )
    )
    cancelled = await kraken.client.cancel_order(ONE, "BTC/USDT", request.client_order_id)
    assert (cancelled.status, cancelled.filled) == (S.CANCELED, D("0.05"))
    assert sum(fill.quantity for fill in cancelled.fills) == D("0.05")


async def test_sixteen_orders_at_once_each_get_their_own_answer(kraken: KrakenHouse) -> None:
    kraken.client = KrakenClient(kraken.clock, kraken.endpoints, PATIENT)
    requests = [limit(str(50 + number)) for number in range(16)]
    answers = await asyncio.gather(*(kraken.client.place_order(ONE, one) for one in requests))
    assert [(one.client_order_id, one.price) for one in answers] == [(one.client_order_id, one.price) for one in requests]
    assert len({one.exchange_order_id for one in answers}) == 16
    assert kraken.client.stats().requests >= 16


async def test_a_hundred_moves_leave_no_moment_without_a_stop(kraken: KrakenHouse) -> None:
    """The order's acceptance never changes: no instant at the exchange in which the coins were free."""
    request = stop("90")
    placed = await kraken.client.place_order(ONE, request)
    for number in range(100):
        await kraken.client.edit_order(
            ONE, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, stop_price=D(80) + D(number) / 10)
        )
        held = kraken.server.venue.accounts["kraken", ONE.api_key].holding("BTC")
        assert held.locked == D("0.1")
        await kraken.clock.advance(20)
    assert (await look(kraken, request)).exchange_order_id == placed.exchange_order_id
    assert kraken.asked("order.cancel") == []


async def test_what_the_exchange_refuses_is_told_apart(kraken: KrakenHouse, kraken_way: str) -> None:
    for request, error in (
        (limit("80", quantity=D(1000)), InsufficientFunds),
        (limit("80", quantity=D("0.0000001")), InvalidOrder),
        (limit("105", type=OrderType.LIMIT_MAKER), InvalidOrder),
    ):
        with pytest.raises(error):
            await kraken.client.place_order(ONE, request)
    assert await kraken.client.open_orders(ONE) == []


async def test_an_order_that_may_only_make_takes_nothing_when_its_price_is_changed(kraken: KrakenHouse, kraken_way: str) -> None:
    request = limit("80", type=OrderType.LIMIT_MAKER)
    await kraken.client.place_order(ONE, request)
    with pytest.raises(InvalidOrder):
        await kraken.client.edit_order(ONE, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, price=D(105)))
    await kraken.client.edit_order(ONE, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, price=D(81)))
    (resting,) = await kraken.client.open_orders(ONE)
    assert (resting.type, resting.price, resting.filled) == (OrderType.LIMIT_MAKER, D(81), D(0))


async def test_an_answer_in_doubt_is_looked_for_and_found(kraken: KrakenHouse, kraken_way: str) -> None:
    kraken.faults({"on": "order.place", "do": "accept_then_hang"})
    request = limit("80")
    with pytest.raises(OutcomeUnknown):
        await kraken.client.place_order(ONE, request)
    found = await kraken.client.find_order(ONE, "BTC/USDT", request.client_order_id)
    assert found is not None
    assert found.status is S.OPEN
    assert len(kraken.asked("order.place")) == 1


def test_it_says_of_itself_what_is_true() -> None:
    can = KrakenClient.capabilities
    assert (can.native_oco, can.native_otoco, can.edit_order, can.amends_stops) == (False, False, True, True)
    assert (can.private_stream, can.trading_socket, can.exits_lock_funds) == (True, True, True)
    assert (can.max_candles, can.request_window) == (720, 5.0)
    assert [field.name for field in can.credential_fields if field.secret] == ["api_secret"]
