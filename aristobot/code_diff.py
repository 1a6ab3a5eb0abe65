"""Two texts side by side: which lines stayed, went and came, with a little around them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

AROUND = 3


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
    for group in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_grouped_opcodes(around):
        gap = group[0][1] - shown
        for _, i1, i2, j1, j2 in group:
            rows.extend(_rows(left, right, range(i1, i2), range(j1, j2), gap))
            gap = 0
        shown = group[-1][2]
    return rows


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
