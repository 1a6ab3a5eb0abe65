"""What a strategy's process answers, once it is a frame of JSON: believed as far as it can be true."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from aristobot.errors import StrategyError

_LONGEST_FACT = 500
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a strategy answered, and what it printed meanwhile."""

    value: Any
    printed: str = ""


def told(message: dict[str, Any], printed: str) -> Answer:
    """An answer; raise StrategyError for one that tells of a failure, ValueError for one that cannot be."""
    failed = message.get("failed")
    if failed is None:
        return Answer(message.get("walls", message.get("done")), printed)
    facts = message.get("facts")
    if not isinstance(failed, str) or not _CODE.fullmatch(failed) or not isinstance(facts, dict):
        raise ValueError("no failure")
    known = {
        name: storable(one)[:_LONGEST_FACT] if isinstance(one, str) else one for name, one in facts.items() if _is_fact(name, one)
    }
    raise StrategyError(failed, **{**known, "line": _whole(facts.get("line"))}, printed=printed)


def storable(text: str) -> str:
    """A text that every database keeps: PostgreSQL takes no NUL."""
    return text.replace("\x00", "\ufffd")


def _is_fact(name: str, value: object) -> bool:
    return name not in ("self", "code", "printed") and bool(_CODE.fullmatch(name)) and isinstance(value, str | int | float)


def _whole(line: object) -> int:
    return line if isinstance(line, int) and 0 <= line < 1_000_000 else 0
