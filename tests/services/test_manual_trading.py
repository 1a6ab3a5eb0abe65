"""Orders by hand, from the form's figures to the exchange's books: what was shown is what goes out, once, and in time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aristobot.errors import AristobotError, Conflict, InvalidInput, NotFound
from aristobot.kinds import BrokerAccess, LotStatus, Protection
from aristobot.orders import OrderStatus, Side
from aristobot.sizing import SizeBy, sized
from aristobot.store import brackets, positions
from services.execution_window import OPEN_FOR
from services.order_ticket import Ticket, TicketKind, Way
from tests.services.trading import D, Trader, TradingHouse, a_trading_house

BTC = "BTC/USDT"


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades."""
    async with a_trading_house(tmp_path / "data", sqlite_template) as open_house:
        yield open_house


@pytest.fixture
async def trader(house: TradingHouse) -> Trader:
    """Somebody with 10 000 USDT."""
    return await house.trader()


def a_ticket(trader: Trader, **differences: Any) -> Ticket:
    """A market buy of a hundredth of a bitcoin."""
    facts: dict[str, Any] = {"symbol": BTC, "side": Side.BUY, "kind": TicketKind.MARKET, "quantity": D("0.01")}
    return Ticket(broker_id=trader.broker_id, **(facts | differences))


async def send(house: TradingHouse, trader: Trader, **differences: Any) -> Any:
    """Validate and execute a ticket; the rows."""
    window, _ = await house.app.hand.validate(trader.user_id, a_ticket(trader, **differences))
    return await house.app.hand.windows.execute(trader.user_id, window.id)


async def test_what_was_validated_is_what_is_sent(house: TradingHouse, trader: Trader) -> None:
    window, plan = await house.app.hand.validate(trader.user_id, a_ticket(trader, quantity=D("0.0123456789")))
    [row] = await house.app.hand.windows.execute(trader.user_id, window.id)
    assert (row.quantity, row.price, row.status) == (plan.request.quantity, plan.request.price, OrderStatus.FILLED)
    [known] = trader.orders()
    assert (known.quantity, known.price) == (D("0.01234"), plan.request.price)


async def test_a_market_that_ran_away_after_validating_is_not_followed(house: TradingHouse, trader: Trader) -> None:
    window, plan = await house.app.hand.validate(trader.user_id, a_ticket(trader))
    house.price("70000")
    house.app.prices.note("binance", BTC, D(70000))
    [row] = await house.app.hand.windows.execute(trader.user_id, window.id)
    assert row.price == plan.request.price
    assert trader.total("BTC") == 0


async def test_a_double_click_sends_once(house: TradingHouse, trader: Trader) -> None:
    window, _ = await house.app.hand.validate(trader.user_id, a_ticket(trader))
    clicks = [house.app.hand.windows.execute(trader.user_id, window.id) for _ in range(3)]
    ids = {rows[0].id for rows in await asyncio.gather(*clicks)}
    again = await house.app.hand.windows.execute(trader.user_id, window.id)
    assert ids == {again[0].id}
    assert len(trader.orders()) == 1


async def test_a_late_click_is_refused_and_sends_nothing(house: TradingHouse) -> None:
    trader = await house.trader()
    window, _ = await house.app.hand.validate(trader.user_id, a_ticket(trader))
    assert 0 < house.app.hand.windows.left(window.id) <= OPEN_FOR
    await house.clock.sleep(OPEN_FOR + 0.1)
    assert house.app.hand.windows.left(window.id) == 0
    with pytest.raises(Conflict) as refused:
        await house.app.hand.windows.execute(trader.user_id, window.id)
    assert refused.value.code == "window_closed"
    assert trader.orders() == []


