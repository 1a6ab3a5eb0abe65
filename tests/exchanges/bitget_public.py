"""How Bitget's public messages have to be read: prices, candles, the catalogue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.market import InstrumentState, Timeframe
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.bitget_candles import candles_of, pushed_candles
from services.exchanges.bitget_catalogue import native_of, read_catalogue, read_symbols
from services.exchanges.bitget_tickers import TICKERS, ticker_of
from services.exchanges.bitget_wire import SERVER_TIME, decoded
from tests.exchanges.bitget_messages import body, received

D = Decimal


def check_market() -> None:
    """The time, a ticker, candles of every list."""
    assert decoded(SERVER_TIME, body("rest-v2/get-server-time.json")).data.server_time == "1688008631614"
    (native,) = decoded(TICKERS, body("rest-v2/get-tickers.json")).data
    ticker = ticker_of(native, "BTC/USDT")
    assert (ticker.last, ticker.bid, ticker.change_percent) == (D("34413.1"), D(0), D("0.069"))
    assert ticker.at == from_milliseconds(1625125755277)
    for path, count, first in (
        ("rest-v2/get-klines.json", 2, "37834.5"), ("rest-v2/get-historical-klines.json", 5, "43500.8"),
        ("rest-v3/get-klines.json", 2, "27176.93"), ("rest-v3/get-kline-history.json", 2, "27176.93"),
        ("live-2026-09/history-candles-1min.json", 5, "83765.17"),
    ):  # fmt: skip
        found = candles_of(body(path), "BTC/USDT", Timeframe.M1, 2 * 10**12)
        assert (len(found), found[0].open, all(one.closed for one in found)) == (count, D(first), True)
    last = found[-1]
    assert (last.high, last.low, last.close, last.volume) == (D("83740.8"), D("83717.11"), D("83740.8"), D("0.125023"))
    assert last.open_time == from_milliseconds(1790358900000)
    assert not candles_of(body("live-2026-09/history-candles-1min.json"), "A/B", Timeframe.M1, 1790358900001)[-1].closed


def check_catalogue() -> None:
    """Pairs with their steps, smallest values and states, from both protocols."""
    live = {one.symbol: one for one in read_catalogue(read_symbols(body("live-2026-09/symbols.json"))).instruments}
    bitcoin = live["BTC/USDT"]
    assert (bitcoin.base, bitcoin.quote, bitcoin.exchange, bitcoin.state) == ("BTC", "USDT", "bitget", InstrumentState.TRADING)
    assert (bitcoin.tick, bitcoin.lot, bitcoin.quote_step, bitcoin.min_notional) == (
        D("0.01"),
        D("0.000001"),
        D("0.00000001"),
        D(1),
    )
    assert (bitcoin.min_quantity, bitcoin.max_quantity, bitcoin.max_notional, bitcoin.taker_fee) == (
        D(0),
        D(0),
        D(20000000),
        D("0.002"),
    )
    assert live["ETH/USDT"].min_quantity == D("0.0005")
    assert (live["XRP/USDT"].tick, live["XRP/USDT"].lot) == (D("0.0001"), D("0.0001"))
    (old,) = read_catalogue(read_symbols(body("rest-v2/get-symbols.json"))).instruments
    assert (old.min_quantity, old.max_quantity, old.min_notional, old.tick) == (D("0.0001"), D(10000), D(5), D("0.0001"))
    classic = read_catalogue(read_symbols(body("catalogue-v2.json")))
    assert [one.symbol for one in classic.instruments if one.state is InstrumentState.HALTED] == ["ETH/USDT"]
    assert (classic.symbol_of("TRXUSDT"), native_of("TRX/USDT"), classic.highest_buy("TRX/USDT", D(1))) == (
        "TRX/USDT",
        "TRXUSDT",
        D("1.025"),
    )
    unified = {one.symbol: one for one in read_catalogue(read_symbols(body("catalogue-v3.json"))).instruments}
    assert (unified["ETH/USDT"].min_quantity, unified["ETH/USDT"].min_notional, unified["ETH/USDT"].max_quantity) == (
        D("0.0001"),
        D(1),
        D(0),
    )
    with pytest.raises(UnlistedSymbol):
        classic.symbol_of("TRXUSDTX")


def check_public_pushes() -> None:
    """Candles of both public sockets; what else they push is nothing to us."""
    weeks_of_hong_kong = pushed_candles(received("ws-v2/klines.json")[-1], "ETHUSDT", "ETH/USDT")
    assert not weeks_of_hong_kong
    assert pushed_candles(received("ws-v2/klines.json")[-1].replace(b"candle1W", b"candle1Wutc"), "ETHUSDT", "ETH/USDT")[
        0
    ].open == D("2200.1")
    assert [
        len(pushed_candles(one, "BTCUSDT", "BTC/USDT"))
        for one in received("live-2026-09/ws-messages.json")
        if b"error" not in one
    ] == [0, 0, 0, 3]
    with pytest.raises(DataError):
        pushed_candles(received("live-2026-09/ws-messages.json")[1], "BTCUSDT", "BTC/USDT")
    kline = received("ws-v3/kline.json")[-1].replace(b'"instId"', b'"symbol"')
    (day,) = pushed_candles(kline, "BTCUSDT", "BTC/USDT")
    assert (day.timeframe, day.open, day.high, day.low, day.close) == (Timeframe.D1, D(276670), D(400005), D(276670), D(400005))
    for path in ("ws-v2/ticker.json", "ws-v2/trades.json", "ws-v3/ticker.json", "ws-v3/trades.json"):
        assert pushed_candles(received(path)[-1], "BTCUSDT", "BTC/USDT") == []
