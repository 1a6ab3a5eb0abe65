"""Rounds of two engines one by one, and by which rule the others differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.rivals.stopwatch import FAST, SLOW, Rounds

#: Decimals of the candles' prices, and a tick of them.
PLACES = 10_000
TIE = "the averages are equal to the last digit, which sums of floats made in another order are not"
TICK = "a market order takes a tick worse beyond a quarter of the candle's volume"
END = "the data ends before the round does"
OTHER = "NOT EXPLAINED"


@dataclass(frozen=True)
class Fills:
    """How an engine fills. `early`: candles by which its fills come sooner than the next open; `ticks`: worse it may get."""

    early: int = 0
    ticks: int = 0


def differences(ours: Rounds, other: Rounds, fills: Fills, candles: Any) -> Counter[str]:
    """How many rounds are `equal`, and how many rounds of either side differ, by rule."""
    found: Counter[str] = Counter()
    known = {(first, last): prices for first, last, *prices in ours}
    moved = {(first + fills.early, last + fills.early): prices for first, last, *prices in other}
    ties, end = _ties(candles), len(candles)
    for candle, prices in known.items():
        if candle not in moved:
            found[_reason(candle, ties, end)] += 1
            continue
        off = max(abs(a - b) for a, b in zip(prices, moved[candle], strict=True)) * PLACES
        thin = any(candles[at - 1, 5] < 4 for at in candle)  # a quarter of the volume is less than the coin that was wanted
        found["equal" if off < 1e-5 else TICK if thin and off <= fills.ticks + 1e-5 else OTHER] += 1
    for candle in moved.keys() - known.keys():
        found[_reason(candle, ties, end)] += 1
    return found


def _reason(candles: tuple[int, int], ties: Any, end: int) -> str:
    """Why a round stands on one side only: a tie where its entry or exit was decided, or just beside."""
    if any(ties[max(0, at - 3) : at + 1].any() for at in candles):
        return TIE
    return END if candles[1] >= end - 1 else OTHER


def _ties(candles: Any) -> Any:
    """At which candles the two averages are the same number, in whole numbers."""
    sums = np.concatenate([[0], np.cumsum(np.rint(candles[:, 2] * PLACES).astype(np.int64))])
    at = np.arange(SLOW, len(candles) + 1)
    equal = (sums[at] - sums[at - FAST]) * SLOW == (sums[at] - sums[at - SLOW]) * FAST
    return np.concatenate([np.zeros(SLOW - 1, bool), equal])
