"""Kraken's candles: rows over REST, pushes of its public socket, and when one is over, which neither says. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec.structs import replace

from aristobot.clock import LAST_MS, to_milliseconds
from aristobot.market import Candle, Symbol, Timeframe
from services.exchanges.kraken_push import Push
from services.exchanges.kraken_wire import Answer, read, result_of

#: What Kraken keeps candles of. Its weeks are left out: they begin on another day than ours.
TIMEFRAMES = (
    Timeframe.M1,
    Timeframe.M5,
    Timeframe.M15,
    Timeframe.M30,
    Timeframe.H1,
    Timeframe.H4,
    Timeframe.D1,
)
BY_MINUTES = {one.seconds // 60: one for one in TIMEFRAMES}
#: How long after its end a candle may still change by a late execution.
_GRACE = timedelta(seconds=2)
#: A moment that a calendar has.
Seconds = Annotated[int, msgspec.Meta(ge=0, lt=LAST_MS // 1000)]


class OhlcRow(msgspec.Struct, array_like=True, gc=False):
    """One row of OHLC; what follows the volume is not used."""

    start: Seconds
    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str


class PushedCandle(msgspec.Struct):
    """A candle on the socket; `interval_begin` is its start."""

    symbol: Symbol
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    interval_begin: datetime
    interval: int


ROWS = msgspec.json.Decoder(Answer[dict[str, list[OhlcRow] | int | str]])
CANDLES = msgspec.json.Decoder(list[PushedCandle])


def candles_of(body: bytes, symbol: Symbol, timeframe: Timeframe, now: datetime) -> list[Candle]:
    """The rows of `OHLC`, oldest first; the last one is still forming when its time is not over by the exchange's clock.

    Prices are read, and judged by `Candle.check`, when somebody looks at them.
    """
    rows = next((one for one in result_of(ROWS, body).values() if isinstance(one, list)), [])
    last_whole = to_milliseconds(now) // 1000 - timeframe.seconds
    return [
        Candle(symbol, timeframe, row.start * 1000, row.open, row.high, row.low, row.close, row.volume, row.start <= last_whole)
        for row in rows
    ]


def pushed_candles(push: Push, symbol: Symbol) -> list[Candle]:
    """The candles in a push, oldest first, as if all were forming; none when it is about something else."""
    if push.channel != "ohlc":
        return []
    found = [
        _forming(one, symbol)
        for one in read(CANDLES, push.data)
        if one.symbol == symbol and one.interval in BY_MINUTES and one.interval_begin.tzinfo is not None
    ]
    return sorted(found, key=lambda one: one.open_time)


class Closing:
    """Says of candles of one symbol that they are over: when the next one begins, or the clock says so."""

    def __init__(self) -> None:
        self._forming: dict[Timeframe, Candle] = {}
        self._closed: dict[Timeframe, datetime] = {}

    def begin(self, candles: list[Candle]) -> None:
        """What was before we listened is nobody's news: of a first snapshot only the forming candle counts."""
        for timeframe in {one.timeframe for one in candles} - self._forming.keys() - self._closed.keys():
            past = sorted(one.open_time for one in candles if one.timeframe is timeframe)[:-1]
            if past:
                self._closed[timeframe] = past[-1]

    def heard(self, candle: Candle, now: datetime) -> list[Candle]:
        """What a candle that came in means: it grew, and another may be over by it. Nothing that was over is told again."""
        timeframe = candle.timeframe
        over = self._closed.get(timeframe)
        forming = self._forming.get(timeframe)
        if (over is not None and candle.open_time <= over) or (forming is not None and candle.open_time < forming.open_time):
            return []
        told: list[Candle] = []
        if forming is not None and candle.open_time > forming.open_time:
            told.append(self._close(forming))
        self._forming[timeframe] = candle
        return told + (self.due(now, timeframe) or [candle])

    def due(self, now: datetime, *timeframes: Timeframe) -> list[Candle]:
        """The candles whose time is over."""
        waiting = [self._forming[one] for one in timeframes or tuple(self._forming) if one in self._forming]
        return [self._close(one) for one in waiting if now >= one.close_time + _GRACE]

    def _close(self, candle: Candle) -> Candle:
        self._closed[candle.timeframe] = candle.open_time
        self._forming.pop(candle.timeframe, None)
        return replace(candle, closed=True)


def _forming(one: PushedCandle, symbol: Symbol) -> Candle:
    figures = (one.open, one.high, one.low, one.close, one.volume)
    candle = Candle.of(symbol, BY_MINUTES[one.interval], one.interval_begin, figures, closed=False)
    candle.check()
    return candle
