"""What `backtest` and `optimise` are asked alike: whose text is tried, and words of a closed list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from aristobot.errors import InvalidInput, NotFound
from services.backtest_sources import named
from services.commands.memory_access import Memory

_T = TypeVar("_T")


async def text_of(memory: Memory, strategy: str) -> str:
    """The text of a strategy: out of a .py file, or by its name. Raises InvalidInput for a file that cannot be read, NotFound."""
    if strategy.endswith(".py"):
        return _file(strategy)
    try:
        return await named(memory.db, strategy)
    except NotFound:
        raise NotFound("strategy_unknown", value=strategy[:60]) from None


def split_pair(text: str) -> tuple[str, str]:
    """The two sides of `name=value`."""
    name, found, value = text.partition("=")
    if not found or not name or not value:
        raise InvalidInput("not_a_parameter", field="--param", value=text[:40])
    return name, value


def chosen(given: Mapping[str, str], name: str, known: Mapping[str, _T]) -> _T:
    """What an option's word stands for."""
    try:
        return known[given[name].lower()]
    except KeyError:
        raise InvalidInput("no_such_choice", field=f"--{name}", value=given[name][:40], known=", ".join(known)) from None


def _file(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("unreadable_file", field="STRATEGY", value=path, detail=type(error).__name__) from None
