"""Binance's candles: rows of the REST interface and pushes of the market streams. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from aristobot.clock import LAST_MS
from aristobot.market import Candle, Symbol, Timeframe
from services.exchanges.binance_wire import decoded

#: A moment that a calendar has, in milliseconds.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=LAST_MS)]


class KlineRow(msgspec.Struct, array_like=True, gc=False):
    """One row of `klines`; what follows the close time is not used."""

    open_ms: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_ms: int


_KLINE_NAMES = {
    "open_ms": "t",
    "timeframe": "i",
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "volume": "v",
    "closed": "x",
}


class Kline(msgspec.Struct, gc=False, rename=_KLINE_NAMES):
    """The candle inside a kline push."""

    open_ms: Milliseconds
    timeframe: str
    open: str
    high: str
    low: str
    close: str
    volume: str
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
    """The rows of `klines`, oldest first; one whose time is not over by the exchange's clock is still forming.

    Prices are read, and judged by `Candle.check`, when somebody looks at them.
    """
    return [
        Candle(symbol, timeframe, row.open_ms, row.open, row.high, row.low, row.close, row.volume, row.close_ms < server_ms)
        for row in decoded(ROWS, body)
    ]


def pushed_candle(frame: bytes, symbols: Mapping[str, Symbol], timeframes: Mapping[str, Timeframe]) -> Candle | None:
    """The candle in a frame; None when it holds none of those asked for. Raise DataError for one that cannot be."""
    event = decoded(PUSHED, frame).data
    if event is None or event.kline is None:
        return None
    row = event.kline
    if event.symbol not in symbols or row.timeframe not in timeframes:
        return None
    symbol, timeframe = symbols[event.symbol], timeframes[row.timeframe]
    candle = Candle(symbol, timeframe, row.open_ms, row.open, row.high, row.low, row.close, row.volume, row.closed)
    candle.check()
    return candle
