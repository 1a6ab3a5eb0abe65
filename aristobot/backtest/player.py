"""The walk of one strategy along its candles: orders first, then the candle closes, then the strategy is asked.

A strategy alone, whose question does nothing but answer, is asked in a tight loop up to the next candle at which anything can
happen, or only where a trace says that it answers yes; every other one is asked candle by candle. All ways ask the same hooks in
the same order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from aristobot.backtest.account import Account, Purse
from aristobot.backtest.lane import Lane
from aristobot.backtest.larger import LargerCandles
from aristobot.backtest.later import Course, shown_candles
from aristobot.backtest.settings import Entrant, Mood, Setup, taker_of
from aristobot.backtest.tracing import Trace, traced
from aristobot.backtest.tracks import Track
from aristobot.backtest.units import Units
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.strategy_chart import Drawings
from aristobot.strategy_driver import Driver, draw
from aristobot.strategy_orders import NOTHING, Decision
from aristobot.strategy_parameters import values_for
from aristobot.strategy_run import Run, Standing, facts_of
from aristobot.strategy_warmup import warmup_of

_CHUNK = 8192
#: Fewer candles are asked one by one sooner than a trace is made.
_LEAST_TRACED = 2_000


class Player:
    """One entrant at its place: its lane, and the next candle that is to close."""

    def __init__(self, entrant: Entrant, units: Units, purse: Purse, setup: Setup, mood: Mood, draws: bool = False) -> None:
        history = entrant.history
        self.entrant, self.history = entrant, history
        facts = facts_of(entrant.instrument, history.timeframe.value, "backtest", float(taker_of(entrant, setup)))
        self.larger = LargerCandles(entrant.instrument.exchange, history)
        account = Account(units, purse, setup.costs.fee_asset, entrant.allotted)
        hp = values_for(entrant.kind, entrant.parameters)
        allotted = float(setup.cash) if entrant.allotted is None else entrant.allotted
        run = Run(facts, Tape(history.candles), hp, Standing(allotted, allotted))
        run.others = self.larger
        self.warmup = warmup_of(entrant.kind, facts, hp, history.candles, self.larger) if setup.warmup is None else setup.warmup
        self.lane = Lane(Driver(entrant.kind, run), Track(history, entrant.detail), account, setup.costs, mood)
        self.next = self.warmup
        self.feed: Iterator[tuple[Any, ...]] = iter(())
        self.end = 0
        self.seed, self.alone = setup.seed, len(setup.entrants) == 1
        self.trace: Trace | None = None
        self.drawings = Drawings(shown_candles(len(history))) if draws and "update_chart" in self.lane.driver.own else None
        run.drawings = self.drawings

    def show(self, end: int, traced_too: bool = False) -> None:
        """Let the strategy see the candles before `end`, and nothing of those behind.

        With `traced_too` its questions are answered beforehand where that can be done.
        """
        driver = self.lane.driver
        candles = self.history.candles[:end]
        tape = Tape(candles)
        self.larger.until(int(candles[-1, 0]) + self.history.candle_ms if end else 0)
        self.end = end
        driver.attempt(lambda: driver.load(tape))
        start = self.next
        driver.reveal(start - 1)
        traceable = traced_too and self.drawings is None and end - start >= _LEAST_TRACED
        self.trace = self._trace() if traceable else None
        if self.trace is not None:
            return
        feeds = [map(driver.series[name].append, _numbers(driver.arrays[name], start)) for name in driver.series]
        self.feed = zip(range(start, end), *feeds, strict=False)

    def _trace(self) -> Trace | None:
        driver = self.lane.driver
        if driver.entries is not None:
            return Trace(driver.entries, driver.leavings, 1)

        def fresh() -> Driver:
            another = Driver(self.entrant.kind, Run(driver.run.facts, driver.run.tape, driver.run.hp, Standing(1.0, 1.0)))
            another.load(driver.run.tape)
            return another

        found = traced(driver, fresh, self.next, self.seed)
        driver.reveal(self.next - 1)
        return found

    def course(self) -> Course:
        """What is kept of it for the report."""
        lines = () if self.drawings is None else tuple(self.drawings.lines())
        return Course(self.history, self.warmup, self.lane.units, self.lane.fills, lines, self.lane.still_open())

    def close_candle(self) -> None:
        """The next candle closes: what the strategy wants now."""
        driver = self.lane.driver
        if self.trace is None:
            driver.run.tape.cursor = next(self.feed)[0]
        else:
            driver.reveal(self.next)
        self.next += 1
        self.decided(driver.decide())
        if self.drawings is not None and self.next - 1 in self.drawings.candles:
            self._draw()

    def _draw(self) -> None:
        """Ask for the lines of the chart; what the strategy says meanwhile belongs to no decision."""
        lane, run = self.lane, self.lane.run
        if run.drawings is None:  # it fell
            return
        said, kept = run.said, list(run.messages)
        draw(lane.driver.strategy, run)
        lane.messages += run.messages[len(kept) :]
        run.said, run.messages[:] = said, kept

    def decided(self, decision: Decision) -> None:
        """Place what the strategy wants at the close of the present candle."""
        if decision is not NOTHING:
            lane = self.lane
            run = lane.run
            now = int(run.times[run.tape.cursor]) + run.candle_ms
            lane.keep(decision)
            if not (self.alone and self.next < self.end and lane.at_next_open(decision, self.next, now)):
                lane.apply(decision, now)

    def play(self, end: int) -> None:
        """The candles before `end`."""
        lane, driver = self.lane, self.lane.driver
        while self.next < end:
            if lane.waiting:
                lane.match(self.next)
            ask = driver.question() if self.drawings is None else None
            if ask is None or lane.due or lane.entries:
                self.close_candle()
                continue
            until = end
            if lane.waiting:  # exits rest: up to the candle before one of them is reached
                until = lane.track.next_touch(self.next + 1, *lane.nearest())
            work = self._ask_until if self.trace is None else self._leap_until
            self.decided(work(ask, min(until, end)))

    def _ask_until(self, ask: Any, until: int) -> Decision:
        """Ask at every candle before `until` up to the first answer that is a yes."""
        driver, tape = self.lane.driver, self.lane.run.tape
        said: object = False
        feed = self.feed if until == self.end else islice(self.feed, until - self.next)
        try:
            for shown in feed:  # the place, and that each series was told its value
                tape.cursor = shown[0]
                said = ask()
                if said:
                    break
        except (Exception, SystemExit) as error:  # noqa: BLE001 # the user's code may raise anything, and never takes us down
            self.next = tape.cursor + 1
            return driver.failed(error)
        self.next = tape.cursor + 1
        return driver.answer(said)

    def _leap_until(self, ask: Any, until: int) -> Decision:
        """Ask at the next candle before `until` at which the trace says yes."""
        trace, driver = self.trace, self.lane.driver
        assert trace is not None
        candles = trace.leavings if self.lane.account.lots else trace.entries
        place = bisect_left(candles, self.next)
        if place == len(candles) or candles[place] >= until:
            self.next = until
            driver.run.tape.cursor = until - 1
            return NOTHING
        at = candles[place]
        self.next = at + 1
        if driver.entries is not None:  # the arrays are the strategy's own answer
            driver.reveal(at)
            return driver.answer("signal")
        driver.reveal(at, trace.deepest)
        try:
            said = ask()
        except (Exception, SystemExit) as error:  # noqa: BLE001 # the user's code may raise anything, and never takes us down
            return driver.failed(error)
        if not said:
            raise TraceMistaken
        if driver.mentions_series:
            driver.reveal(at)
        return driver.answer(said)


class TraceMistaken(Exception):
    """A question that was answered beforehand says something else now: the run must be repeated by asking."""


def _numbers(array: Floats, start: int) -> Iterator[float]:
    """Plain floats of an array, a stretch at a time: a list of all of them would weigh five times the array."""
    return chain.from_iterable(array[at : at + _CHUNK].tolist() for at in range(start, len(array), _CHUNK))
