"""Bitget's candles: rows over REST, pushes of both public sockets. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from aristobot.clock import LAST_MS
from aristobot.errors import DataError
from aristobot.market import Candle, Symbol, Timeframe
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_wire import Reply, decoded

_T = Timeframe
#: A moment that a calendar has; it comes as text, which a lax decoder reads.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=LAST_MS)]
#: Names over REST. Those from six hours on would begin at midnight in Hong Kong if they did not say `utc`.
GRANULARITIES = {
    _T.M1: "1min", _T.M3: "3min", _T.M5: "5min", _T.M15: "15min", _T.M30: "30min", _T.H1: "1h", _T.H4: "4h",
    _T.H6: "6Hutc", _T.H12: "12Hutc", _T.D1: "1Dutc", _T.W1: "1Wutc",
}  # fmt: skip
#: Names on the classic socket, which refuses those of REST.
CHANNELS = {
    _T.M1: "candle1m", _T.M3: "candle3m", _T.M5: "candle5m", _T.M15: "candle15m", _T.M30: "candle30m", _T.H1: "candle1H",
    _T.H4: "candle4H", _T.H6: "candle6Hutc", _T.H12: "candle12Hutc", _T.D1: "candle1Dutc", _T.W1: "candle1Wutc",
}  # fmt: skip
#: Intervals on the unified socket.
INTERVALS = {
    timeframe: name.removeprefix("candle").removesuffix("utc") for timeframe, name in CHANNELS.items() if timeframe is not _T.W1
}
#: How far back the list of recent candles reaches; before that it answers with nothing.
_REACH = {
    _T.M1: 30, _T.M3: 30, _T.M5: 30, _T.M15: 52, _T.M30: 62, _T.H1: 83, _T.H4: 240, _T.H6: 360,
}  # fmt: skip
RECENT = {timeframe: timedelta(days=_REACH.get(timeframe, 360)) for timeframe in GRANULARITIES}


class Row(msgspec.Struct, array_like=True, gc=False):
    """One candle in a list; what follows the volume in base is not used."""

    start: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str


class Kline(msgspec.Struct, gc=False):
    """One candle as the unified socket pushes it."""

    start: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str


class About(msgspec.Struct, rename="camel"):
    """What a push is about, in either protocol."""

    channel: str = ""
    inst_id: str = ""
    topic: str = ""
    symbol: str = ""
    interval: str = ""


class Push(msgspec.Struct):
    """A frame of a public socket; without `data` it answers our subscription."""

    arg: About | None = None
    event: str = ""
    code: str | int = ""
    msg: str | None = ""
    data: msgspec.Raw = msgspec.Raw()


ROWS = msgspec.json.Decoder(Reply[list[Row]], strict=False)
_PUSH = msgspec.json.Decoder(Push)
_PUSHED_ROWS = msgspec.json.Decoder(list[Row], strict=False)
_PUSHED_KLINES = msgspec.json.Decoder(list[Kline], strict=False)
_BY_CHANNEL: dict[str, Timeframe] = {name: timeframe for timeframe, name in CHANNELS.items()}
_BY_INTERVAL: dict[str, Timeframe] = {name: timeframe for timeframe, name in INTERVALS.items()}


def candles_of(body: bytes, symbol: Symbol, timeframe: Timeframe, server_ms: int) -> list[Candle]:
    """The rows of an answer, oldest first; one whose time is not over by the exchange's clock is still forming.

    Prices are read, and judged by `Candle.check`, when somebody looks at them.
    """
    last_whole = server_ms - timeframe.seconds * 1000
    return [
        Candle(symbol, timeframe, one.start, one.open, one.high, one.low, one.close, one.volume, one.start <= last_whole)
        for one in decoded(ROWS, body).data
    ]


def pushed_candles(frame: bytes, native: str, symbol: Symbol) -> list[Candle]:
    """The candles of one symbol in a frame, oldest first, as if all were forming. Raises DataError for what cannot be."""
    if frame == b"pong":
        return []
    push = decoded(_PUSH, frame)
    about = push.arg
    if push.event == "error":
        raise DataError("unreadable_answer", exchange=NAME, detail=f"{push.code} {push.msg}"[:200])
    if about is None or not push.data or native not in (about.inst_id, about.symbol):
        return []
    timeframe = _BY_INTERVAL.get(about.interval) if about.topic == "kline" else _BY_CHANNEL.get(about.channel)
    if timeframe is None:
        return []
    rows = decoded(_PUSHED_KLINES, push.data) if about.topic else decoded(_PUSHED_ROWS, push.data)
    found = [Candle(symbol, timeframe, one.start, one.open, one.high, one.low, one.close, one.volume, False) for one in rows]
    for candle in found:
        candle.check()
    return sorted(found, key=lambda candle: candle.open_ms)


def subscription(native: str, timeframes: list[Timeframe], *, unified: bool) -> bytes:
    """What a public socket is told to push."""
    if unified:
        names = [INTERVALS[one] for one in timeframes if one in INTERVALS]
        args = [{"instType": "spot", "topic": "kline", "symbol": native, "interval": name} for name in names]
    else:
        args = [{"instType": "SPOT", "channel": CHANNELS[one], "instId": native} for one in timeframes if one in CHANNELS]
    return msgspec.json.encode({"op": "subscribe", "args": args})
