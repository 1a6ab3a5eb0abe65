"""Whether a class that was found, not imported, is what it is taken for: each member of its ports there, called as they say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any


def lacks(kind: type, *ports: type, attributes: bool = True) -> list[str]:
    """What a class lacks of its ports, a word for each: `async candles(symbol, timeframe, limit, before)`, or a name.

    A call counts as lacking when it cannot be made as the port makes it; more parameters it may have, with defaults. Attributes
    count when the class itself has none; leave them out with `attributes` where only an instance need have them.
    """
    missing: dict[str, None] = {}
    for port in ports:
        for name, call in _calls(port):
            if not _answers(getattr(kind, name, None), call):
                missing[_as_called(name, call)] = None
        for name in _attributes(port) if attributes else ():
            if not hasattr(kind, name):
                missing[name] = None
    return list(missing)


def _mro(port: type) -> Iterator[type]:
    return (one for one in reversed(port.__mro__) if one is not object and one.__module__ != "typing")


def _calls(port: type) -> Iterator[tuple[str, Callable[..., Any] | property]]:
    for one in _mro(port):
        for name, member in vars(one).items():
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                yield name, member


def _attributes(port: type) -> Iterator[str]:
    for one in _mro(port):
        yield from (name for name in inspect.get_annotations(one) if not name.startswith("_"))


def _answers(own: object, port: Callable[..., Any] | property) -> bool:
    """Whether a call can be made where the port says; a property is as good as an attribute."""
    if isinstance(port, property):
        return own is not None
    if not callable(own) or inspect.iscoroutinefunction(own) != inspect.iscoroutinefunction(port):
        return False
    asked = list(inspect.signature(port).parameters.values())
    named = dict.fromkeys(one.name for one in asked if one.kind is one.KEYWORD_ONLY)
    try:
        inspect.signature(own).bind(*[None] * (len(asked) - len(named)), **named)
    except TypeError:
        return False
    return True


def _as_called(name: str, port: Callable[..., Any] | property) -> str:
    if isinstance(port, property):
        return name
    kind = "async " if inspect.iscoroutinefunction(port) else ""
    return f"{kind}{name}({', '.join(list(inspect.signature(port).parameters)[1:])})"
