"""A strategy, candles and a search for tests: small, quick, with an answer that is known."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from aristobot.candle_rows import Rows, no_rows
from aristobot.search.definition import Definition
from aristobot.search.goal import Goal
from aristobot.search.space import Axis
from aristobot.search.spans import Plan, Scheme
from tests.backtesting import START, an_instrument

HOUR = 3_600_000
#: Buys in the phase `enter` of a wave of 48 hours, sells in the phase `leave`.
WAVES = """
class Waves(Strategy):
    timeframe = "1h"

    def hyperparameters(self):
        return [
            {"name": "enter", "type": int, "min": 0, "max": 47, "default": 5},
            {"name": "leave", "type": int, "min": 0, "max": 47, "default": 30},
        ]

    def should_long(self):
        return self.current_candle[0] // 3600000 % 48 == self.hp["enter"]

    def should_exit(self):
        return self.current_candle[0] // 3600000 % 48 == self.hp["leave"]
"""


def waves(count: int = 1200) -> Rows:
    """Hours whose price swings once in 48, lowest at phase 36 and highest at phase 12, with a little noise."""
    rows = no_rows(count)
    rows[:, 0] = START + np.arange(count) * HOUR
    phase = rows[:, 0] // HOUR % 48
    noise = np.random.default_rng(3).normal(0, 0.3, count)
    closes = np.round(100 + 10 * np.sin(2 * math.pi * phase / 48) + noise, 2)
    rows[0, 1], rows[1:, 1], rows[:, 2] = closes[0], closes[:-1], closes
    rows[:, 3] = np.maximum(rows[:, 1], closes) + 0.05
    rows[:, 4] = np.minimum(rows[:, 1], closes) - 0.05
    rows[:, 5] = 1.0
    return rows


def a_definition(rows: Rows, **said: Any) -> Definition:
    """A search over both phases."""
    axes = (Axis("enter", "int", 0, 47), Axis("leave", "int", 0, 47))
    usual: dict[str, Any] = {
        "goal": Goal("net_profit", 3), "plan": Plan(Scheme.SPLIT), "trials": 40, "seed": 7, "axes": axes, "fixed": {},
    }  # fmt: skip
    return Definition(
        strategy="Waves", exchange="binance", symbol="BTC/USDT", timeframe="1h", since=int(rows[0, 0]),
        until=int(rows[-1, 0]) + HOUR, instrument=msgspec.to_builtins(an_instrument()), **{**usual, **said},
    )  # fmt: skip
