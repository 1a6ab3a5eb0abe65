"""Protections: after losses no new entry for a while. Names and fields are freqtrade's, so that they need no learning.

CooldownPeriod   none for `stop_duration_candles` after each exit
StoplossGuard    `trade_limit` losing exits by a stop within `lookback_period_candles`
MaxDrawdown      a fall of the sum of results by more than `max_allowed_drawdown` (a fraction of the allotted money)
                 within `lookback_period_candles`, over at least `trade_limit` positions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec

from aristobot.errors import StrategyError
from aristobot.strategy_run import ClosedPosition

METHODS = ("CooldownPeriod", "StoplossGuard", "MaxDrawdown")
STOP_TAGS = frozenset({"stop_loss", "trailing_stop_loss"})


class Protection(msgspec.Struct, frozen=True):
    """One protection, its lengths in candles."""

    method: str
    stop_duration_candles: int
    lookback_period_candles: int = 0
    trade_limit: int = 1
    max_allowed_drawdown: float = 0.0

    def sets_in(self, closed: Sequence[ClosedPosition], now: int, candle_ms: int, money: float) -> bool:
        """Whether the last exit calls for a pause."""
        if self.method == "CooldownPeriod":
            return bool(closed)
        since = now - self.lookback_period_candles * candle_ms
        recent = [one for one in closed if one.closed_at > since]
        if self.method == "StoplossGuard":
            return sum(one.reason in STOP_TAGS and one.profit < 0 for one in recent) >= self.trade_limit
        return len(recent) >= self.trade_limit and deepest_fall(recent) > self.max_allowed_drawdown * money


def protections_of(wanted: Iterable[Mapping[str, Any] | Protection]) -> tuple[Protection, ...]:
    """The protections that a strategy lists; raise StrategyError `bad_protection` for one that is none."""
    try:
        found = tuple(one if isinstance(one, Protection) else msgspec.convert(dict(one), Protection) for one in wanted)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise StrategyError("bad_protection", detail=str(error)[:120]) from None
    for one in found:
        if one.method not in METHODS or one.stop_duration_candles < 0:
            raise StrategyError("bad_protection", detail=one.method)
    return found


def paused_until(
    protections: Iterable[Protection], closed: Sequence[ClosedPosition], now: int, candle_ms: int, money: float
) -> tuple[int, str]:
    """Until when (UTC milliseconds) no entry is allowed after an exit at `now`, and by which protection; 0 and "" for none."""
    setting_in = [one for one in protections if one.sets_in(closed, now, candle_ms, money)]
    if not setting_in:
        return 0, ""
    longest = max(setting_in, key=lambda one: one.stop_duration_candles)
    return now + longest.stop_duration_candles * candle_ms, longest.method


def deepest_fall(closed: Iterable[ClosedPosition]) -> float:
    """The largest fall of the running sum of profits below its peak, the start included, in quote."""
    sums = list(accumulate((one.profit for one in closed), initial=0.0))
    peaks = accumulate(sums, max)
    return max(peak - value for peak, value in zip(peaks, sums, strict=True))
