"""When a candle of Bitget's stream is over: no push says so. The next one begins, or its time has passed by their clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from aristobot.market import Candle, Timeframe

#: A late execution may still change a candle for so long after its end.
GRACE = timedelta(seconds=2)


class Forming:
    """The candles of one symbol that still form. What it gives out is in order, each candle closed once and then silent."""

    def __init__(self) -> None:
        self._open: dict[Timeframe, Candle] = {}
        self._over_until: dict[Timeframe, datetime] = {}

    def take(self, pushed: Sequence[Candle], now: datetime) -> list[Candle]:
        """What a push (candles of one timeframe, oldest first) makes known.

        Of the history that opens a subscription only the last candle counts; of one after a reconnection all that is new does.
        """
        if not pushed:
            return []
        timeframe = pushed[0].timeframe
        if timeframe not in self._over_until:
            self._over_until[timeframe] = pushed[-1].open_time - timeframe.duration
        known: list[Candle] = []
        shown = self._open.get(timeframe)
        for candle in pushed:
            if candle.open_time <= self._over_until[timeframe]:
                continue
            before = self._open.get(timeframe)
            if before is not None and candle.open_time < before.open_time:
                continue
            if before is not None and candle.open_time > before.open_time:
                known.append(self._end(before))
            self._open[timeframe] = candle
        latest = self._open.get(timeframe)
        if latest is None or latest is shown:
            return known
        return [*known, self._end(latest) if now >= latest.close_time + GRACE else latest]

    def overdue(self, now: datetime) -> list[Candle]:
        """The candles that nothing followed although their time has passed."""
        return [self._end(one) for one in list(self._open.values()) if now >= one.close_time + GRACE]

    def _end(self, candle: Candle) -> Candle:
        self._over_until[candle.timeframe] = candle.open_time
        self._open.pop(candle.timeframe, None)
        return replace(candle, closed=True)
