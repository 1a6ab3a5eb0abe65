"""The strategies that are at work in the demo: templates, saved and activated as anybody would do it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loguru import logger

from aristobot.errors import AristobotError
from aristobot.language import _
from aristobot.templates import template
from services.activation_desk import Wish
from services.strategy_desk import StrategyDesk
from services.strategy_trading import StrategyTrading

#: A template, where, with which parameters: they are quick, so that there is something to see.
ROBOTS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("supertrend_trail", "BTC/USDT", {"period": 5, "factor": 1.0}),
    ("rsi_reversal", "ETH/USDT", {"period": 5, "oversold": 40.0, "overbought": 60.0}),
)
TIMEFRAME = "1m"
ALLOTTED = Decimal(2000)


class DemoRobots:
    """Moves in with the household."""

    def __init__(self, strategies: StrategyDesk, runner: StrategyTrading) -> None:
        self._strategies = strategies
        self._runner = runner

    async def move_in(self, broker_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Write the strategies, activate and start them; one that cannot start stays where it is, to be started by hand."""
        for name, symbol, parameters in ROBOTS:
            chosen = template(name)
            written = await self._strategies.create(user_id, _(chosen.title), chosen.text)
            version = await self._strategies.version(user_id, written.id, 1)
            wish = Wish(version.id, broker_id, symbol, TIMEFRAME, ALLOTTED, parameters)
            active = await self._runner.desk.create(user_id, wish)
            try:
                await self._runner.start(user_id, active.id)
            except AristobotError as error:
                logger.warning("Strategy {} of the demo cannot start: {}", name, error)
