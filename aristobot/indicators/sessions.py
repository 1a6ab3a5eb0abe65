"""Indicators that begin anew with every session: UTC days, weeks from Monday, months, or stretches of hours and minutes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from aristobot.indicators.columns import Floats, price, quotient

MILLISECONDS = {"m": 60_000, "h": 3_600_000, "D": 86_400_000, "W": 604_800_000}
#: 1970 began on a Thursday, weeks begin on Monday.
FIRST_MONDAY = 4 * 86_400_000
FIBONACCI = (0.382, 0.618, 1.0)
CAMARILLA = (1.1 / 12, 1.1 / 6, 1.1 / 4, 1.1 / 2)


def vwap(candles: Floats, source_type: str, anchor: str) -> tuple[Floats, ...]:
    """Sum of price * volume over sum of volume since the session began. NaN until something is traded."""
    prices, volumes = price(candles, source_type), price(candles, "volume")
    worth, traded = prices * volumes, volumes.copy()
    for start, end in _stretches(_starts(candles, anchor), len(candles)):
        np.cumsum(worth[start:end], out=worth[start:end])
        np.cumsum(traded[start:end], out=traded[start:end])
    return (quotient(worth, traded),)


def anchored_vwap(candles: Floats, anchor: str, source_type: str) -> tuple[Floats, ...]:
    """Brian Shannon's anchored VWAP: from the first candle that opens at the anchor or later. NaN before it."""
    first = int(np.searchsorted(candles[:, 0], _moment(anchor)))
    found = np.full(len(candles), np.nan)
    found[first:] = vwap(candles[first:], source_type, "")[0]
    return (found,)


def pivot(candles: Floats, mode: int, anchor: str) -> tuple[Floats, ...]:
    """Pivot levels of the candle itself, or with an anchor ("D", "W", "M") of the whole session before the present one.

    Classic pp = (high + low + close) / 3; Fibonacci at 0.382, 0.618 and 1 of the range around it; DeMark after the candle's
    colour; Camarilla at 1.1/12, 1.1/6, 1.1/4 and 1.1/2 of the range around the close; Woodie pp = (high + low + 2 * open) / 4
    with the open of the present session. Levels that a method does not know are NaN.
    """
    if mode not in range(len(METHODS)):
        raise ValueError(f"mode {mode} is none of 0 classic, 1 Fibonacci, 2 DeMark, 3 Camarilla, 4 Woodie")
    opens, closes, highs, lows = (candles[:, column] for column in (1, 2, 3, 4))
    if not anchor:
        return METHODS[mode](opens, highs, lows, closes)
    starts = _starts(candles, anchor)
    at = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(candles)))
    high, low = np.maximum.reduceat(highs, starts), np.minimum.reduceat(lows, starts)
    close = closes[np.append(starts[1:], len(candles)) - 1]
    opened = opens[starts]  # DeMark asks for the open of the session that gave the range, Woodie for the present one's
    first_open = opened[at] if mode == WOODIE else _before(opened, at)
    return METHODS[mode](first_open, *(_before(values, at) for values in (high, low, close)))


def _before(values: Floats, at: NDArray[np.int64]) -> Floats:
    """For each candle the value of the session before its own."""
    return np.concatenate(([np.nan], values))[at]


def _classic(opens: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, ...]:
    pp, none = (high + low + close) / 3, np.full(len(high), np.nan)
    return none, none.copy(), pp + (high - low), 2 * pp - low, pp, 2 * pp - high, pp - (high - low), none.copy(), none.copy()


def _fibonacci(opens: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, ...]:
    pp, reach, none = (high + low + close) / 3, high - low, np.full(len(high), np.nan)
    return none, *(pp + one * reach for one in FIBONACCI[::-1]), pp, *(pp - one * reach for one in FIBONACCI), none.copy()


def _demark(opens: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, ...]:
    weight = np.where(close < opens, low, np.where(close > opens, high, close))
    total = high + low + close + weight
    none = [np.full(len(high), np.nan) for _ in range(6)]
    return *none[:3], total / 2 - low, total / 4, total / 2 - high, *none[3:]


def _camarilla(opens: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, ...]:
    reach = high - low
    above, below = [close + one * reach for one in CAMARILLA[::-1]], [close - one * reach for one in CAMARILLA]
    return *above, (high + low + close) / 3, *below


def _woodie(opens: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, ...]:
    pp, reach = (high + low + 2 * opens) / 4, high - low
    r3, s3 = high + 2 * (pp - low), low - 2 * (high - pp)
    return r3 + reach, r3, pp + reach, 2 * pp - low, pp, 2 * pp - high, pp - reach, s3, s3 - reach


METHODS: tuple[Callable[[Floats, Floats, Floats, Floats], tuple[Floats, ...]], ...] = (
    _classic,
    _fibonacci,
    _demark,
    _camarilla,
    _woodie,
)
WOODIE = METHODS.index(_woodie)


def _starts(candles: Floats, anchor: str) -> NDArray[np.int64]:
    """The index of each session's first candle."""
    opened = candles[:, 0].astype(np.int64)
    if not anchor:
        sessions = np.zeros(len(opened), dtype=np.int64)
    elif anchor in ("M", "Y"):
        sessions = opened.astype("datetime64[ms]").astype(f"datetime64[{anchor}]").astype(np.int64)
    else:
        sessions = _stretch(anchor, opened)
    return np.flatnonzero(np.diff(sessions, prepend=sessions[:1] - 1))


def _stretch(anchor: str, opened: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each candle's session when sessions are so many minutes, hours, days or weeks long."""
    match = re.fullmatch(r"([1-9]\d*)?([mhDW])", anchor)
    if match is None:
        raise ValueError(f"anchor {anchor!r} is none of m, h, D, W (or 4h, 15m…), M, Y")
    length = int(match[1] or 1) * MILLISECONDS[match[2]]
    found: NDArray[np.int64] = (opened - FIRST_MONDAY * (match[2] == "W")) // length
    return found


def _stretches(starts: NDArray[np.int64], rows: int) -> Iterator[tuple[int, int]]:
    return zip(starts.tolist(), [*starts[1:].tolist(), rows], strict=True)


def _moment(anchor: str) -> int:
    """Milliseconds since 1970 of an ISO date or time (UTC when it names no zone), or of that number itself."""
    if not anchor or anchor.isdecimal():
        return int(anchor or 0)
    moment = datetime.fromisoformat(anchor)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