async def test_a_window_that_was_taken_back_and_a_stranger_s_window_send_nothing(house: TradingHouse, trader: Trader) -> None:
    stranger = await house.trader()
    window, _ = await house.app.hand.validate(trader.user_id, a_ticket(trader))
    with pytest.raises(NotFound):
        await house.app.hand.windows.execute(stranger.user_id, window.id)
    house.app.hand.windows.close(stranger.user_id, window.id)
    assert house.app.hand.windows.left(window.id) > 0
    house.app.hand.windows.close(trader.user_id, window.id)
    with pytest.raises(Conflict):
        await house.app.hand.windows.execute(trader.user_id, window.id)
    assert trader.orders() == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity": D(0)}, "quantity"),
        ({"kind": TicketKind.LIMIT}, "price"),
        ({"kind": TicketKind.STOP_LOSS}, "stop_price"),
        ({"kind": TicketKind.STOP_LOSS, "stop_price": D(100)}, "stop_price"),
        ({"kind": TicketKind.OCO, "stop_price": D(100)}, "target_price"),
        ({"kind": TicketKind.OCO, "stop_price": D(100), "target_price": D(200)}, "stop_price"),
        ({"kind": TicketKind.OCO, "side": Side.SELL}, "stop_price"),
    ],
)
async def test_a_ticket_that_cannot_be_names_its_field(
    house: TradingHouse, trader: Trader, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await house.app.hand.validate(trader.user_id, a_ticket(trader, **wrong))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"quantity": D(1)}, "insufficient_funds"),
        ({"quantity": D("0.00001")}, "below_min_notional"),
        ({"side": Side.SELL}, "insufficient_funds"),
    ],
)
async def test_a_refusal_is_told_before_the_click(house: TradingHouse, trader: Trader, wrong: dict[str, Any], code: str) -> None:
    plan = await house.app.hand.plan(trader.user_id, a_ticket(trader, **wrong))
    assert plan.refusal is not None
    assert plan.refusal.code == code
    with pytest.raises(AristobotError):
        await house.app.hand.validate(trader.user_id, a_ticket(trader, **wrong))
    assert trader.orders() == []


async def test_everything_that_is_free_can_be_spent_and_sold_again(house: TradingHouse, trader: Trader) -> None:
    market = await house.app.hand.market(trader.user_id, trader.broker_id, BTC)
    size = sized(SizeBy.PERCENT, D(100), market.basis(Side.BUY, TicketKind.MARKET, D(0)))
    [row] = await send(house, trader, quantity=size.quantity)
    assert row.status is OrderStatus.FILLED
    assert trader.total("USDT") < 310  # what the price could have risen to was kept free
    await house.until(lambda: trader.account.holding("BTC").free > 0)

    async def free() -> bool:
        return bool((await house.app.hand.market(trader.user_id, trader.broker_id, BTC)).free_base)

    await house.when(free)
    market = await house.app.hand.market(trader.user_id, trader.broker_id, BTC)
    size = sized(SizeBy.PERCENT, D(100), market.basis(Side.SELL, TicketKind.MARKET, D(0)))
    [row] = await send(house, trader, side=Side.SELL, quantity=size.quantity)
    assert row.status is OrderStatus.FILLED
    assert trader.total("BTC") < D("0.00001")


async def test_what_the_memory_refuses_is_written_with_its_exits_as_soon_as_it_takes_them(
    house: TradingHouse, trader: Trader
) -> None:
    await send(house, trader)
    with house.unwritable("brackets"), pytest.raises(AristobotError):
        await send(house, trader, kind=TicketKind.OCO, stop_price=D(58000), target_price=D(64000))
    assert len(trader.orders()) == 2
    position = await house.holds(trader, "0.01998")

    async def rests() -> bool:
        return (await house.read(lambda s: brackets.guarded(s, position.id))).protection is Protection.EXCHANGE

    assert await house.when(rests)


async def test_a_buy_brings_its_stop_and_target_and_closing_takes_them_back(house: TradingHouse, trader: Trader) -> None:
    await send(house, trader, kind=TicketKind.OCO, stop_price=D(58000), target_price=D(64000))
    position = await house.position(trader)

    async def rests() -> bool:
        return (await house.read(lambda s: brackets.guarded(s, position.id))).protection is Protection.EXCHANGE

    assert await house.when(rests)
    cause = uuid.uuid4()
    first = await house.app.hand.close_position(trader.user_id, position.id, cause)
    assert first.status is OrderStatus.FILLED
    assert (await house.closed(trader)).status is LotStatus.CLOSED
    assert not [one for one in trader.orders() if one.is_open]
    with pytest.raises(Conflict):
        await house.app.hand.close_position(trader.user_id, position.id, cause)


