"""One decision of a running strategy, out of nothing but what is handed in: the live side of what a backtest does at a candle.

The strategy is made anew for each decision; `state` is all that it keeps, and it is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.strategy import Strategy
from aristobot.strategy_driver import Driver
from aristobot.strategy_orders import NOTHING, Decision
from aristobot.strategy_run import Event, Facts, OtherCandles, Run, Standing

State = dict[str, Any]
#: Watched values and filters that are shown of a strategy.
MOST_SHOWN = 24


class Seat:
    """Where a strategy sits: its class, its facts, its parameters and the larger candles that it may read."""

    def __init__(self, kind: type[Strategy], facts: Facts, hp: Mapping[str, Any], larger: OtherCandles | None = None) -> None:
        self.kind, self.facts, self.hp, self.larger = kind, facts, hp, larger

    def decide(self, candles: Floats, standing: Standing, state: Mapping[str, Any] | None) -> tuple[Decision, State]:
        """What it wants after the last of these closed candles, and its new state."""
        driver = self._driver(candles, standing, state)
        return driver.decide(), driver.state()

    def tell(self, candles: Floats, standing: Standing, state: Mapping[str, Any] | None, event: Event) -> tuple[Decision, State]:
        """What it wants after an order event; `standing` is how it stands after it, the candles are those closed before it."""
        driver = self._driver(candles, standing, state)
        if event.kind != "rejected":
            driver.note(event.kind, event.closed)
        decision = driver.deliver(event) if driver.listens else NOTHING
        return decision, driver.state()

    def view(self, candles: Floats, standing: Standing, state: Mapping[str, Any] | None) -> dict[str, Any]:
        """What it shows after the last of these candles: `watch` as name and text, `filters` as name and whether each lets an
        entry pass. Nothing of it is kept; a hook that falls shows nothing.
        """
        driver = self._driver(candles, standing, state)
        shown: dict[str, Any] = {"watch": [], "filters": []}
        if not driver.own & {"watch_list", "filters"}:
            return shown
        strategy = driver.strategy

        def watch() -> None:
            shown["watch"] = [[str(name)[:40], _text(value)] for name, value in list(strategy.watch_list())[:MOST_SHOWN]]

        def filters() -> None:
            shown["filters"] = [[getattr(one, "__name__", "filter")[:64], bool(one())] for one in strategy.filters()[:MOST_SHOWN]]

        for hook in (strategy.before, watch, filters):
            driver.attempt(hook)
        return shown

    def _driver(self, candles: Floats, standing: Standing, state: Mapping[str, Any] | None) -> Driver:
        run = Run(self.facts, Tape(candles), self.hp, standing)
        run.others = self.larger
        driver = Driver(self.kind, run)
        if state:
            driver.restore(state)
        driver.attempt(lambda: driver.load(run.tape))
        driver.reveal(len(candles) - 1)
        return driver


def _text(value: object) -> str:
    """A watched value as it is shown: numbers with six digits that count."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:60]
