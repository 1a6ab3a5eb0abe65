"""Two texts side by side: which lines stayed, went and came, with a little around them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, TypeAlias

Opcode: TypeAlias = Literal["replace", "delete", "insert", "equal"]

AROUND = 3
#: Pairs of equal lines beyond which the longest common runs are not looked for: thousands of empty lines on both sides.
_MOST_PAIRS = 2_000_000


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One row of the comparison: a line on the left, on the right, or on both. Numbers count from 1; 0 where there is none.

    `gap` is how many lines that stayed are left out just before it.
    """

    left: int
    right: int
    left_text: str
    right_text: str
    gap: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether the line differs, or is only on one side."""
        return not (self.left and self.right) or self.left_text != self.right_text


def compared(old: str, new: str, around: int = AROUND) -> list[DiffRow]:
    """The rows that differ, with `around` lines before and behind each; empty when nothing differs."""
    left, right = old.splitlines(), new.splitlines()
    rows: list[DiffRow] = []
    shown = 0
    for group in _matcher(left, right).get_grouped_opcodes(around):
        gap = group[0][1] - shown
        for _, i1, i2, j1, j2 in group:
            rows.extend(_rows(left, right, range(i1, i2), range(j1, j2), gap))
            gap = 0
        shown = group[-1][2]
    return rows


class _Coarse(difflib.SequenceMatcher[str]):
    """A comparison in which all between the common beginning and the common end counts as changed."""

    def __init__(self, left: Sequence[str], right: Sequence[str]) -> None:
        super().__init__(autojunk=False)
        self._left, self._right = list(left), list(right)

    def get_opcodes(self) -> list[tuple[Opcode, int, int, int, int]]:
        """At most three parts."""
        left, right = self._left, self._right
        head = _alike(left, right)
        tail = _alike(left[head:][::-1], right[head:][::-1])
        i, j = len(left) - tail, len(right) - tail
        parts: list[tuple[Opcode, int, int, int, int]] = [
            ("equal", 0, head, 0, head), ("replace", head, i, head, j), ("equal", i, len(left), j, len(right)),
        ]  # fmt: skip
        return [one for one in parts if one[1] < one[2] or one[3] < one[4]]


def _matcher(left: Sequence[str], right: Sequence[str]) -> difflib.SequenceMatcher[str]:
    there = Counter(right)
    pairs = sum(count * there[line] for line, count in Counter(left).items())
    if pairs <= _MOST_PAIRS:
        return difflib.SequenceMatcher(a=left, b=right, autojunk=False)
    return _Coarse(left, right)


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines both begin with."""
    return next(
        (at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), min(len(left), len(right))
    )


def counted(rows: Sequence[DiffRow]) -> tuple[int, int]:
    """How many lines came, and how many went."""
    changed = [one for one in rows if one.is_changed]
    return sum(1 for one in changed if one.right), sum(1 for one in changed if one.left)


def _rows(left: Sequence[str], right: Sequence[str], olds: range, news: range, gap: int) -> list[DiffRow]:
    pairs = list(zip_longest(olds, news))
    return [
        DiffRow(
            left=0 if i is None else i + 1,
            right=0 if j is None else j + 1,
            left_text="" if i is None else left[i],
            right_text="" if j is None else right[j],
            gap=0 if at else gap,
        )
        for at, (i, j) in enumerate(pairs)
    ]
