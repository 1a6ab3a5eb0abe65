"""What the code of a user's class says before it is asked anything: which hooks it has of its own, and what it reads and does."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from functools import cached_property, lru_cache
from types import CodeType, FunctionType
from typing import NamedTuple

from aristobot.strategy import OrderEvents, Strategy

_EVENTS = frozenset(name for name in vars(OrderEvents) if name.startswith("on_") and name != "on_signal")
#: Names that, used anywhere but in the hooks that place orders, mean that a question may do more than answer.
_DEEDS = frozenset({"liquidate", "lock", "buy", "sell", "stop_loss", "take_profit", "setattr", "__dict__"})
#: Names by which a strategy reads its closed positions; without them, events and protections nobody needs them in a backtest.
_MEMORIES = frozenset({"trades", "closed_positions", "metrics", "getattr", "_run"})
_DAILY = frozenset({"daily_balances", "getattr"})
_PLACING = frozenset({"go_long", "update_position", *_EVENTS})


class Traits(NamedTuple):
    """What the code of a user's class says, read once per class: live, a strategy is made anew at every candle.

    own         names of Strategy that it gives a meaning of its own     listens     whether it wants to be told of orders
    each        whether a question may do more than answer, so that every candle goes the long way
    remembers   whether it reads its closed positions                    outside     names used outside of questions
    daily       whether it reads what it was worth day by day: then every candle is one to look at
    """

    own: frozenset[str]
    listens: bool
    each: bool
    remembers: bool
    outside: frozenset[str]
    daily: bool


@lru_cache(maxsize=64)
def traits_of(kind: type[Strategy]) -> Traits:
    """What the code of this class says."""
    names = _names(kind, ())
    own = frozenset(name for name in dir(Strategy) if getattr(kind, name, None) is not getattr(Strategy, name, None))
    return Traits(
        own,
        bool(own & _EVENTS),
        bool(own & {"before", "after"}) or bool(_DEEDS & _names(kind, _PLACING)) or bool(_DAILY & names),
        bool(_MEMORIES & names),
        _names(kind, ("should_long", "should_exit", "indicators")),
        bool(_DAILY & names),
    )


def _names(kind: type[Strategy], without: Collection[str]) -> frozenset[str]:
    """The names in the code that a user's class brings along, some of its hooks left out."""
    found: set[str] = set()
    looked_at: set[CodeType] = set()
    waiting = [
        function
        for one in kind.__mro__
        if not one.__module__.startswith("aristobot.strategy")
        for name, value in vars(one).items()
        if name not in without and (function := _function_in(value)) is not None
    ]
    while waiting:
        function = waiting.pop()
        codes = [function.__code__]
        while codes:
            code = codes.pop()
            if code in looked_at:
                continue
            looked_at.add(code)
            found.update(code.co_names)
            codes += [one for one in code.co_consts if isinstance(one, CodeType)]  # of comprehensions and inner functions
            helpers = (function.__globals__.get(name) for name in code.co_names)
            waiting += [one for one in helpers if isinstance(one, FunctionType) and one.__globals__ is function.__globals__]
    return frozenset(found)


def _function_in(value: object) -> FunctionType | None:
    """The user's function behind what stands in a class: a method, a property, a static method, or one that is decorated."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    elif isinstance(value, staticmethod | classmethod):
        value = value.__func__
    value = inspect.unwrap(value) if isinstance(value, FunctionType) else value
    return value if isinstance(value, FunctionType) else None
