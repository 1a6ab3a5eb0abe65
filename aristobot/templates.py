"""The shipped examples, as the editor offers them: module, title, what it does. Words in the language files."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from aristobot.errors import NotFound


class Template(NamedTuple):
    """One example. `title` and `about` are English texts that the language files know: a name, and two sentences."""

    module: str
    title: str
    about: str

    @property
    def name(self) -> str:
        """Its short name."""
        return self.module.rpartition(".")[2]

    @property
    def text(self) -> str:
        """Its code, as it stands in the file."""
        return (files("aristobot.strategies") / f"{self.name}.py").read_text("utf-8")


TEMPLATES = (
    Template(
        "aristobot.strategies.ema_cross",
        "EMA cross",
        "Buys when a fast average crosses above a slow one, sells when it crosses back. The stop lies two ATR lower.",
    ),
    Template(
        "aristobot.strategies.rsi_reversal",
        "RSI reversal",
        "Buys when the RSI returns from oversold while the price is above its long average. After three stops it pauses.",
    ),
    Template(
        "aristobot.strategies.breakout",
        "Breakout",
        "A stop order waits above the highest price of the last days. Half is sold at a target, the rest keeps its stop.",
    ),
    Template(
        "aristobot.strategies.bollinger_reversion",
        "Bollinger mean reversion",
        "A limit order waits at the lower band and is sold back at the middle. For markets that swing without a trend.",
    ),
    Template(
        "aristobot.strategies.supertrend_trail",
        "SuperTrend with trailing stop",
        "Enters when the SuperTrend turns up. The stop follows its line and never goes down.",
    ),
    Template(
        "aristobot.strategies.dca_budget",
        "Regular buying with a budget",
        "Buys in equal portions until the budget is spent, earlier after a fall. Everything is sold at a gain.",
    ),
)


def template(name: str) -> Template:
    """The example of this name; raise NotFound for another."""
    for one in TEMPLATES:
        if one.name == name:
            return one
    raise NotFound(what=name)
