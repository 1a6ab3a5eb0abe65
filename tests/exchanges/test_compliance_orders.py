"""Compliance, second part: orders placed, found, moved, cancelled, with their fills and fees."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from aristobot.errors import (
    DuplicateOrder,
    InsufficientFunds,
    InvalidOrder,
    Refused,
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)
from aristobot.orders import OcoRequest, OrderRequest, OrderStatus, OrderType, OtocoRequest, Side, TimeInForce
from tests.exchanges.compliance import SYMBOL, Bench, behaviour, guard, ids_of, limit, market, new_id, stop

D = Decimal
S = OrderStatus
STOP, STOP_LIMIT = OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT
TARGET, TARGET_LIMIT = OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@behaviour(
    "X-12", "A market order is filled; asked for again, it tells all its fills and fees as the exchange booked them.", routes=True
)
async def test_a_market_order_is_filled(bench: Bench, side: Side) -> None:
    request = market(side)
    placed = await bench.later(bench.client.place_order(bench.keys, request))
    assert placed.client_order_id == request.client_order_id
    found = await bench.find(request.client_order_id)
    assert (found.status, found.side, found.filled) == (S.FILLED, side, D("0.1"))
    (order,) = bench.placed(request.client_order_id)
    told = [(one.price, one.quantity, one.fee, one.fee_asset) for one in found.fills]
    assert told == [(one.price, one.quantity, one.fee, one.fee_asset) for one in order.fills]
    assert {one.client_order_id for one in found.fills} == {request.client_order_id}
    assert all(one.fee > 0 for one in found.fills)
    assert found.quote_filled == order.quote_filled


@behaviour("X-13", "A market buy may be sized by the money to spend, and spends no more.", routes=True)
async def test_money_to_spend_is_not_overspent(bench: Bench) -> None:
    request = market(quantity=D(0), quote_quantity=D(50))
    await bench.later(bench.client.place_order(bench.keys, request))
    found = await bench.find(request.client_order_id)
    assert found.status is S.FILLED
    assert D(49) < found.quote_filled <= D(50)


@behaviour("X-14", "A limit order rests, is listed and found, and is cancelled once.", routes=True)
async def test_a_limit_order_rests_and_is_cancelled(bench: Bench) -> None:
    request = limit("90")
    placed = await bench.client.place_order(bench.keys, request)
    assert (placed.status, placed.price, placed.quantity, placed.filled) == (S.OPEN, D(90), D("0.1"), D(0))
    found = await bench.find(request.client_order_id)
    assert (found.exchange_order_id, found.status, found.type) == (placed.exchange_order_id, S.OPEN, OrderType.LIMIT)
    for symbol in (SYMBOL, None):
        assert ids_of(await bench.client.open_orders(bench.keys, symbol)) == [request.client_order_id]
    assert await bench.client.open_orders(bench.keys, "ETH/USDT") == []
    cancelled = await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, request.client_order_id))
    assert (cancelled.client_order_id, cancelled.status) == (request.client_order_id, S.CANCELED)
    assert await bench.client.open_orders(bench.keys) == []
    for client_id in (request.client_order_id, new_id()):
        with pytest.raises(UnknownOrder):
            await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, client_id))


@behaviour("X-15", "An order that nobody placed is not found, and that is an answer.")
async def test_an_order_nobody_placed_is_not_found(bench: Bench) -> None:
    assert await bench.find(new_id()) is None


@behaviour("X-16", "What cannot be taken at once of an order that may not rest is not bought.", routes=True)
async def test_an_order_that_may_not_rest_does_not(bench: Bench) -> None:
    request = limit("90", time_in_force=TimeInForce.IOC)
    await bench.later(bench.client.place_order(bench.keys, request))
    found = await bench.find(request.client_order_id)
    assert found.status in (S.CANCELED, S.EXPIRED)
    assert found.filled == 0
    assert await bench.client.open_orders(bench.keys) == []


@pytest.mark.parametrize(
    "request_",
    [guard(STOP, "90"), guard(STOP_LIMIT, "90", "80"), guard(TARGET, "110"), guard(TARGET_LIMIT, "110", "105")],
    ids=lambda one: one.type.value,
)
@behaviour(
    "X-17", "A stop or target rests until its price is reached, and then sells under the name it was placed with.", routes=True
)
async def test_a_stop_or_target_waits_for_its_price(bench: Bench, request_: OrderRequest) -> None:
    request = replace(request_, client_order_id=new_id())
    placed = await bench.client.place_order(bench.keys, request)
    assert (placed.status, placed.stop_price, placed.type) == (S.OPEN, request.stop_price, request.type)
    (resting,) = await bench.client.open_orders(bench.keys, SYMBOL)
    assert (resting.client_order_id, resting.stop_price, resting.price) == (
        request.client_order_id, request.stop_price, request.price,
    )  # fmt: skip
    # Some exchanges list a trigger without a word on whether it lies above or below the price.
    assert resting.type in ((STOP, TARGET) if request.type in (STOP, TARGET) else (STOP_LIMIT, TARGET_LIMIT))
    bench.price("89" if request.stop_price < 100 else "111")
    found = await bench.find(request.client_order_id)
    assert (found.client_order_id, found.status, found.filled) == (request.client_order_id, S.FILLED, D("0.1"))
    assert sum(one.quantity for one in found.fills) == D("0.1")
    assert await bench.client.open_orders(bench.keys, SYMBOL) == []


@behaviour("X-18", "A stop is moved in place: one order, one name, never naked.", needs="amends_stops", routes=True)
async def test_a_stop_is_moved_in_place(bench: Bench) -> None:
    request = stop("90")
    placed = await bench.client.place_order(bench.keys, request)
    moved = replace(request, stop_price=D(95), price=D(94), quantity=D("0.2"))
    report = await bench.client.edit_order(bench.keys, SYMBOL, request.client_order_id, moved)
    assert (report.client_order_id, report.stop_price, report.status) == (request.client_order_id, D(95), S.OPEN)
    (resting,) = await bench.client.open_orders(bench.keys, SYMBOL)
    assert (resting.client_order_id, resting.exchange_order_id) == (request.client_order_id, placed.exchange_order_id)
    assert (resting.stop_price, resting.price, resting.quantity) == (D(95), D(94), D("0.2"))
    assert bench.asked("order.cancel") == []


@behaviour("X-19", "An order is replaced by one of another name.", needs="edit_order", routes=True)
async def test_an_order_is_replaced(bench: Bench) -> None:
    old, new = limit("90"), limit("91")
    await bench.client.place_order(bench.keys, old)
    report = await bench.later(bench.client.edit_order(bench.keys, SYMBOL, old.client_order_id, new))
    assert (report.client_order_id, report.price, report.status) == (new.client_order_id, D(91), S.OPEN)
    assert ids_of(await bench.client.open_orders(bench.keys)) == [new.client_order_id]
    assert (await bench.find(old.client_order_id)).status is S.CANCELED


@behaviour("X-20", "A replacement that is refused tells whether the old order is gone.", needs="edit_order", routes=True)
async def test_a_refused_replacement_tells_what_is_left(bench: Bench) -> None:
    old = limit("90")
    await bench.client.place_order(bench.keys, old)
    with pytest.raises(Refused) as refused:
        await bench.later(bench.client.edit_order(bench.keys, SYMBOL, old.client_order_id, limit("91", quantity=D(500))))
    gone = bench.placed(old.client_order_id)[0].status is S.CANCELED
    assert gone == (refused.value.code == "cancelled_not_replaced")


@behaviour("X-21", "A replacement of nothing places nothing.", needs="edit_order", routes=True)
async def test_a_replacement_of_nothing_places_nothing(bench: Bench) -> None:
    with pytest.raises(UnknownOrder):
        await bench.later(bench.client.edit_order(bench.keys, SYMBOL, new_id(), limit("91")))
    assert bench.account().orders == {}


@behaviour("X-22", "Stop and target are placed as one, one fills and the other goes.", needs="native_oco", routes=True)
async def test_stop_and_target_are_one(bench: Bench) -> None:
    request = OcoRequest(new_id(), SYMBOL, D("0.1"), stop("90"), limit("120", Side.SELL))
    legs = await bench.client.place_oco(bench.keys, request)
    assert ids_of(legs) == [request.stop.client_order_id, request.target.client_order_id]
    bench.price("121")
    assert (await bench.find(request.target.client_order_id)).status is S.FILLED
    assert (await bench.find(request.stop.client_order_id)).status in (S.CANCELED, S.EXPIRED)
    again = OcoRequest(new_id(), SYMBOL, D("0.1"), stop("90"), limit("140", Side.SELL))
    await bench.client.place_oco(bench.keys, again)
    await bench.client.cancel_list(bench.keys, SYMBOL, again.list_client_id)
    assert await bench.client.open_orders(bench.keys) == []


@behaviour("X-23", "An entry brings its own stop and target.", needs="native_otoco", routes=True)
async def test_an_entry_brings_its_exits(bench: Bench) -> None:
    entry = limit("105", time_in_force=TimeInForce.FOK)
    request = OtocoRequest(new_id(), entry, D("0.0999"), stop("90", quantity=D("0.0999")), limit("120", Side.SELL))
    legs = await bench.client.place_otoco(bench.keys, request)
    exits = [request.stop.client_order_id, request.target.client_order_id]
    assert ids_of(legs) == [entry.client_order_id, *exits]
    assert (await bench.find(entry.client_order_id)).status is S.FILLED
    assert set(ids_of(await bench.client.open_orders(bench.keys))) == set(exits)


@behaviour("X-24", "Orders that ended are listed oldest first with their fills, and executions since a moment agree with them.")
async def test_history_agrees_with_itself(bench: Bench) -> None:
    began = bench.clock.now()
    asked = [market(), market(Side.SELL), limit("90")]
    for request in asked:
        await bench.clock.advance(2)
        await bench.later(bench.client.place_order(bench.keys, request))
    await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, asked[2].client_order_id))
    await bench.later(bench.client.place_order(bench.keys, limit("80")))
    ended = await bench.later(bench.client.closed_orders(bench.keys, began, SYMBOL))
    assert [(one.client_order_id, one.status) for one in ended] == [
        (request.client_order_id, status) for request, status in zip(asked, (S.FILLED, S.FILLED, S.CANCELED), strict=True)
    ]
    bare = await bench.later(bench.client.closed_orders(bench.keys, began, SYMBOL, fills=False))
    assert bare == [dataclasses.replace(one, fills=()) for one in ended]
    fills = await bench.later(bench.client.fills(bench.keys, SYMBOL, began))
    assert {one.trade_id for report in ended for one in report.fills} == {one.trade_id for one in fills}
    assert [one.quantity for one in fills] == [D("0.1"), D("0.1")]
    assert await bench.later(bench.client.fills(bench.keys, SYMBOL, bench.clock.now() + timedelta(hours=1))) == []


@behaviour("X-54", "Many orders are found together as each is found alone: resting, ended, or unknown.", needs="finds_many")
async def test_many_orders_are_found_together(bench: Bench) -> None:
    began = bench.clock.now()
    resting, ended, gone, never = limit("90"), market(), limit("80"), limit("70")
    for request in (resting, ended, gone):
        await bench.later(bench.client.place_order(bench.keys, request))
    await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, gone.client_order_id))
    other = market(Side.SELL)
    await bench.later(bench.client.place_order(bench.keys, other))
    wanted = {one.client_order_id: SYMBOL for one in (resting, ended, gone, never)}
    asked = len(bench.server.world.journal.entries)
    found = await bench.later(bench.client.find_orders(bench.keys, wanted, began, bench.clock.now()))
    assert len(bench.server.world.journal.entries) - asked <= len(wanted) - 1
    alone = [await bench.find(client_id) for client_id in wanted]
    assert {one.client_order_id: one for one in found} == {one.client_order_id: one for one in alone if one is not None}
    assert {one.client_order_id for one in found} == {*wanted} - {never.client_order_id}


@behaviour("X-25", "An order filled in part says so; what is cancelled then keeps what it bought.", routes=True)
async def test_a_part_that_is_filled_stays_filled(bench: Bench) -> None:
    bench.faults({"on": "order.place", "do": "partial_fill", "fraction": "0.5"})
    request = limit("101")
    await bench.later(bench.client.place_order(bench.keys, request))
    found = await bench.find(request.client_order_id)
    assert (found.status, found.filled) == (S.PARTIALLY_FILLED, D("0.05"))
    cancelled = await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, request.client_order_id))
    assert cancelled.filled in (D("0.05"), D(0))  # some answers to a cancel do not tell
    found = await bench.find(request.client_order_id)
    assert (found.status, found.filled, sum(one.quantity for one in found.fills)) == (S.CANCELED, D("0.05"), D("0.05"))


@behaviour("X-26", "An order filled in many pieces adds up, each piece with a number and a fee of its own.", routes=True)
async def test_many_pieces_add_up(bench: Bench) -> None:
    bench.faults({"on": "order.place", "do": "partial_fill", "fills": 7})
    request = market(Side.SELL)
    await bench.later(bench.client.place_order(bench.keys, request))
    found = await bench.find(request.client_order_id)
    (order,) = bench.placed(request.client_order_id)
    assert (found.status, len(found.fills)) == (S.FILLED, 7)
    assert len({one.trade_id for one in found.fills}) == 7
    assert sum(one.fee for one in found.fills) == sum(one.fee for one in order.fills)
    assert found.quote_filled == sum(one.value for one in order.fills)


@behaviour("X-27", "A client id that rests already is refused as a duplicate, and nothing is doubled.", routes=True)
async def test_a_name_that_rests_is_not_taken_twice(bench: Bench) -> None:
    request = limit("90")
    await bench.client.place_order(bench.keys, request)
    with pytest.raises(DuplicateOrder):
        await bench.client.place_order(bench.keys, request)
    assert len(bench.placed(request.client_order_id)) == 1


_REFUSALS = {
    "too dear": (limit("99", quantity=D(500)), InsufficientFunds),
    "more than is held": (market(Side.SELL, quantity=D(5)), InsufficientFunds),
    "no such market": (limit("99", symbol="NOPE/USDT"), UnknownSymbol),
    "too small": (limit("99", quantity=D("0.00000001")), InvalidOrder),
    "off the tick": (limit("99.123456"), InvalidOrder),
    "nothing": (limit("99", quantity=D(0)), InvalidOrder),
}


@pytest.mark.parametrize("why", list(_REFUSALS))
@behaviour("X-28", "What the exchange refuses is a definite no of its class, asked once, and leaves nothing behind.", routes=True)
async def test_a_refusal_has_its_class(bench: Bench, why: str) -> None:
    given, error = _REFUSALS[why]
    request = replace(given, client_order_id=new_id())
    with pytest.raises(error) as refused:
        await bench.client.place_order(bench.keys, request)
    assert not isinstance(refused.value, TryAgain)
    assert bench.sendings <= 1
    assert bench.placed(request.client_order_id) == []
    assert await bench.client.open_orders(bench.keys) == []


@behaviour("X-29", "Amounts travel exactly and without an exponent.", routes=True)
async def test_amounts_travel_exactly(bench: Bench) -> None:
    instrument = bench.instrument()
    quantity = D("0.1") + instrument.lot
    for price in (D("9E+1"), D(90) + instrument.tick):
        request = market(type=OrderType.LIMIT, price=price, quantity=quantity.normalize())
        placed = await bench.client.place_order(bench.keys, request)
        (order,) = bench.placed(request.client_order_id)
        assert (order.price, order.quantity) == (price, quantity)
        assert (placed.price, placed.quantity) == (price, quantity)
        found = await bench.find(request.client_order_id)
        assert (found.price, found.quantity) == (price, quantity)
        assert all(type(one) is Decimal for one in (found.price, found.quantity, found.filled, found.quote_filled))


@pytest.mark.parametrize("seconds", [0.0, 0.25, 10.0, 7200.0])
@behaviour(
    "X-59",
    "An order made ready leaves when it is told to, once and as it was asked for, however long it waited.",
    needs="prepares_orders",
    routes=True,
)
async def test_an_order_made_ready_leaves_when_it_is_told_to(bench: Bench, seconds: float) -> None:
    await bench.later(bench.client.place_order(bench.keys, limit("90")))
    request = limit("91")
    send = bench.client.prepare_order(bench.keys, request)
    forgotten = limit("92")
    bench.client.prepare_order(bench.keys, forgotten)
    if bench.case.route == "rest":
        assert send is None
        return
    await bench.clock.advance(seconds)
    assert (bench.sendings, bench.placed(request.client_order_id)) == (1, [])
    placed = await bench.later(send())
    assert (placed.client_order_id, placed.status, placed.price, placed.quantity) == (
        request.client_order_id,
        S.OPEN,
        D(91),
        D("0.1"),
    )
    assert (bench.sendings, len(bench.placed(request.client_order_id))) == (2, 1)
    assert bench.placed(forgotten.client_order_id) == []
