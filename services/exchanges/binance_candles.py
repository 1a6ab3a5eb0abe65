"""Binance's candles: rows of the REST interface and pushes of the market streams. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from aristobot.clock import EPOCH
from aristobot.errors import DataError
from aristobot.market import Candle, Symbol, Timeframe
from aristobot.money import ZERO
from services.exchanges.binance_wire import decoded, moment


class KlineRow(msgspec.Struct, array_like=True):
    """One row of `klines`; what follows the close time is not used."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: int


_KLINE_NAMES = {
    "open_time": "t",
    "timeframe": "i",
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "volume": "v",
    "closed": "x",
}


class Kline(msgspec.Struct, rename=_KLINE_NAMES):
    """The candle inside a kline push."""

    open_time: int
    timeframe: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool


class KlineEvent(msgspec.Struct, rename={"symbol": "s", "kline": "k"}):
    """A push of a market stream; `kline` only when it is one."""

    symbol: str = ""
    kline: Kline | None = None


class Pushed(msgspec.Struct):
    """A frame of the combined stream; without `data` it answers our subscription."""

    data: KlineEvent | None = None


ROWS = msgspec.json.Decoder(list[KlineRow])
PUSHED = msgspec.json.Decoder(Pushed)


def says_farewell(frame: bytes) -> bool:
    """Whether the server announces that it will close this connection."""
    return b'"serverShutdown"' in frame


def candles_of(body: bytes, symbol: Symbol, timeframe: Timeframe, server_ms: int) -> list[Candle]:
    """The rows of `klines`, oldest first; one whose time is not over by the exchange's clock is still forming."""
    candles: list[Candle] = []
    step, step_ms = timeframe.duration, timeframe.seconds * 1000
    at, at_ms = EPOCH, 0
    for row in decoded(ROWS, body):
        at = at + step if row.open_time == at_ms + step_ms and candles else moment(row.open_time)
        at_ms = row.open_time
        candles.append(_candle(row, at, symbol, timeframe, row.close_time < server_ms))
    return candles


def pushed_candle(frame: bytes, symbols: Mapping[str, Symbol], timeframes: Mapping[str, Timeframe]) -> Candle | None:
    """The candle in a frame; None when it holds none of those asked for. Raise DataError for one that cannot be."""
    event = decoded(PUSHED, frame).data
    if event is None or event.kline is None:
        return None
    kline = event.kline
    if event.symbol not in symbols or kline.timeframe not in timeframes:
        return None
    return _candle(kline, moment(kline.open_time), symbols[event.symbol], timeframes[kline.timeframe], kline.closed)


def _candle(row: KlineRow | Kline, at: datetime, symbol: Symbol, timeframe: Timeframe, closed: bool) -> Candle:
    """Thousands of these are made at a time: nothing here is done twice."""
    start, high, low, end, volume = row.open, row.high, row.low, row.close, row.volume
    if not (start.is_finite() and high.is_finite() and low.is_finite() and end.is_finite() and volume.is_finite()):
        raise DataError("impossible_amount", exchange="binance", field="candle")
    if low > high or low < ZERO or start < ZERO or end < ZERO or volume < ZERO:
        raise DataError("impossible_candle", exchange="binance", high=high, low=low)
    return Candle(symbol, timeframe, at, start, high, low, end, volume, closed)
