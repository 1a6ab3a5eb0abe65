"""One timeframe of the heartbeat: its last closed candles, newest first, the forming one on top, its age and its lag."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from aristobot.errors import AristobotError
from aristobot.language import _
from aristobot.market import Candle, Timeframe
from components import browser_formats, formats
from components.lamps import AgeLamp
from components.live_grid import LiveGrid, Row, column
from components.page_head import panel
from components.stateful_list import StatefulList
from components.words import Words

#: Closed candles a card shows.
CLOSED = 240
HISTORY, LIVE, FORMING = "history", "live", "forming"
#: Seconds after a candle should have closed from which its absence is odd, and bad.
_LATE, _LOST = 15, 60
_HOUR = 3600
_RULES = {f"beat-{kind}": f"data.kind === '{kind}'" for kind in (HISTORY, LIVE, FORMING)}


class TimeframeCard:
    """A table whose rows are sent as plain figures and written in the browser, in the reader's language and zone."""

    def __init__(self, timeframe: Timeframe, again: Callable[[], Awaitable[None]]) -> None:
        self.timeframe = timeframe
        self._again = again
        self._closed_ms = -1
        self._filled = False
        with panel(timeframe.value, "beat-card") as head:
            self._list = StatefulList(icon="timer", empty=_("No candle yet"), empty_words="")
            name = _("Candles of {timeframe}", timeframe=timeframe)
            self._grid = self._list.hold(lambda: LiveGrid(_columns(timeframe), name=name, most=CLOSED + 1))
            self._grid.options["rowClassRules"] = {**self._grid.options["rowClassRules"], **_RULES}
        with head:
            self._lag = Words("span", "", "muted small")
            self._age = AgeLamp(_("Age"), late=timeframe.seconds + _LATE, lost=timeframe.seconds + _LOST)
        self._tell_lag(None)

    def loading(self) -> None:
        """Nothing is known of the new choice yet; what comes of it meanwhile is kept."""
        self._grid.fill([])
        self._closed_ms, self._filled = -1, False
        self._list.loading()

    def failed(self, error: AristobotError) -> None:
        """The candles could not be read."""
        self._list.failed(error, self._again)

    def fill(self, candles: Sequence[Candle], lags: Mapping[int, float], now: datetime) -> None:
        """Show these closed candles, oldest first; `lags` says which came live, and how late."""
        last = candles[-1].open_ms if candles else -1
        meanwhile = [row for row in self._grid.rows if int(row["id"]) > last]
        self._grid.fill([*meanwhile, *(_row(one, lags.get(one.open_ms)) for one in reversed(candles))])
        self._filled = True
        if last >= self._closed_ms:
            self._closed_ms = last
            self._age.since((now - candles[-1].close_time).total_seconds() if candles else None)
            self._tell_lag(next((lags[one.open_ms] for one in reversed(candles) if one.open_ms in lags), None))
        self._list.show(self._grid)

    def moved(self, candle: Candle) -> None:
        """The forming candle changed."""
        if candle.open_ms > self._closed_ms:
            self._put(_row(candle, None) | {"kind": FORMING})

    def closed(self, candle: Candle, received_at: datetime) -> None:
        """A candle closed and came at that moment."""
        if candle.open_ms <= self._closed_ms:
            return
        self._closed_ms = candle.open_ms
        lag = (received_at - candle.close_time).total_seconds()
        self._put(_row(candle, lag))
        self._age.since(lag)
        self._tell_lag(lag)

    def _put(self, row: Row) -> None:
        self._grid.upsert(row)
        if self._filled:
            self._list.show(self._grid)

    def _tell_lag(self, seconds: float | None) -> None:
        words = formats.NOTHING if seconds is None else formats.seconds(seconds)
        self._lag.set_text(_("Lag {seconds}", seconds=words))


def _row(candle: Candle, lag: float | None) -> Row:
    """A closed candle: live with its lag in seconds, else history."""
    return {
        "id": str(candle.open_ms),
        "t": candle.open_ms + candle.timeframe.seconds * 1000,
        "o": candle.open_text,
        "h": candle.high_text,
        "l": candle.low_text,
        "c": candle.close_text,
        "v": candle.volume_text,
        "lag": lag,
        "kind": HISTORY if lag is None else LIVE,
    }


def _columns(timeframe: Timeframe) -> list[Row]:
    parts = {"hour": "2-digit", "minute": "2-digit"}
    if timeframe.seconds >= _HOUR:
        parts |= {"day": "2-digit", "month": "2-digit"}
    when = browser_formats.cell(browser_formats.moment(**parts), instead={FORMING: _("forming")})
    price = browser_formats.cell(browser_formats.price())
    volume = browser_formats.cell(browser_formats.significant(4))
    lag = browser_formats.cell(browser_formats.short_while())
    return [
        column("t", _("Close at"), 92 if timeframe.seconds >= _HOUR else 66, grows=2)
        | {":valueFormatter": when, "cellClass": "beat-mark"},
        _figure("o", _("O"), price, least=520),
        _figure("h", _("H"), price),
        _figure("l", _("L"), price),
        _figure("c", _("C"), price) | {"cellClass": "number beat-mark"},
        _figure("v", _("Vol."), volume, least=430),
        _figure("lag", _("Lag"), lag),
    ]


def _figure(field: str, name: str, written: str, *, least: int = 0) -> Row:
    plain = {"tooltipField": None, ":valueFormatter": written}
    return column(field, name, 58, grows=2, number=True, least=least) | plain
