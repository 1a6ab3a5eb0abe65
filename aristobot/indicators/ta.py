"""The indicators: `ta.rsi(self.candles, 14)`. Each is made when it is first named, so that a strategy pays for its own alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aristobot.indicators.calls import indicator
from aristobot.indicators.spec import table


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in table():
        raise AttributeError(f"there is no indicator {name!r}")
    made: Callable[..., Any] = indicator(table()[name])
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return list(table())
