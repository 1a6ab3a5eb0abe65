"""Orders leave once: whatever the exchange answers, or does not, the row tells the truth in the end."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from aristobot.errors import InstanceRunning, InvalidInput, NotFound
from aristobot.kinds import OrderRole
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.instance import next_epoch
from aristobot.store.tenancy import SYSTEM
from services.order_draft import PlaceOrder
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus


def a_wish(trader: Trader, **changes: Any) -> PlaceOrder:
    """A market buy of a hundredth of a bitcoin."""
    values: dict[str, Any] = {"broker_id": trader.broker_id, "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET}
    return PlaceOrder(**{**values, "quantity": D("0.01"), **changes})


#: What the exchange does with an order, what the row says in the end, and how often the order was sent.
ANSWERS: dict[str, tuple[dict[str, Any], OrderStatus, int]] = {
    "answered late": ({"do": "slow", "seconds": 2}, S.FILLED, 1),
    "done, then answered late": ({"do": "slow_reply", "seconds": 2}, S.FILLED, 1),
    "done and never answered": ({"do": "accept_then_hang"}, S.FILLED, 1),
    "done and answered by 504": ({"do": "accept_then_5xx"}, S.FILLED, 1),
    "done and the connection cut": ({"do": "disconnect"}, S.FILLED, 1),
    "done and half of the answer": ({"do": "short_body"}, S.FILLED, 1),
    "done in spite of -1006": ({"do": "-1006"}, S.FILLED, 1),
    "done in spite of -1007": ({"do": "-1007"}, S.FILLED, 1),
    "done seconds after -1007": ({"do": "delayed_accept", "seconds": 3}, S.FILLED, 1),
    "not done, -1006": ({"do": "-1006", "accept": False}, S.NOT_ACCEPTED, 1),
    "not done, -1007": ({"do": "-1007", "accept": False}, S.NOT_ACCEPTED, 1),
    "not done, -1008": ({"do": "-1008"}, S.NOT_ACCEPTED, 1),
    "not done, 503": ({"do": "refuse_5xx"}, S.NOT_ACCEPTED, 1),
    "not done, the connection cut": ({"do": "refuse"}, S.NOT_ACCEPTED, 1),
    "asked for silence of a second": ({"do": "429", "retry_after": 1}, S.FILLED, 2),
    "banned for a minute": ({"do": "418", "retry_after": 60}, S.REJECTED, 1),
    "outside its time window": ({"do": "wrong_clock", "offset_ms": 60_000}, S.REJECTED, 1),
    "partly filled, the rest expired": ({"do": "partial_fill", "fraction": "0.5"}, S.EXPIRED, 1),
    "filled in three parts": ({"do": "partial_fill", "fills": 3}, S.FILLED, 1),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_an_order_is_believed_as_the_exchange_has_it_and_never_sent_blindly_again(house: TradingHouse, answer: str) -> None:
    fault, expected, sent = ANSWERS[answer]
    trader = await house.trader()
    house.faults({"on": "order.place", **fault})
    row = await house.app.desk.place(trader.user_id, a_wish(trader))
    assert row.status is expected
    assert len(house.asked("order.place")) == sent
    assert sum(order.filled for order in trader.orders()) == row.filled
    assert trader.total("BTC") == row.filled * D("0.999")


async def test_a_refusal_of_the_exchange_is_final_and_says_why(house: TradingHouse, trader: Trader) -> None:
    far_away = a_wish(trader, type=OrderType.LIMIT, price=D(100), quantity=D(1))
    row = await house.app.desk.place(trader.user_id, far_away)
    assert (row.status, trader.orders()) == (S.REJECTED, [])
    assert row.reason
    assert row.reason_facts


async def test_the_same_wish_asked_twice_is_one_order(house: TradingHouse, trader: Trader) -> None:
    wish = a_wish(trader, cause=uuid.uuid4())
    first = await house.app.desk.place(trader.user_id, wish)
    second = await house.app.desk.place(trader.user_id, wish)
    assert first.id == second.id
    assert len(trader.orders()) == 1


async def test_the_same_wish_asked_at_the_same_moment_is_one_order(house: TradingHouse, trader: Trader) -> None:
    wish = a_wish(trader, cause=uuid.uuid4())
    house.faults({"on": "order.place", "do": "slow", "seconds": 0.1})
    rows = await asyncio.gather(*(house.app.desk.place(trader.user_id, wish) for _ in range(4)))
    assert {row.id for row in rows} == {rows[0].id}
    assert {row.status for row in rows} == {S.FILLED}
    assert len(trader.orders()) == 1


async def test_an_order_that_cannot_be_paid_is_not_sent(house: TradingHouse, trader: Trader) -> None:
    row = await house.app.desk.place(trader.user_id, a_wish(trader, quantity=D(1)))
    assert (row.status, row.reason) == (S.DENIED, "insufficient_funds")
    assert row.reason_facts == {"asset": "USDT", "needed": "61800", "free": "10000"}
    assert house.asked("order.place") == []


async def test_an_order_of_another_users_broker_does_not_exist(house: TradingHouse, trader: Trader) -> None:
    stranger = await house.trader()
    with pytest.raises(NotFound):
        await house.app.desk.place(stranger.user_id, a_wish(trader))
    row = await house.app.desk.place(trader.user_id, a_wish(trader))
    with pytest.raises(NotFound):
        await house.app.desk.cancel(stranger.user_id, row.id)


async def test_a_dry_run_records_what_would_have_been_sent(house: TradingHouse, trader: Trader) -> None:
    await house.restart(no_orders=True)
    await house.until(lambda: trader.broker_id in house.app.floor.reconciled)
    ended = await house.alert(trader, action="BuyMarket", percent=50, stop_loss="-2%")
    (row,) = await house.rows(trader)
    assert (row.status, row.reason, row.dry_run, row.quantity) == (S.DENIED, "dry_run", True, D("0.08333"))
    assert (ended.outcome, trader.orders()) == ("refused", [])


async def test_a_house_that_has_a_successor_sends_nothing_more(house: TradingHouse, trader: Trader) -> None:
    await house.app.db.write(SYSTEM, next_epoch)
    with pytest.raises(InstanceRunning):
        await house.app.desk.place(trader.user_id, a_wish(trader))
    assert trader.orders() == []


async def test_a_preview_tells_what_would_be_sent_and_sends_nothing(house: TradingHouse, trader: Trader) -> None:
    seen = await house.app.desk.preview(trader.user_id, a_wish(trader, quantity=D("0.0123456789")))
    assert (seen.request.quantity, seen.request.price) == (D("0.01234"), D("61800.00"))
    assert (seen.notional, seen.fee, seen.refusal) == (D("740.4"), D("0.7404"), None)
    poor = await house.app.desk.preview(trader.user_id, a_wish(trader, quantity=D(1)))
    assert poor.refusal is not None
    assert poor.refusal.code == "insufficient_funds"
    assert (await house.rows(trader), trader.orders()) == ([], [])


async def test_a_wish_without_a_size_is_asked_back(house: TradingHouse, trader: Trader) -> None:
    with pytest.raises(InvalidInput) as asked_back:
        await house.app.desk.place(trader.user_id, a_wish(trader, quantity=D(0)))
    assert asked_back.value.facts["field"] == "quantity"


async def test_a_cancelled_order_ends_as_cancelled_even_when_the_answer_gets_lost(house: TradingHouse, trader: Trader) -> None:
    for fault in ("accept_then_5xx", "disconnect", "short_body", "-1007", "refuse_5xx", "slow"):
        row = await house.app.desk.place(trader.user_id, a_wish(trader, type=OrderType.LIMIT, price=D(59000)))
        assert row.status is S.OPEN
        house.faults({"on": "order.cancel", "do": fault, "seconds": 0.1})
        ended = await house.app.desk.cancel(trader.user_id, row.id)
        assert (fault, ended.status) == (fault, S.CANCELED)
    assert {order.status for order in trader.orders()} == {S.CANCELED}


async def test_a_cancel_that_comes_too_late_brings_the_fill(house: TradingHouse, trader: Trader) -> None:
    row = await house.app.desk.place(trader.user_id, a_wish(trader, type=OrderType.LIMIT, price=D(59000)))
    house.faults({"on": "any.message", "do": "drop_message", "times": 0})
    house.price("58000")
    ended = await house.app.desk.cancel(trader.user_id, row.id)
    assert (ended.status, ended.filled) == (S.FILLED, D("0.01"))
    await house.holds(trader, "0.00999")


async def test_cancelling_what_has_ended_asks_nobody(house: TradingHouse, trader: Trader) -> None:
    row = await house.app.desk.place(trader.user_id, a_wish(trader))
    ended = await house.app.desk.cancel(trader.user_id, row.id)
    assert ended.status is S.FILLED
    assert house.asked("order.cancel") == []


async def test_an_order_is_written_before_it_is_sent(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "order.place", "do": "slow", "seconds": 0.2})
    placing = asyncio.ensure_future(house.app.desk.place(trader.user_id, a_wish(trader)))
    await house.until(lambda: bool(house.asked("order.place")))
    rows = await house.rows(trader)
    assert [(row.status, row.sent_at is not None, row.fence_at is not None) for row in rows] == [(S.PENDING, True, True)]
    assert trader.orders() == []
    assert (await placing).status is S.FILLED


async def test_orders_by_hand_are_a_lot_of_their_own(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    await house.app.desk.place(trader.user_id, a_wish(trader))
    await house.alert(trader, action="SellMarket")
    by_hand = await house.app.desk.place(
        trader.user_id, a_wish(trader, side=Side.SELL, role=OrderRole.EXIT, quantity=D("0.00999"))
    )
    assert by_hand.status is S.FILLED
    assert trader.total("BTC") == D("0.00000667")
