"""A trading house with strategies at work: made of a few lines, on candles of a minute that the test moves."""

from __future__ import annotations

import textwrap
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from aristobot.kinds import ActivationStatus
from aristobot.market import Timeframe
from aristobot.store import activations
from aristobot.store.strategy_tables import Activation, ActivationLine
from services.activation_desk import Wish
from services.app import LARGEST_ANSWER, App
from services.strategy_answers import Answer
from services.strategy_host import Program, StrategyHost
from services.strategy_process import Limits
from tests.services.leaping import nobody_leaps
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal
#: Buys when told so through the price: above 60,500 with a stop and a target, and sells below 59,500.
FOLLOWER = """
    class Follower(Strategy):
        timeframe = "1m"
        position_fraction = 0.5

        def should_long(self):
            return self.price > 60500

        def should_exit(self):
            return "below" if self.price < 59500 else False
"""


class PatientHost(StrategyHost):
    """The clock waits while a strategy thinks."""

    async def seat(self, key: Any, program: Program) -> Answer:
        """As it is, while nobody leaps."""
        with nobody_leaps():
            return await super().seat(key, program)

    async def ask(self, key: Any, request: Mapping[str, Any], arrays: Mapping[str, Any] = {}) -> Answer:
        """As it is, while nobody leaps."""
        with nobody_leaps():
            return await super().ask(key, request, arrays)


class WorkingHouse(TradingHouse):
    """A trading house whose strategies may take their time."""

    limits = Limits(wall_seconds=60, cpu_seconds=20, answer_bytes=LARGEST_ANSWER)

    def _built(self, **options: Any) -> App:
        app = super()._built(**options)
        app.runner._tools = replace(app.runner._tools, host=PatientHost(self.clock, self.limits))
        return app

    async def worker(self, **form: Any) -> Trader:
        """Somebody whose broker is for strategies."""
        return await self.trader(mode="STRATEGIES", **form)

    async def activation(self, trader: Trader, code: str = FOLLOWER, *, start: bool = True, **wish: Any) -> uuid.UUID:
        """A strategy of theirs on a market, 1,000 USDT allotted unless said otherwise."""
        name = f"S{uuid.uuid4().hex[:8]}"
        strategy = await self.app.strategies.create(trader.user_id, name, textwrap.dedent(code))
        version = await self.app.strategies.version(trader.user_id, strategy.id, 1)
        given: dict[str, Any] = {"symbol": "BTC/USDT", "timeframe": "1m", "allotted": D(1000)} | wish
        row = await self.app.runner.desk.create(trader.user_id, Wish(version.id, trader.broker_id, **given))
        if start:
            await self.app.runner.start(trader.user_id, row.id)
        return row.id

    async def row(self, activation_id: uuid.UUID) -> Activation:
        """The activation as the memory has it."""
        return await self.read(lambda s: activations.get(s, activation_id))

    async def lines(self, activation_id: uuid.UUID) -> list[ActivationLine]:
        """Its log, the oldest line first."""
        return list(reversed(await self.read(lambda s: activations.lines(s, activation_id))))

    async def said(self, activation_id: uuid.UUID, code: str) -> ActivationLine:
        """Wait for a line of that code, or with that text."""

        async def look() -> ActivationLine | None:
            return next((one for one in await self.lines(activation_id) if code in (one.code, one.text)), None)

        found: ActivationLine = await self.when(look)
        return found

    async def minute(self, activation_id: uuid.UUID, price: str | None = None) -> Activation:
        """Move the price, then wait until the candle in which it lies has closed and was decided on, and carried out."""
        if price is not None:
            self.price(price)
        await self.clock.sleep(0.5)
        before = (await self.row(activation_id)).decided_at
        begun, closes = self.clock.monotonic(), Timeframe.M1.open_of(self.clock.now()) + Timeframe.M1.duration

        async def look() -> Activation | None:
            row = await self.row(activation_id)
            if row.decided_at != before and row.work is None:
                return row
            left = (closes - self.clock.now()).total_seconds()
            if left > 0 and self.clock.monotonic() - begun > 1:  # nothing is left of the candle before: wait for this one
                await self.clock.sleep(left)
            return None

        found: Activation = await self.when(look)
        return found

    async def until_status(self, activation_id: uuid.UUID, status: ActivationStatus) -> Activation:
        """Wait until it stands like this."""

        async def look() -> Activation | None:
            row = await self.row(activation_id)
            return row if row.status is status else None

        found: Activation = await self.when(look)
        return found


Working = TypeVar("Working", bound=WorkingHouse)


@asynccontextmanager
async def a_working_house(folder: Path, template: Path, kind: type[Working]) -> AsyncIterator[Working]:
    """Such a house, open and ready; to be run on a leaping loop."""
    async with a_trading_house(folder, template, kind) as opened:
        assert isinstance(opened, kind)
        yield opened
