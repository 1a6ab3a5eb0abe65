"""Binance's candles: rows of the REST interface and pushes of the market streams. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.market import Candle, Symbol, Timeframe
from services.exchanges.binance_wire import check, decoded, moment


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
    candles = []
    for row in decoded(ROWS, body):
        prices = (row.open, row.high, row.low, row.close)
        _check(*prices, row.volume)
        candles.append(Candle(symbol, timeframe, moment(row.open_time), *prices, row.volume, row.close_time < server_ms))
    return candles


def pushed_candle(frame: bytes, symbols: Mapping[str, Symbol], timeframes: Mapping[str, Timeframe]) -> Candle | None:
    """The candle in a frame; None when it holds none of those asked for. Raise DataError for one that cannot be."""
    event = decoded(PUSHED, frame).data
    if event is None or event.kline is None:
        return None
    kline = event.kline
    if event.symbol not in symbols or kline.timeframe not in timeframes:
        return None
    prices = (kline.open, kline.high, kline.low, kline.close)
    _check(*prices, kline.volume)
    symbol, timeframe = symbols[event.symbol], timeframes[kline.timeframe]
    return Candle(symbol, timeframe, moment(kline.open_time), *prices, kline.volume, kline.closed)


def _check(start: Decimal, high: Decimal, low: Decimal, end: Decimal, volume: Decimal) -> None:
    check(start, high, low, end, volume)
    if low > high:
        raise DataError("impossible_candle", exchange="binance", high=high, low=low)
