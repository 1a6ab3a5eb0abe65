"""Rows that a run writes down: whole numbers, quick to write, exact, read once at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeAlias, TypeVar

Row = TypeVar("Row", bound=tuple[Any, ...])

#: candle, UTC ms, buying, price, lots, fee, maker, tag, and after it: this strategy's sum of money since the start, base held
FillRow: TypeAlias = tuple[int, int, bool, int, int, int, bool, str, int, int]
#: opened ms, entry candle, closed ms, exit candle, bought value and lots, sold value and lots, fees, profit, tag, first stop
ClosedRow: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int, str, float]
#: UTC ms, buying, lots, price, tag, reason
Refusal: TypeAlias = tuple[int, bool, int, int, str, str]


class Table(Generic[Row]):
    """Rows of one width, kept as one flat list: a column is a slice, and a search for rings of objects finds nothing in it."""

    __slots__ = ("_flat", "_width", "add")

    def __init__(self, width: int) -> None:
        self._flat: list[Any] = []
        self._width = width
        #: Write a row down.
        self.add = self._flat.extend

    def __len__(self) -> int:
        return len(self._flat) // self._width

    def __iter__(self) -> Iterator[Row]:
        rows: Iterator[Any] = zip(*[iter(self._flat)] * self._width, strict=True)
        return rows

    def column(self, number: int) -> list[Any]:
        """One value of every row."""
        return self._flat[number :: self._width]