async def a_kept_pair(house: TradingHouse, trader: Trader) -> None:
    """Buy, and ask for a stop and a target over all of it."""
    await send(house, trader)
    held = await house.holds(trader, "0.00999")
    oco = {"side": Side.SELL, "kind": TicketKind.OCO, "stop_price": D(58000), "target_price": D(64000)}
    plan = await house.app.hand.plan(trader.user_id, a_ticket(trader, **oco, quantity=held.quantity))
    assert plan.way is Way.KEPT
    await send(house, trader, **oco, quantity=held.quantity)
    await house.guarded(trader, ("stop", "0.00999", "58000"), ("target", "0.00999", "64000"))


async def test_a_kept_stop_is_moved_by_editing_it(house: TradingHouse, trader: Trader) -> None:
    await a_kept_pair(house, trader)
    [stop] = await house.rows(trader, role="stop", status=OrderStatus.OPEN)
    with pytest.raises(InvalidInput):
        await house.app.hand.resting.edit(trader.user_id, stop.id, D(65000), D(0))
    with pytest.raises(InvalidInput):
        await house.app.hand.resting.edit(trader.user_id, stop.id, D(59000), D("0.001"))
    assert await house.app.hand.resting.edit(trader.user_id, stop.id, D(59000), D(0)) is None
    await house.guarded(trader, ("stop", "0.00999", "59000"), ("target", "0.00999", "64000"))


async def test_a_kept_stop_that_is_mistyped_above_the_market_is_refused_and_sells_nothing(
    house: TradingHouse, trader: Trader
) -> None:
    await a_kept_pair(house, trader)
    [stop] = await house.rows(trader, role="stop", status=OrderStatus.OPEN)
    with pytest.raises(InvalidInput, match="trigger_not_below"):
        await house.app.hand.resting.edit(trader.user_id, stop.id, D(61000), D(0))
    await house.guarded(trader, ("stop", "0.00999", "58000"), ("target", "0.00999", "64000"))


async def test_a_kept_stop_that_could_not_be_moved_stands_as_before_and_says_so(house: TradingHouse, trader: Trader) -> None:
    await a_kept_pair(house, trader)
    [stop] = await house.rows(trader, role="stop", status=OrderStatus.OPEN)
    house.faults({"on": "list.place", "do": "wrong_clock", "offset_ms": 60_000})
    with pytest.raises(Conflict) as refused:
        await house.app.hand.resting.edit(trader.user_id, stop.id, D(59000), D(0))
    assert refused.value.code == "exit_not_moved"
    await house.guarded(trader, ("stop", "0.00999", "58000"), ("target", "0.00999", "64000"))


async def test_a_kept_target_that_is_cancelled_does_not_come_back(house: TradingHouse, trader: Trader) -> None:
    await a_kept_pair(house, trader)
    [target] = await house.rows(trader, role="target", status=OrderStatus.OPEN)
    await house.app.hand.resting.cancel(trader.user_id, target.id)
    await house.guarded(trader, ("stop", "0.00999", "58000"))


