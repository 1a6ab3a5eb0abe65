"""The shipped examples trade on real candles, and decide live what they decide in a backtest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.history import History
from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.market import Timeframe
from aristobot.strategy import Strategy
from aristobot.strategy_driver import Driver
from aristobot.strategy_orders import Decision
from aristobot.strategy_run import ClosedPosition, Event, Run, Standing
from aristobot.strategy_step import Seat
from aristobot.templates import TEMPLATES, Template
from tests.backtesting import an_instrument, played, real_history

each_template = pytest.mark.parametrize("template", TEMPLATES, ids=[one.name for one in TEMPLATES])


def strategy_of(template: Template) -> type[Strategy]:
    module = import_module(template.module)
    kinds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Strategy) and one is not Strategy]
    assert len(kinds) == 1
    return kinds[0]


@each_template
def test_a_template_trades_on_real_candles_without_a_fault(template: Template) -> None:
    result = played(strategy_of(template), real_history("SOLUSDT"), Costs(), warmup=None, checks=12)
    assert result.stopped == ""
    assert result.fills
    assert result.closed
    assert result.lookahead.clean
    assert result.lookahead.checked == 12
    assert min(result.equity) > 0


@each_template
def test_a_template_is_short_and_says_what_it_does(template: Template) -> None:
    assert len(template.text.splitlines()) < 60
    assert template.text.startswith('"""')


class RestartedEachTime:
    """Stands where a backtest has its driver, and is a live run: at each question a fresh process with the candles so far,
    the state out of JSON, and nothing else."""

    listens = remembers = True
    arrays: Mapping[str, Any] = {}
    series: Mapping[str, Any] = {}

    def __init__(self, driver: Driver, kind: type[Strategy]) -> None:
        self.run: Run = driver.run
        self.strategy = driver.strategy
        self.seat = Seat(kind, self.run.facts, self.run.hp, self.run.others)
        self.state = json.dumps(driver.state())
        self.noted: tuple[str, ClosedPosition | None] = ("", None)

    def _ask(self, ask: Callable[..., tuple[Decision, dict[str, Any]]], *more: Any) -> Decision:
        candles = np.asfortranarray(np.array(self.run.tape.candles[: self.run.tape.cursor + 1]))
        decision, state = ask(candles, Standing.of(self.run.stand), json.loads(self.state), *more)
        self.state = json.dumps(state)
        return decision

    def decide(self) -> Decision:
        return self._ask(self.seat.decide)

    def deliver(self, event: Event) -> Decision:
        return self._ask(self.seat.tell, event)

    def note(self, kind: str, closed: ClosedPosition | None = None) -> None:
        """The event that follows says it as well."""

    def question(self) -> None:
        return None

    def load(self, tape: Any) -> None:
        self.run.show(tape)

    def reveal(self, cursor: int) -> None:
        self.run.tape.cursor = cursor

    def attempt(self, hook: Callable[[], object]) -> None:
        hook()


def decisions(kind: type[Strategy], history: History, live: bool) -> list[tuple[int, Decision | int]]:
    session = Session(Setup((Entrant(kind, history, an_instrument(history.symbol)),)))
    lane = session.players[0].lane
    if live:
        lane.driver = RestartedEachTime(lane.driver, kind)  # type: ignore[assignment] # a live run in the driver's place
    session.play()
    return lane.decisions


@each_template
@pytest.mark.parametrize("pair", ["SOLUSDT", "BTCUSDT"])
def test_live_and_backtest_decide_the_same_on_the_same_candles(template: Template, pair: str) -> None:
    kind, history = strategy_of(template), real_history(pair)
    backtested, live = decisions(kind, history, live=False), decisions(kind, history, live=True)
    assert live == backtested
    assert backtested


@each_template
def test_live_and_backtest_decide_the_same_on_longer_candles(template: Template) -> None:
    kind, history = strategy_of(template), real_history("SOLUSDT", Timeframe.H12)
    assert decisions(kind, history, live=True) == decisions(kind, history, live=False)
