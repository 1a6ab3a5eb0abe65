"""A question answered for all candles at once: the hook is run on whole series, once along each of its ways.

Where a hook branches (`and`, `or`, `if`, a comparison in `max`), it is run again for the other way, and the ways are joined by
their conditions. Only questions that are nothing but arithmetic and comparisons on series, prices and parameters can be traced;
whatever else a hook does, it is asked candle by candle. A trace is believed only after the real hook said the same on the first
candles and on a random sample, and the real hook is asked again wherever the trace says yes.
"""

from __future__ import annotations

import operator
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aristobot.indicators.columns import COLUMNS, Floats
from aristobot.strategy import Strategy
from aristobot.strategy_driver import Driver

MOST_WAYS = 64
#: Candles that are worked on at a time: few enough to stay near the processor.
STRETCH = 16_384
#: Candles on which the real hook must agree: so many at the beginning, and so many anywhere.
FIRST_CHECKED, RANDOM_CHECKED = 100, 500
_CONSTANTS = (int, float, str, bool, type(None), tuple, frozenset)
_IMPURE = frozenset({"random", "time", "datetime", "print", "globals", "setattr", "id", "hash"})
Flags = NDArray[np.bool_]


class Untraceable(Exception):
    """The hook does something that cannot be done for all candles at once."""


class Explorer:
    """The ways through a hook: which branch to take next, and the conditions met on the present way.

    The values are those of the candles from `first` to before `end`.
    """

    def __init__(self) -> None:
        self.first = self.end = 0
        self.ahead: list[bool] = []
        self.met: list[tuple[Flags, bool]] = []
        self.deepest = 1

    def branch(self, condition: Flags) -> bool:
        """Take the way that was chosen beforehand, else the one of yes."""
        at = len(self.met)
        chosen = self.ahead[at] if at < len(self.ahead) else True
        self.met.append((condition, chosen))
        return chosen

    def answer(self, hook: Callable[[], Any], first: int, end: int) -> Flags:
        """What the hook says at these candles."""
        self.first, self.end, self.ahead = first, end, []
        count = end - first
        found = np.zeros(count, dtype=bool)
        for _ in range(MOST_WAYS):
            self.met = []
            said = hook()
            here = np.ones(count, dtype=bool)
            for condition, chosen in self.met:
                here &= condition if chosen else ~condition
            found |= here & (said.values.astype(bool) if isinstance(said, Symbol) else bool(said))
            taken = [chosen for _, chosen in self.met]
            while taken and not taken[-1]:
                taken.pop()
            if not taken:
                return found
            self.ahead = [*taken[:-1], False]
        raise Untraceable("too many ways")


class Symbol:
    """One value of every candle at once."""

    __slots__ = ("explorer", "values")
    __hash__ = None  # type: ignore[assignment] # a key would be one candle's

    def __init__(self, values: Any, explorer: Explorer) -> None:
        self.values, self.explorer = values, explorer

    def __bool__(self) -> bool:
        return self.explorer.branch(self.values.astype(bool))

    def _with(self, work: Callable[[Any, Any], Any], other: Any, turned: bool = False) -> Symbol:
        given = other.values if isinstance(other, Symbol) else other
        if not isinstance(given, int | float | np.ndarray):
            raise Untraceable(type(other).__name__)
        first, second = (given, self.values) if turned else (self.values, given)
        if work is operator.truediv and not np.all(second):
            raise Untraceable("a division by zero")
        with np.errstate(all="ignore"):
            return Symbol(work(first, second), self.explorer)

    def __lt__(self, other: Any) -> Symbol:
        return self._with(operator.lt, other)

    def __le__(self, other: Any) -> Symbol:
        return self._with(operator.le, other)

    def __gt__(self, other: Any) -> Symbol:
        return self._with(operator.gt, other)

    def __ge__(self, other: Any) -> Symbol:
        return self._with(operator.ge, other)

    def __add__(self, other: Any) -> Symbol:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Symbol:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Symbol:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Symbol:
        return self._with(operator.truediv, other)

    def __rsub__(self, other: Any) -> Symbol:
        return self._with(operator.sub, other, turned=True)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._with(operator.truediv, other, turned=True)

    def __neg__(self) -> Symbol:
        return Symbol(-self.values, self.explorer)

    def __abs__(self) -> Symbol:
        return Symbol(abs(self.values), self.explorer)

    __radd__, __rmul__ = __add__, __mul__


class SymbolSeries(deque[Any]):
    """A series of `indicators` at every candle at once: `[-1]` is the array, `[-2]` the array one candle late.

    To helpers that ask for its class it is what a strategy's series are, a deque.
    """

    def __init__(self, array: Floats, lookback: int, explorer: Explorer) -> None:
        super().__init__()
        self._array, self._lookback, self._explorer = array, lookback, explorer

    def __len__(self) -> int:
        return self._lookback

    def __iter__(self) -> Iterator[Any]:
        raise Untraceable("not a constant number of candles back")

    def __getitem__(self, at: object) -> Symbol:  # type: ignore[override] # one number back, or no trace
        if type(at) is not int or not -self._lookback <= at < 0:
            raise Untraceable("not a constant number of candles back")
        explorer = self._explorer
        explorer.deepest = max(explorer.deepest, -at)
        first, end = explorer.first + at + 1, explorer.end + at + 1
        if first >= 0:
            return Symbol(self._array[first:end], explorer)
        return Symbol(np.append(np.full(min(-first, end - first), np.nan), self._array[: max(end, 0)]), explorer)


