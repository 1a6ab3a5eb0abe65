"""Asks a strategy's hooks in their order and gathers what they want: the one way to a decision, live and in a backtest.

After each closed candle: `before`; while an entry rests and nothing is held `should_cancel_entry`; in a position `should_exit`,
then `update_position`; flat, nothing pending and no lock `should_long`, `filters`, `go_long`, `confirm_entry`; at last `after`.
An exception in any hook stops new entries of this run, leaves exits in place and is told.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from aristobot.errors import StrategyError
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.orders import Side
from aristobot.strategy import Strategy
from aristobot.strategy_orders import NOTHING, Decision, Level, Message, intents, levels
from aristobot.strategy_protections import paused_until, protections_of
from aristobot.strategy_run import MOST_REMEMBERED, ClosedPosition, Event, Memory, Run
from aristobot.strategy_traits import traits_of

_BUY = Side.BUY
#: Characters that are kept of what an exception says.
_LONGEST_FALL = 500


class Driver:
    """One strategy at work. `run` is written by whoever drives it: money, position, orders, and the tape's cursor."""

    def __init__(self, kind: type[Strategy], run: Run) -> None:
        self.run = run
        whose: Any = kind  # a class is hashable, whatever its instances are
        self._traits = traits = traits_of(whose)
        self.own, self.listens, self._each = traits.own, traits.listens, traits.each
        self._confirms, self._only_leaves = "confirm_entry" in traits.own, "update_position" not in traits.own
        self.arrays: dict[str, Floats] = {}
        self._feeds: list[tuple[deque[float], memoryview]] = []
        self.series: dict[str, deque[float]] = {}
        self.mentions_series = False
        self.entries: Any = None
        self.leavings: Any = None
        self.strategy = strategy = kind()
        strategy._run = run
        strategy.timeframe = run.facts.timeframe
        self._ask_long: Callable[[], object] = strategy.should_long
        self._ask_exit: Callable[[], object] = strategy.should_exit
        self.protections = protections_of(strategy.protections)
        self._daily = traits.daily
        self.remembers = self.listens or bool(self.protections) or traits.remembers

    # ------------------------------------------------------------------ series

    def load(self, tape: Tape) -> None:
        """Look at these candles; compute what `indicators` and `signals` give over all of them. The cursor moves to the end."""
        run, strategy = self.run, self.strategy
        run.show(tape)
        tape.cursor = len(tape.candles) - 1
        given = strategy.indicators() if "indicators" in self.own else {}
        self.arrays = {name: _series(name, values, len(tape.candles)) for name, values in given.items()}
        self.series = {name: deque(maxlen=strategy.lookback) for name in self.arrays}
        for name, values in self.series.items():
            setattr(strategy, name, values)
        self._feeds = [(self.series[name], array.data) for name, array in self.arrays.items()]
        self.mentions_series = not self._traits.outside.isdisjoint(self.series)
        given_signals = strategy.signals() if "signals" in self.own else None
        if given_signals is not None:
            self.entries, self.leavings = (_flags(one, len(tape.candles)) for one in given_signals)
            self._ask_long = lambda: self.entries[tape.cursor]
            self._ask_exit = lambda: "signal" if self.leavings[tape.cursor] else False

    def reveal(self, cursor: int, back: int = 0) -> None:
        """Make this the present candle, -1 being before the first; of the series show `back` values, or what `lookback` says."""
        self.run.tape.cursor = max(0, cursor)
        if self._feeds:
            first = max(0, cursor + 1 - (back or self.strategy.lookback))
            for values, cells in self._feeds:
                values.clear()
                values.extend(cells[first : cursor + 1])

    # ------------------------------------------------------------------ questions

    def decide(self) -> Decision:
        """What the strategy wants after the present candle."""
        return self._guarded(self._each_candle)

    def question(self) -> Callable[[], object] | None:
        """The single hook that this candle asks, and the next ones until something happens; None when there is more to call.

        Asking it and handing what it says to `answer` is the same as `decide`.
        """
        run = self.run
        memory = run.memory
        if self._each or memory.stopped:
            return None
        if run.held > 0:
            return self._ask_exit if self._only_leaves and self.strategy.short_signal != "exit" else None
        locked = memory.locked_until
        return None if run.pending or (locked and locked > run.now) else self._ask_long

    def answer(self, said: object) -> Decision:
        """What the strategy wants after it answered the `question`."""
        try:
            return self._exit(said) if self.run.held > 0 else self._enter(said)
        except (Exception, SystemExit) as error:  # noqa: BLE001 # as in _guarded, which would cost more than the answer
            return self.failed(error)

    def failed(self, error: BaseException) -> Decision:
        """The decision of a strategy that fell: no new entries."""
        where = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<strategy>"]
        line = f" (line {where[-1].lineno})" if where else ""
        text = f"{type(error).__name__}: {str(error)[:_LONGEST_FALL]}{line}".replace("\0", "\ufffd")
        first = not self.run.memory.stopped
        self.run.memory.stopped = self.run.memory.stopped or text
        _clear(self.strategy)
        return Decision(messages=(Message(text, "error", notify=True, at=self.run.now),)) if first else NOTHING

    def attempt(self, hook: Callable[[], object]) -> None:
        """Call a hook of which only what it computes matters."""
        self._guarded(lambda: (hook(), NOTHING)[1])

    def _guarded(self, work: Callable[[], Decision]) -> Decision:
        try:
            return work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 # the user's code may raise anything, and never takes us down
            return self.failed(error)

    def _each_candle(self) -> Decision:
        strategy, run = self.strategy, self.run
        if self._daily:
            run.keep_worth()
        if "before" in self.own:
            strategy.before()
        cancel = False
        if run.held > 0:
            decision = self._exit(self._ask_exit())
        else:
            if run.pending and all(one.status == "open" for one in run.stand.orders):  # what is on its way cannot be taken back
                run.memory.pending_candles += 1
                cancel = bool(strategy.should_cancel_entry())
            free = (cancel or not run.pending) and not run.memory.stopped and run.memory.locked_until <= run.now
            decision = self._enter(self._ask_long() if free else False)
        if "after" in self.own:
            strategy.after()
            if run.messages:
                decision = self._with_messages(decision)
        return msgspec.structs.replace(decision, cancel_entries=True) if cancel else decision

    # ------------------------------------------------------------------ answers

    def _enter(self, said: object) -> Decision:
        if not said:
            return self._gathered(())
        strategy = self.strategy
        vetoes = [one for one in strategy.filters() if not one()] if "filters" in self.own else []
        if vetoes:
            return self._gathered(tuple(getattr(one, "__name__", "filter") for one in vetoes[:1]))
        strategy.go_long()
        return self._gathered(())

    def _exit(self, said: object) -> Decision:
        strategy = self.strategy
        tag = said if isinstance(said, str) else "exit" if said else ""
        if not tag and strategy.short_signal == "exit" and strategy.should_short():
            tag = "short_signal"
        if tag and ("confirm_exit" not in self.own or strategy.confirm_exit(tag)):
            strategy._closing = tag
        elif "update_position" in self.own:
            strategy.update_position()
        return self._gathered(())

    def _gathered(self, refused: tuple[str, ...]) -> Decision:
        """What the hooks assigned since it was last gathered."""
        strategy, run = self.strategy, self.run
        buy, sell, stop, target, closing = (
            strategy.buy, strategy.sell, strategy.stop_loss, strategy.take_profit, strategy._closing
        )  # fmt: skip
        if buy is None and sell is None and stop is None and target is None:
            if not closing:
                return NOTHING if not refused and not run.messages else self._with_messages(Decision(refused=refused))
            if run.held > 0 and not refused and not run.messages:  # the usual exit, in a third of the time
                strategy._closing = ""
                return _closing_with(closing)
        _clear(strategy)
        price = run.closes[run.tape.cursor]
        entries = intents(buy, _BUY, price, "entry") if buy is not None else ()
        if entries and (self._confirms or run.held > 0 or run.memory.stopped):
            why = self._why_not(entries[0].quantity, entries[0].price)
            entries, refused = ((), (*refused, why)) if why else (entries, refused)
        if not entries and not run.held and not run.pending:
            stop = target = sell = None
        if sell is None and stop is None and target is None and not closing and not refused and not run.messages:
            return Decision(entries)  # the usual entry
        decision = Decision(
            entries,
            None if sell is None else intents(sell, Side.SELL, price, "sell"),
            None if stop is None else levels(stop),
            None if target is None else _whole(levels(target), sum(one.quantity for one in entries)),
            closing if run.held > 0 else "",
            False,
            refused,
        )
        return self._with_messages(decision) if run.messages else decision

    def _why_not(self, quantity: float, price: float) -> str:
        strategy, memory = self.strategy, self.run.memory
        if memory.stopped:
            return "stopped"
        if self.run.held > 0 and memory.increased >= strategy.max_position_adjustments:
            return "max_position_adjustments"
        if self._confirms and not strategy.confirm_entry(quantity, price):
            return "confirm_entry"
        return ""

    def _with_messages(self, decision: Decision) -> Decision:
        said, self.run.messages = tuple(self.run.messages), []
        return msgspec.structs.replace(decision, messages=said)

    # ------------------------------------------------------------------ events and memory

    def deliver(self, event: Event) -> Decision:
        """Tell the strategy of an order and gather what it wants now."""
        return self._guarded(lambda: self._told(event))

    def _told(self, event: Event) -> Decision:
        strategy = self.strategy
        match event.kind:
            case "opened":
                strategy.on_open_position(event.order)
            case "increased":
                strategy.on_increased_position(event.order)
            case "reduced":
                strategy.on_reduced_position(event.order)
            case "closed" if event.closed is not None:
                strategy.on_close_position(event.order, event.closed)
            case "canceled":
                strategy.on_cancel()
            case _:
                strategy.on_order_rejected(event.order, event.reason)
        return self._gathered(())

    def note(self, kind: str, closed: ClosedPosition | None = None) -> None:
        """Count what happened to the position: opened, increased, reduced or closed."""
        memory = self.run.memory
        if kind == "opened":
            memory.pending_candles = 0
        elif kind == "increased":
            memory.increased += 1
        elif kind == "reduced":
            memory.reduced += 1
        elif kind == "canceled":
            memory.pending_candles = 0
        else:
            memory.increased = memory.reduced = 0
            if closed is not None:
                self._remember(closed)

    def _remember(self, closed: ClosedPosition) -> None:
        """Keep a closed position, and pause when a protection says so."""
        memory = self.run.memory
        memory.closed.append(closed)
        if len(memory.closed) > 2 * MOST_REMEMBERED:
            del memory.closed[:-MOST_REMEMBERED]
        if self.protections:
            recent = memory.closed[-MOST_REMEMBERED:]
            until, name = paused_until(self.protections, recent, closed.closed_at, self.run.candle_ms, self.run.stand.allotted)
            if until > memory.locked_until:
                memory.locked_until, memory.lock_reason = until, name

    def state(self) -> dict[str, Any]:
        """What a restart needs, as JSON. A number of numpy's is a number, a tuple comes back as a list.

        Raises StrategyError `vars_not_json` when `vars` holds what would not come back as it is: sets, dates, NaN, keys that are
        no texts.
        """
        memory = self.run.memory
        try:
            kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(memory, enc_hook=_number))
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise StrategyError("vars_not_json", detail=str(error)[:120]) from None
        for name, value in memory.vars.items():
            if name not in kept["vars"] or not _comes_back(value, kept["vars"][name]):
                raise StrategyError("vars_not_json", detail=f"{name!r:.60}, {type(value).__name__}")
        return kept

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.run.memory = msgspec.convert(dict(state), Memory)


