"""Strategies at work on the other exchanges: their candles, their exits, their fees."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.orders import OrderStatus
from tests.services.at_work import WorkingHouse, a_working_house
from tests.services.bitget import UnifiedHouse
from tests.services.kraken import KrakenHouse
from tests.services.test_strategy_trading import GUARDED

D = Decimal


class WorkingKraken(WorkingHouse, KrakenHouse):
    """Before Kraken."""


class WorkingBitget(WorkingHouse, UnifiedHouse):
    """Before Bitget."""


@pytest.mark.parametrize("kind", [WorkingKraken, WorkingBitget])
async def test_a_strategy_enters_is_guarded_and_leaves(
    tmp_path: Path, sqlite_template: Path, leaping: None, kind: type[WorkingHouse]
) -> None:
    async with a_working_house(tmp_path / "house", sqlite_template, kind) as house:
        trader = await house.worker()
        active = await house.activation(trader, GUARDED)
        row = await house.minute(active, "61000")
        (bought,) = await house.settled(trader, 1, side="buy", status=OrderStatus.FILLED)
        assert D("0.0160") < bought.filled < D("0.0164")

        async def stop_rests() -> bool:
            return [(role, price) for role, _, price in await house.resting(trader)] == [("stop", D("59000"))]

        await house.when(stop_rests)  # the targets are watched
        assert row.plan is not None
        house.price("58900")
        await house.closed(trader)
        row = await house.minute(active)
        assert row.vars is not None
        assert [one["reason"] for one in row.vars["closed"]] == ["stop_loss"]
        assert row.vars["closed"][0]["profit"] < 0
