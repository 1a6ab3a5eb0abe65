"""What a model answered, taken apart: its thoughts left out, the draft of a strategy found among its blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Models that think aloud put it first, between these; a thought that was cut off has no end.
_THOUGHT = re.compile(r"\A\s*<(think|thinking)>.*?(?:</\1>|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TONGUE = re.compile(r"[\w+.-]*")
_PYTHON = frozenset({"python", "py", "python3", ""})
_CLASS = re.compile(r"^class \w+\([^)\n]{0,200}Strategy\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its tongue, its text, whether its end came, and between which lines of the answer it stands."""

    tongue: str
    text: str
    closed: bool
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Draft:
    """The code that was proposed. Not `whole` when the answer broke off inside it."""

    code: str
    whole: bool


def spoken(answer: str) -> str:
    """The answer without what the model thought aloud before it."""
    return _THOUGHT.sub("", answer).lstrip("\n")


def draft_of(answer: str) -> Draft | None:
    """The last block that holds a strategy, else the longest one of Python; None when there is none."""
    python = [one for one in blocks(spoken(answer)) if one.tongue.casefold() in _PYTHON and one.text.strip()]
    strategies = [one for one in python if _CLASS.search(one.text)]
    named = [one for one in python if one.tongue]
    chosen = strategies[-1] if strategies else max(named, key=lambda one: len(one.text), default=None)
    return Draft(chosen.text.rstrip() + "\n", chosen.closed) if chosen is not None else None


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a text (CommonMark 4.5): a block ends with a fence as long as its first one, or with the text."""
    lines, at = text.splitlines(), 0
    while at < len(lines):
        opened = _opened(lines[at])
        if opened is None:
            at += 1
            continue
        first, (fence, tongue) = at, opened
        at += 1
        while at < len(lines) and not _ends(lines[at], fence):
            at += 1
        yield Block(tongue, "\n".join(lines[first + 1 : at]), at < len(lines), first, at)
        at += 1


def _opened(line: str) -> tuple[str, str] | None:
    """The fence and the tongue of a line that begins a block."""
    found = _FENCE.match(line)
    if found is None or "`" in line[found.end() :]:
        return None
    tongue = _TONGUE.match(line[found.end() :].strip())
    return found[1], tongue[0] if tongue else ""


def _ends(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]} and len(line) - len(line.lstrip(" ")) <= 3
