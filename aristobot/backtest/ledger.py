"""Rows that a run writes down, as plain tuples of whole numbers: quick to write, exact, read once at the end."""

from __future__ import annotations

from typing import TypeAlias

#: candle, UTC ms, buying, price, lots, fee, maker, tag, and after it: this strategy's sum of money since the start, base held
FillRow: TypeAlias = tuple[int, int, bool, int, int, int, bool, str, int, int]
#: opened ms, entry candle, closed ms, exit candle, bought value and lots, sold value and lots, fees, profit, tag, first stop
ClosedRow: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int, str, float]
#: UTC ms, buying, lots, price, tag, reason
Refusal: TypeAlias = tuple[int, bool, int, int, str, str]
