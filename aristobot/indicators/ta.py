"""The indicators: `ta.rsi(self.candles, 14)`. Each is made when it is first named, so that a strategy pays for its own alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from aristobot.indicators.calls import indicator, of_library
from aristobot.indicators.spec import Spec, specs
from aristobot.indicators.talib_table import ROWS


@cache
def table() -> dict[str, Spec]:
    """Every indicator by name."""
    return specs(ROWS)


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in table():
        raise AttributeError(f"there is no indicator {name!r}")
    spec = table()[name]
    made = globals()[name] = indicator(spec, of_library(spec))
    return made


def __dir__() -> list[str]:
    return sorted(table())
