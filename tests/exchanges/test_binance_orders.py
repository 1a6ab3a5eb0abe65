"""Orders, lists, cancels and edits reach the simulated exchange as they are meant."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError, InsufficientFunds, InvalidOrder, OutcomeUnknown, Refused, UnknownOrder, UnknownSymbol
from aristobot.exchange import Credentials
from aristobot.orders import OrderStatus, OrderType, OtocoRequest, TimeInForce
from services.exchanges.binance_orders import amended
from tests.exchanges.house import HMAC, House, exits, limit, market, new_id

D = Decimal
S = OrderStatus


async def test_a_market_order_comes_back_filled_with_its_fee(house: House, keys: Credentials, way: str) -> None:
    request = market()
    report = await house.client.place_order(keys, request)
    assert (report.client_order_id, report.status, report.filled) == (request.client_order_id, S.FILLED, D("0.1"))
    assert sum(fill.quantity for fill in report.fills) == report.filled
    assert {fill.fee_asset for fill in report.fills} == {"BTC"}
    assert all(fill.client_order_id == request.client_order_id and fill.symbol == "BTC/USDT" for fill in report.fills)
    assert house.requests("order.place") == ["order.place" if way == "socket" else "/api/v3/order"]


async def test_money_to_spend_buys_what_it_is_worth(house: House) -> None:
    report = await house.client.place_order(HMAC, market(quantity=D(0), quote_quantity=D(50)))
    assert report.status is S.FILLED
    assert D(49) < report.quote_filled <= D(50)


async def test_a_limit_order_rests_is_found_and_is_cancelled(house: House, keys: Credentials, way: str) -> None:
    request = limit("80")
    placed = await house.client.place_order(keys, request)
    assert (placed.status, placed.price) == (S.OPEN, D(80))
    found = await house.client.find_order(keys, "BTC/USDT", request.client_order_id)
    assert found is not None
    assert found.exchange_order_id == placed.exchange_order_id
    for symbol in ("BTC/USDT", None):
        assert [one.client_order_id for one in await house.client.open_orders(keys, symbol)] == [request.client_order_id]
    cancelled = await house.client.cancel_order(keys, "BTC/USDT", request.client_order_id)
    assert (cancelled.client_order_id, cancelled.status) == (request.client_order_id, S.CANCELED)
    assert await house.client.open_orders(keys) == []
    with pytest.raises(UnknownOrder):
        await house.client.cancel_order(keys, "BTC/USDT", request.client_order_id)


async def test_stop_and_target_rest_as_one_and_go_as_one(house: House, keys: Credentials, way: str) -> None:
    request = exits()
    stop, target = await house.client.place_oco(keys, request)
    assert (stop.client_order_id, target.client_order_id) == (request.stop.client_order_id, request.target.client_order_id)
    assert (stop.type, target.type, stop.stop_price) == (OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER, D(90))
    assert {stop.list_client_id, target.list_client_id} == {request.list_client_id}
    assert len(await house.client.open_orders(keys)) == 2
    legs = await house.client.cancel_list(keys, "BTC/USDT", request.list_client_id)
    assert {leg.client_order_id for leg in legs} == {request.stop.client_order_id, request.target.client_order_id}
    assert {leg.status for leg in legs} == {S.CANCELED}
    with pytest.raises(UnknownOrder):
        await house.client.cancel_list(keys, "BTC/USDT", request.list_client_id)


async def test_cancelling_one_leg_takes_the_other_along(house: House) -> None:
    request = exits()
    await house.client.place_oco(HMAC, request)
    leg = await house.client.cancel_order(HMAC, "BTC/USDT", request.target.client_order_id)
    assert (leg.client_order_id, leg.status) == (request.target.client_order_id, S.CANCELED)
    assert await house.client.open_orders(HMAC) == []


async def test_when_the_target_fills_the_stop_expires(house: House) -> None:
    request = exits()
    await house.client.place_oco(HMAC, request)
    house.price("121")
    stop = await house.client.find_order(HMAC, "BTC/USDT", request.stop.client_order_id)
    target = await house.client.find_order(HMAC, "BTC/USDT", request.target.client_order_id)
    assert stop is not None
    assert target is not None
    assert (stop.status, target.status) == (S.EXPIRED, S.FILLED)


@pytest.mark.parametrize("sized_by_exchange", [True, False])
async def test_an_entry_brings_its_own_exits(house: House, way: str, sized_by_exchange: bool) -> None:
    poor = Credentials("poor" + "a" * 60, "secret" + "c" * 58)
    house.server.venue.open_account("binance", poor.api_key, poor.api_secret, {"USDT": D(10_000)})
    await house.client.instruments()
    sell = exits("0.0999")
    ours = D(0) if sized_by_exchange else D("0.0999")
    request = OtocoRequest(new_id(), limit("105", time_in_force=TimeInForce.FOK), ours, sell.stop, sell.target)
    entry, stop, target = await house.client.place_otoco(poor, request)
    names = (request.entry.client_order_id, sell.stop.client_order_id, sell.target.client_order_id)
    assert (entry.client_order_id, stop.client_order_id, target.client_order_id) == names
    resting = await house.client.open_orders(poor, "BTC/USDT")
    assert {one.client_order_id for one in resting} == {stop.client_order_id, target.client_order_id}
    assert {one.quantity for one in resting} == {D("0.0999")}
    found = await house.client.find_order(poor, "BTC/USDT", request.entry.client_order_id)
    assert found is not None
    assert found.status is S.FILLED
    expected = "opoco" if sized_by_exchange else "otoco"
    assert house.requests("list.place")[0].endswith(expected)


async def test_exits_without_a_size_are_not_sent_where_the_exchange_cannot_size_them(house: House, way: str) -> None:
    await house.client.instruments()
    house.client._catalogue = replace(house.client._catalogue, opo_allowed=frozenset())
    sell = exits("0.0999")
    request = OtocoRequest(new_id(), limit("105", time_in_force=TimeInForce.FOK), D(0), sell.stop, sell.target)
    with pytest.raises(InvalidOrder):
        await house.client.place_otoco(HMAC, request)
    assert house.requests("list.place") == []


async def test_an_order_is_made_smaller_in_place(house: House, way: str) -> None:
    request = limit("80")
    placed = await house.client.place_order(HMAC, request)
    smaller = await house.client.edit_order(
        HMAC, "BTC/USDT", request.client_order_id, msgspec.structs.replace(request, quantity=D("0.05"))
    )
    assert (smaller.exchange_order_id, smaller.client_order_id) == (placed.exchange_order_id, request.client_order_id)
    assert smaller.quantity == D("0.05")


async def test_an_order_is_replaced_by_another(house: House, way: str) -> None:
    old, new = limit("80"), limit("85")
    await house.client.place_order(HMAC, old)
    replaced = await house.client.edit_order(HMAC, "BTC/USDT", old.client_order_id, new)
    assert (replaced.client_order_id, replaced.price, replaced.status) == (new.client_order_id, D(85), S.OPEN)
    assert [one.client_order_id for one in await house.client.open_orders(HMAC)] == [new.client_order_id]


async def test_a_replacement_whose_new_half_is_refused_says_that_the_old_order_is_gone(house: House, way: str) -> None:
    old = limit("80")
    await house.client.place_order(HMAC, old)
    with pytest.raises(Refused) as refused:
        await house.client.edit_order(HMAC, "BTC/USDT", old.client_order_id, limit("85", quantity=D(1000)))
    assert (refused.value.code, refused.value.facts["reason"]) == ("cancelled_not_replaced", "insufficient_funds")
    assert await house.client.open_orders(HMAC) == []


async def test_a_replacement_of_nothing_places_nothing(house: House, way: str) -> None:
    with pytest.raises(UnknownOrder):
        await house.client.edit_order(HMAC, "BTC/USDT", new_id(), limit("85"))
    assert await house.client.open_orders(HMAC) == []


async def test_an_order_made_ready_finds_another_way_when_its_connection_is_gone(house: House, keys: Credentials) -> None:
    await house.client.place_order(keys, limit("80"))
    request = limit("81")
    send = house.client.prepare_order(keys, request)
    assert send is not None
    house.faults({"on": "order.place", "do": "disconnect"})
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(keys, limit("82"))
    house.faults({"on": "socket.connect", "do": "refuse", "times": 0})
    assert (await send()).client_order_id == request.client_order_id
    assert house.requests("order.place") == ["order.place", "order.place", "/api/v3/order"]


async def test_an_order_made_ready_is_refused_as_any_other(house: House, keys: Credentials) -> None:
    await house.client.place_order(keys, limit("80"))
    dear = house.client.prepare_order(keys, market(quantity=D(110)))
    assert dear is not None
    with pytest.raises(InsufficientFunds):
        await dear()
    unknown = house.client.prepare_order(keys, limit("80", symbol="NOPE/USDT"))
    assert unknown is not None
    with pytest.raises(UnknownSymbol, match="NOPEUSDT"):
        await unknown()


async def test_nothing_is_made_ready_by_a_clock_that_is_not_known(house: House, keys: Credentials) -> None:
    await house.client.place_order(keys, limit("80"))
    request = limit("81")
    send = house.client.prepare_order(keys, request)
    assert send is not None
    house.client._calls.link.server_clock.distrust()
    assert house.client.prepare_order(keys, limit("82")) is None
    assert (await send()).client_order_id == request.client_order_id


def test_an_amended_order_is_read_in_the_words_of_the_documentation() -> None:
    order = {
        "symbol": "BTCUSDT", "orderId": 33, "orderListId": -1, "origClientOrderId": "mine", "clientOrderId": "mine",
        "price": "6.00000000", "qty": "5.00000000", "executedQty": "1.00000000", "preventedQty": "0.00000000",
        "quoteOrderQty": "0.00000000", "cumulativeQuoteQty": "6.00000000", "status": "PARTIALLY_FILLED", "timeInForce": "GTC",
        "type": "LIMIT", "side": "SELL", "workingTime": 1741926410242, "selfTradePreventionMode": "NONE",
    }  # fmt: skip
    answer = {"transactTime": 1741926410255, "executionId": 75, "amendedOrder": order}
    report = amended(msgspec.json.encode(answer), "BTC/USDT")
    assert (report.client_order_id, report.exchange_order_id, report.status) == ("mine", "33", S.PARTIALLY_FILLED)
    assert (report.quantity, report.filled, report.quote_filled, report.price) == (D(5), D(1), D(6), D(6))
    assert report.at == from_milliseconds(1741926410255)
    with pytest.raises(DataError):
        amended(msgspec.json.encode({**answer, "amendedOrder": {**order, "qty": "0.00000000"}}), "BTC/USDT")
