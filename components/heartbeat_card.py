"""One timeframe of the heartbeat: its last closed candles, newest first, the forming one on top, its age and its lag."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from aristobot.errors import AristobotError
from aristobot.language import _
from aristobot.market import Candle, Timeframe
from components import formats
from components.candle_table import CandleRow, CandleTable
from components.lamps import AgeLamp
from components.page_head import panel
from components.stateful_list import StatefulList
from components.words import Words

#: Closed candles a card shows.
CLOSED = 240
#: Seconds after a candle should have closed from which its absence is odd, and bad.
_LATE, _LOST = 15, 60


class TimeframeCard:
    """The frame stands at once and keeps its room; the table comes with its rows."""

    def __init__(self, timeframe: Timeframe, again: Callable[[], Awaitable[None]]) -> None:
        self.timeframe = timeframe
        self._again = again
        self._closed_ms = -1
        self._filled = False
        self._early: dict[int, CandleRow] = {}
        self._table: CandleTable | None = None
        with panel(timeframe.value, "beat-card") as head:
            self._list = StatefulList(icon="timer", empty=_("No candle yet"), empty_words="")
        with head:
            self._lag = Words("span", "", "muted small")
            self._age = AgeLamp(_("Age"), late=timeframe.seconds + _LATE, lost=timeframe.seconds + _LOST)
        self._tell_lag(None)

    def loading(self) -> None:
        """Nothing is known of the new choice yet; what comes of it meanwhile is kept."""
        if self._table is not None:
            self._table.fill([])
        self._early.clear()
        self._closed_ms, self._filled = -1, False
        self._list.loading()

    def failed(self, error: AristobotError) -> None:
        """The candles could not be read."""
        self._list.failed(error, self._again)

    def fill(self, candles: Sequence[Candle], lags: Mapping[int, float], now: datetime) -> None:
        """Show these closed candles, oldest first; `lags` says which came live, and how late."""
        last = candles[-1].open_ms if candles else -1
        meanwhile = [row for opened, row in reversed(self._early.items()) if opened > last]
        table = self._drawn()
        table.fill([*meanwhile, *(CandleRow(one, lags.get(one.open_ms)) for one in reversed(candles))])
        self._filled = True
        if last >= self._closed_ms:
            self._closed_ms = last
            self._age.since((now - candles[-1].close_time).total_seconds() if candles else None)
            self._tell_lag(next((lags[one.open_ms] for one in reversed(candles) if one.open_ms in lags), None))
        self._list.show(table)

    def _drawn(self) -> CandleTable:
        if self._table is None:
            name = _("Candles of {timeframe}", timeframe=self.timeframe)
            self._table = self._list.hold(lambda: CandleTable(self.timeframe, name=name, most=CLOSED + 1))
        return self._table

    def moved(self, candle: Candle) -> None:
        """The forming candle changed."""
        if candle.open_ms > self._closed_ms:
            self._put(CandleRow(candle))

    def closed(self, candle: Candle, received_at: datetime) -> None:
        """A candle closed and came at that moment."""
        if candle.open_ms <= self._closed_ms:
            return
        self._closed_ms = candle.open_ms
        lag = (received_at - candle.close_time).total_seconds()
        self._put(CandleRow(candle, lag))
        self._age.since(lag)
        self._tell_lag(lag)

    def _put(self, row: CandleRow) -> None:
        if not self._filled or self._table is None:
            self._early[row.candle.open_ms] = row
            return
        self._table.put(row)
        self._list.show(self._table)

    def _tell_lag(self, seconds: float | None) -> None:
        words = formats.NOTHING if seconds is None else formats.seconds(seconds)
        self._lag.set_text(_("Lag {seconds}", seconds=words))
