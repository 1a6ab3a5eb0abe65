"""A buy by hand brings its stop and target also where the exchange takes no list, and whatever happens to the house meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from aristobot.orders import OrderStatus, Side
from services.order_ticket import Ticket, TicketKind
from tests.services.trading import D, Trader, TradingHouse, a_trading_house
from tests.services.unlinked import UnlinkedHouse

GUARDED = ("stop", "0.00999", "58000")


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades where nothing is linked."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=UnlinkedHouse) as opened:
        yield opened


async def buy(house: TradingHouse, trader: Trader, stop: str = "58000", target: str = "64000") -> None:
    """A hundredth of a bitcoin with a stop and a target, by hand."""
    exits = {"stop_price": D(stop), "target_price": D(target)}
    ticket = Ticket(trader.broker_id, "BTC/USDT", Side.BUY, TicketKind.OCO, D("0.01"), **exits)
    window, _ = await house.app.hand.validate(trader.user_id, ticket)
    await house.app.hand.windows.execute(trader.user_id, window.id)


async def wanted(house: TradingHouse, trader: Trader) -> tuple[object, object]:
    """The stop and the targets that the newest position is to be guarded by."""
    bracket = await house.bracket(trader)
    return (bracket.stop_price, bracket.targets) if bracket is not None else (None, None)


async def test_a_house_killed_before_it_heard_of_the_fill_guards_the_position_at_its_next_start(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.place", "do": "slow_reply", "seconds": 30})
    click = asyncio.create_task(buy(house, trader))
    await house.until(lambda: bool(trader.orders(status=OrderStatus.FILLED)))
    click.cancel()
    with suppress(asyncio.CancelledError):
        await click
    await house.restart(meanwhile=house.no_faults)
    await house.guarded(trader, GUARDED)
    assert await wanted(house, trader) == (D(58000), [["100", "64000"]])
    assert len(trader.orders(side=Side.BUY)) == 1


async def test_exits_that_were_moved_since_are_not_put_back_by_a_restart(house: TradingHouse) -> None:
    trader = await house.trader()
    await buy(house, trader)
    await house.guarded(trader, GUARDED)
    [stop] = await house.rows(trader, role="stop", status=OrderStatus.OPEN)
    await house.app.hand.resting.edit(trader.user_id, stop.id, D(59000), D(0))
    await house.guarded(trader, ("stop", "0.00999", "59000"))
    await house.restart()
    await house.guarded(trader, ("stop", "0.00999", "59000"))
    assert await wanted(house, trader) == (D(59000), [["100", "64000"]])


async def test_a_second_buy_moves_the_exits_of_all_that_is_held_to_where_it_wants_them(house: TradingHouse) -> None:
    trader = await house.trader()
    await buy(house, trader)
    await house.guarded(trader, GUARDED)
    await buy(house, trader, stop="57000", target="65000")
    await house.guarded(trader, ("stop", "0.01998", "57000"))
    assert await wanted(house, trader) == (D(57000), [["100", "65000"]])