class _Everything:
    """Stands for the tape and its cells: whatever the place, all candles."""

    cursor = 0

    def __init__(self, candles: Floats, explorer: Explorer) -> None:
        self._candles, self._explorer = candles, explorer
        self.candles = self

    def item(self, _: int, column: int) -> Symbol:
        return Symbol(self._candles[self._explorer.first : self._explorer.end, column], self._explorer)

    def __getitem__(self, _: object) -> Symbol:
        return self.item(0, COLUMNS["close"])


class _GhostRun:
    """What a question may read when it is traced; anything else has no attribute here and ends the trace."""

    def __init__(self, driver: Driver, explorer: Explorer) -> None:
        self.tape = self.closes = _Everything(driver.run.tape.candles, explorer)
        self.hp, self.facts = dict(driver.run.hp), driver.run.facts

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(name)


class Trace:
    """At which candles the questions say yes, as sorted indices; `deepest` is how far back they look."""

    def __init__(self, entries: Flags, leavings: Flags, deepest: int) -> None:
        self.entries: list[int] = np.flatnonzero(entries).tolist()
        self.leavings: list[int] = np.flatnonzero(leavings).tolist()
        self.deepest = deepest


def traced(driver: Driver, fresh: Callable[[], Driver], start: int, seed: int) -> Trace | None:
    """The trace of both questions of a loaded driver; None when they must be asked. `fresh` makes another like it.

    The driver's own strategy is left alone: once Python has shown an object's dictionary, all its attributes are read slower.
    """
    kind, count = type(driver.strategy), len(driver.run.tape.candles)
    if driver.question() is None or not _pure(kind) or start >= count:
        return None
    explorer, driver = Explorer(), fresh()
    try:
        flags = [_flags(driver, name, explorer) for name in ("should_long", "should_exit")]
    except Exception:  # noqa: BLE001 # whatever a hook cannot do with whole series, it is asked candle by candle
        return None
    dice = random.Random(seed)
    checked = {*range(start, min(start + FIRST_CHECKED, count)), *(dice.randrange(start, count) for _ in range(RANDOM_CHECKED))}
    return Trace(flags[0], flags[1], explorer.deepest) if _agrees(driver, flags, sorted(checked)) else None


def _flags(driver: Driver, name: str, explorer: Explorer) -> Flags:
    count = len(driver.run.tape.candles)
    if name not in driver.own:
        return np.zeros(count, dtype=bool)
    ghost, state = _ghost(driver, explorer)
    hook = getattr(ghost, name)
    stretches = (explorer.answer(hook, at, min(at + STRETCH, count)) for at in range(0, count, STRETCH))
    found = np.concatenate(list(stretches))
    if vars(ghost) != state:
        raise Untraceable("the question keeps state")
    return found


def _ghost(driver: Driver, explorer: Explorer) -> tuple[Strategy, dict[str, Any]]:
    kind = type(driver.strategy)
    ghost: Strategy = kind.__new__(kind)
    for name, value in vars(driver.strategy).items():
        if name != "_run" and name not in driver.series:
            if not isinstance(value, _CONSTANTS):
                raise Untraceable(name)
            setattr(ghost, name, value)
    for name, array in driver.arrays.items():
        setattr(ghost, name, SymbolSeries(array, driver.strategy.lookback, explorer))
    ghost._run = _GhostRun(driver, explorer)  # type: ignore[assignment] # stands in for the run
    return ghost, dict(vars(ghost))


def _agrees(driver: Driver, flags: list[Flags], candles: list[int]) -> bool:
    """Whether the real hooks say the same on these candles."""
    strategy = driver.strategy
    try:
        for at in candles:
            driver.reveal(at)
            if bool(strategy.should_long()) != flags[0][at] or bool(strategy.should_exit()) != flags[1][at]:
                return False
    except Exception:  # noqa: BLE001 # a hook that falls is asked candle by candle, where it falls in its place
        return False
    return True


def _pure(kind: type[Strategy]) -> bool:
    """Whether nothing that the strategy's code names can be changed by asking it."""
    for one in kind.__mro__:
        if one.__module__.startswith("aristobot.strategy"):
            continue
        for name, value in vars(one).items():
            if isinstance(value, FunctionType):
                if value.__closure__ and value.__name__ in ("should_long", "should_exit"):
                    return False
                if not _plain(value.__code__, value.__globals__):
                    return False
            elif not name.startswith("__") and isinstance(value, list | dict | set | bytearray):
                return False
    return True


def _plain(code: CodeType, names: Mapping[str, Any]) -> bool:
    if _IMPURE & set(code.co_names):
        return False
    return not any(isinstance(names.get(name), list | dict | set | bytearray) for name in code.co_names)