def unkept(driver: Driver) -> str:
    """What of `vars` no restart would bring back; empty when all of it would."""
    try:
        driver.state()
    except StrategyError as error:
        return str(error.facts["detail"])
    return ""


def _number(value: Any) -> Any:
    """A number of numpy's as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__}: {str(value)[:60]}")


def _comes_back(value: Any, kept: Any) -> bool:
    """Whether what was kept of a value is that value again."""
    if isinstance(value, dict):
        same = isinstance(kept, dict) and value.keys() == kept.keys()
        return same and all(_comes_back(one, kept[name]) for name, one in value.items())
    if isinstance(value, list | tuple):
        same = isinstance(kept, list) and len(value) == len(kept)
        return same and all(_comes_back(*pair) for pair in zip(value, kept, strict=True))
    return bool(value == kept)


@lru_cache(maxsize=256)
def _closing_with(tag: str) -> Decision:
    """To sell everything: the same object for the same tag."""
    return Decision(close=tag)


def draw(strategy: Strategy, run: Run) -> None:
    """Have a strategy draw at the present candle. What falls there draws no more, and changes nothing else."""
    try:
        strategy.update_chart()
    except (Exception, SystemExit) as error:  # noqa: BLE001 # the user's code may raise anything
        run.drawings = None
        run.say(f"update_chart: {type(error).__name__}: {str(error)[:_LONGEST_FALL]}", "error", False)
    _clear(strategy)


def _clear(strategy: Strategy) -> None:
    """Forget what the hooks assigned."""
    strategy.buy = strategy.sell = strategy.stop_loss = strategy.take_profit = None
    strategy._closing = ""


def _whole(targets: Sequence[Level], bought: float) -> tuple[Level, ...]:
    """Targets that sell no more than there is, of shares and, with an entry, of quantities; raise StrategyError for others."""
    total = sum(one.share for one in targets) + (sum(one.quantity for one in targets) / bought if bought else 0)
    if total > 1.000001:
        raise StrategyError("shares_over_100", share=round(total * 100, 2))
    return tuple(targets)


def _series(name: str, values: Any, length: int) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.shape != (length,):
        raise StrategyError("bad_series", name=name)
    return array


def _flags(values: Any, length: int) -> Any:
    array = np.asarray(values)
    if array.shape != (length,):
        raise StrategyError("bad_series", name="signals")
    return array.astype(bool)
