"""Kraken's `ticker` channel: which symbols are followed, and what is said of their prices. Pure: no network, no clock.

Protocol: Kraken WebSocket API v2. Each symbol of a request is answered for itself; the numbers are JSON numbers, read from
their text. The channel carries no sequence, but each price its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from loguru import logger

from aristobot.errors import DataError
from aristobot.market import Symbol, Ticker
from aristobot.money import ZERO, times
from services.exchanges.kraken_catalogue import our_symbol
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_push import Push
from services.exchanges.kraken_wire import read, real

#: Symbols of one request.
MOST = 100
#: Seconds: after which a request without an answer is made again, and a refused one.
ASK_AGAIN, REFUSED_FOR = 5.0, 3600.0
#: A price that claims to come from later than this is not believed: after it none would be.
_AHEAD = timedelta(seconds=60)
#: What is said of a symbol that is followed already.
_ALREADY = "Already subscribed"


class PushedTicker(msgspec.Struct):
    """The day of a pair on the socket. Older messages tell no time."""

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    volume: Decimal
    vwap: Decimal
    low: Decimal
    high: Decimal
    change_pct: Decimal = ZERO
    timestamp: datetime | None = None


_TICKERS = msgspec.json.Decoder(list[PushedTicker])


class Following:
    """Which symbols this connection tells of, which it was asked for, and which it will not tell of."""

    def __init__(self) -> None:
        self._spoken = False
        self._told: set[Symbol] = set()
        self._asked: dict[Symbol, float] = {}
        self._refused: dict[Symbol, float] = {}

    def begin(self, wanted: Collection[Symbol], now: float) -> None:
        """A connection speaks for the first time: it was greeted, and what an earlier one told of does not count."""
        self._spoken = True
        self._told.clear()
        self._asked = dict.fromkeys(wanted, now)

    def requests(self, wanted: Collection[Symbol], now: float) -> list[bytes]:
        """What has to be said for the connection to tell of what is wanted, and of nothing else; two requests at most."""
        if not self._spoken:
            return []
        self._refused = {symbol: until for symbol, until in self._refused.items() if until > now}
        self._asked = {symbol: since for symbol, since in self._asked.items() if now - since < ASK_AGAIN}
        missing = sorted(set(wanted) - self._told - self._refused.keys() - self._asked.keys())[:MOST]
        needless = sorted(self._told - set(wanted))[:MOST]
        self._asked |= dict.fromkeys(missing, now)
        self._told -= set(needless)
        pairs = (("subscribe", missing), ("unsubscribe", needless))
        return [request(method, symbols) for method, symbols in pairs if symbols]

    def greeting(self, wanted: Collection[Symbol]) -> list[bytes]:
        """What a new connection is told at once."""
        symbols = sorted(set(wanted) - self._refused.keys())
        return [request("subscribe", symbols[i : i + MOST]) for i in range(0, len(symbols), MOST)]

    def answered(self, answer: Push, now: float) -> None:
        """The answer to a request, about one symbol; a refusal that names none leaves its request to be made again."""
        if answer.method != "subscribe":
            return
        symbol = answer.subject
        if answer.success or answer.error == _ALREADY:
            self._told.add(symbol)
            self._asked.pop(symbol, None)
            return
        logger.warning("{} sends no prices of {}: {}", NAME, symbol or "some symbols", answer.error)
        if symbol:
            self._refused[symbol] = now + REFUSED_FOR


class Prices:
    """What pushes say, in the order in which it was: one that comes again or late undoes none that is younger."""

    def __init__(self) -> None:
        self._last: dict[Symbol, datetime] = {}

    def heard(self, data: msgspec.Raw, now: datetime) -> list[Ticker]:
        """The prices of a push, `now` by the exchange's clock. Raise DataError for one that cannot be."""
        told = [ticker_of(one, now) for one in read(_TICKERS, data)]
        return [ticker for ticker in told if self._is_news(ticker, now)]

    def _is_news(self, ticker: Ticker, now: datetime) -> bool:
        last = self._last.get(ticker.symbol)
        if ticker.at > now + _AHEAD or (last is not None and ticker.at < last):
            return False
        self._last[ticker.symbol] = ticker.at
        return True


def ticker_of(pushed: PushedTicker, now: datetime) -> Ticker:
    """A price in our words; raise DataError for one of nothing, from outside of its own day, or of no moment."""
    at = pushed.timestamp or now
    real(pushed.last, pushed.bid, pushed.ask, pushed.volume, pushed.vwap, pushed.low, pushed.high, abs(pushed.change_pct))
    outside = pushed.high > ZERO and not pushed.low <= pushed.last <= pushed.high
    if pushed.last == ZERO or outside or at.tzinfo is None:
        raise DataError("unreadable_answer", exchange=NAME, detail=f"ticker of {pushed.symbol[:40]}")
    return Ticker(
        symbol=our_symbol(pushed.symbol),
        last=pushed.last,
        bid=pushed.bid,
        ask=pushed.ask,
        at=at,
        volume=pushed.volume,
        quote_volume=times(pushed.volume, pushed.vwap),
        change_percent=pushed.change_pct,
    )


def request(method: str, symbols: Iterable[Symbol]) -> bytes:
    """A request about the prices of some symbols."""
    return msgspec.json.encode({"method": method, "params": {"channel": "ticker", "symbol": list(symbols)}})
