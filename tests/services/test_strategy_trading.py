"""Strategies at work: candles in, decisions, orders through the desk, exits at the exchange, everything remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.kinds import ActivationStatus
from aristobot.orders import OrderStatus
from aristobot.store import activations
from tests.services.at_work import WorkingHouse, a_working_house

D = Decimal


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[WorkingHouse]:
    """A house whose strategies may work, where a bitcoin costs 60,000."""
    async with a_working_house(tmp_path / "house", sqlite_template) as opened:
        yield opened


async def test_a_strategy_buys_when_its_candle_closes_holds_lots_of_its_own_and_sells_them(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    await house.minute(active)
    assert trader.orders() == []
    await house.minute(active, "61000")
    (row,) = await house.settled(trader, 1, status=OrderStatus.FILLED)
    assert (row.owner, row.origin, row.quantity) == (activations.owner_of(active), "strategy", D("0.00818"))
    held = await house.position(trader)
    assert held.owner == activations.owner_of(active)
    await house.minute(active, "59000")
    assert (await house.closed(trader)).sold == D("0.00817")
    assert [one.code for one in await house.lines(active)] == ["reason.run_started", "reason.run_bought", "reason.run_sold"]
    assert (await house.row(active)).status is ActivationStatus.RUNNING