async def test_a_target_that_was_reached_is_not_taken_once_more_when_the_stop_is_moved(
    house: TradingHouse, trader: Trader
) -> None:
    await house.buy(trader, stop_loss="58000", take_profit=[["50%", "61000"], ["50%", "64000"]])
    await house.guarded(
        trader,
        ("stop", "0.04162", "58000"),
        ("stop", "0.04162", "58000"),
        ("target", "0.04162", "61000"),
        ("target", "0.04162", "64000"),
    )
    house.price("61100")
    half = (("stop", "0.04162", "58000"), ("target", "0.04162", "64000"))
    await house.guarded(trader, *half)
    [stop] = await house.settled(trader, 1, role="stop", status=OrderStatus.OPEN)
    assert await house.app.hand.resting.edit(trader.user_id, stop.id, D(59000), D(0)) is None
    await house.guarded(trader, ("stop", "0.04162", "59000"), ("target", "0.04162", "64000"))
    [target] = await house.settled(trader, 1, role="target", status=OrderStatus.OPEN)
    await house.app.hand.resting.cancel(trader.user_id, target.id)
    await house.guarded(trader, ("stop", "0.04162", "59000"))
    assert trader.total("BTC") > D("0.0416")


async def test_a_part_of_what_is_held_goes_out_as_a_pair_of_the_exchange(house: TradingHouse, trader: Trader) -> None:
    await send(house, trader)
    await house.holds(trader, "0.00999")

    async def free() -> bool:
        return bool((await house.app.hand.market(trader.user_id, trader.broker_id, BTC)).free_base)

    await house.when(free)
    rows = await send(
        house, trader, side=Side.SELL, kind=TicketKind.OCO, quantity=D("0.005"), stop_price=D(58000), target_price=D(64000)
    )
    assert [row.quantity for row in rows] == [D("0.005"), D("0.005")]
    house.price("64100")
    await house.holds(trader, "0.00499")


async def test_a_resting_order_is_edited_and_everything_is_cancelled_but_what_guards(house: TradingHouse, trader: Trader) -> None:
    await send(house, trader, kind=TicketKind.OCO, stop_price=D(58000), target_price=D(64000))
    [row] = await send(house, trader, kind=TicketKind.LIMIT, price=D(57000))
    edited = await house.app.hand.resting.edit(trader.user_id, row.id, D("57500.5"), D("0.02"))
    assert edited is not None
    assert (edited.status, edited.price, edited.quantity) == (OrderStatus.OPEN, D("57500.5"), D("0.02"))
    done = await house.app.hand.resting.cancel_all(trader.user_id, trader.broker_id)
    assert [one.order.status for one in done if one.order] == [OrderStatus.CANCELED]
    assert sorted(role for role, _, _ in await house.resting(trader)) == ["stop", "target"]


async def test_an_order_whose_change_was_refused_can_be_changed_all_the_same(house: TradingHouse, trader: Trader) -> None:
    [row] = await send(house, trader, kind=TicketKind.LIMIT, price=D(57000))
    refused = await house.app.hand.resting.edit(trader.user_id, row.id, D(70000), D(0))
    assert refused is not None
    assert (refused.status, refused.reason) == (OrderStatus.DENIED, "outside_collar")
    for price in ("57500", "57600"):
        edited = await house.app.hand.resting.edit(trader.user_id, row.id, D(price), D(0))
        assert edited is not None
        assert (edited.status, edited.price) == (OrderStatus.OPEN, D(price))
        row = edited
    assert [one.price for one in trader.orders() if one.is_open] == [D(57600)]


async def test_closing_everything_leaves_nothing_and_nobody_else_s_is_touched(house: TradingHouse, trader: Trader) -> None:
    other = await house.trader()
    await send(house, trader)
    await send(house, other)
    done = await house.app.hand.close_all(trader.user_id, None, uuid.uuid4())
    assert [one.order.status for one in done if one.order] == [OrderStatus.FILLED]
    await house.closed(trader)
    assert (await house.position(other)).status is LotStatus.OPEN
    held = await house.app.db.read(other.user_id, positions.open_ones)
    with pytest.raises(NotFound):
        await house.app.hand.close_position(trader.user_id, held[0].id, uuid.uuid4())


async def test_a_broker_that_may_only_be_read_sends_nothing(house: TradingHouse) -> None:
    reader = await house.trader(access=BrokerAccess.READ_ONLY.value)
    plan = await house.app.hand.plan(reader.user_id, a_ticket(reader))
    assert plan.refusal is not None
    assert plan.refusal.code == "broker_read_only"
