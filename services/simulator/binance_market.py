"""Public data on Binance: time, exchangeInfo, tickers, candles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.binance_catalogue import BinanceSymbol, read_symbols
from services.simulator.binance_errors import BinanceError
from services.simulator.binance_json import Json, eight
from services.simulator.binance_limits import Limits
from services.simulator.binance_requests import Ask
from services.simulator.price_history import BEGINNING, DAY, INTERVALS, Bar, next_open, open_of
from services.simulator.prices import Tape, opens_before
from services.simulator.world import World

_QUANTITY = Decimal(1)


class BinanceMarket:
    """What anybody may ask."""

    def __init__(self, world: World, symbols: dict[str, BinanceSymbol], limits: Limits) -> None:
        self._world = world
        self.symbols = symbols
        self._limits = limits
        self._raw: dict[str, msgspec.Raw] = {}

    def change(self, raw: Mapping[str, Any]) -> None:
        """List a symbol, or what has become of it."""
        self._raw.pop(raw["symbol"], None)
        self.symbols |= read_symbols([raw])

    def symbol(self, name: str) -> BinanceSymbol:
        """A symbol by its name."""
        found = self.symbols.get(name)
        if found is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return found

    def tape(self, name: str) -> Tape:
        """The prices of a symbol."""
        return self._world.feed.tapes[self.symbol(name).instrument.symbol]

    def asked(self, ask: Ask) -> list[str] | None:
        """The symbols of `symbol` or `symbols`; None for all."""
        one, several = ask.params.text("symbol"), ask.params.text("symbols")
        if one is not None and several is not None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if one is not None:
            return [self.symbol(one).name]
        if several is None:
            return None
        try:
            names = msgspec.json.decode(several, type=list[str])
        except msgspec.DecodeError:
            raise BinanceError(-1135, "JSON sent for parameter 'symbols' is not valid.") from None
        if len(set(names)) != len(names):
            raise BinanceError(-1151, "Symbol is present multiple times in the list.")
        return [self.symbol(name).name for name in names]

    def ping(self, ask: Ask) -> Json:
        """`GET /api/v3/ping`, `ping`."""
        ask.params.only(set())
        return {}

    def time(self, ask: Ask) -> Json:
        """`GET /api/v3/time`, `time`."""
        ask.params.only(set())
        return {"serverTime": self._world.clock.ms()}

    def exchange_info(self, ask: Ask) -> Json:
        """`GET /api/v3/exchangeInfo`, `exchangeInfo`."""
        ask.params.only({"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"})
        names = self.asked(ask)
        status = ask.params.text("symbolStatus")
        chosen = self.symbols if names is None else names
        listed = [self._encoded(name) for name in chosen if status in (None, self.symbols[name].raw["status"])]
        return {
            "timezone": "UTC",
            "serverTime": self._world.clock.ms(),
            "rateLimits": self._limits.rules(),
            "exchangeFilters": [],
            "symbols": listed,
            "sors": [],
        }

    def _encoded(self, name: str) -> msgspec.Raw:
        raw = self._raw.get(name)
        if raw is None:
            raw = self._raw[name] = msgspec.Raw(msgspec.json.encode(self.symbols[name].raw))
        return raw

    def execution_rules(self, ask: Ask) -> Json:
        """`GET /api/v3/executionRules`: nothing here is bound to a range of prices beyond its filters."""
        ask.params.only({"symbol", "symbols", "symbolStatus"})
        names = self.asked(ask)
        factors = ("bidLimitMultUp", "5"), ("bidLimitMultDown", "0.2"), ("askLimitMultUp", "5"), ("askLimitMultDown", "0.2")
        rule = {"ruleType": "PRICE_RANGE"} | dict(factors)
        return {"symbolRules": [{"symbol": name, "rules": [rule]} for name in (names or self.symbols)]}

    def _each(self, ask: Ask, tell: Callable[[str], Json]) -> Json | list[Json]:
        names = self.asked(ask)
        if ask.params.has("symbol") and names:
            return tell(names[0])
        return [tell(name) for name in (self.symbols if names is None else names)]

    def ticker_24hr(self, ask: Ask) -> Json | list[Json]:
        """`GET /api/v3/ticker/24hr`, `ticker.24hr`; `type=MINI` tells less."""
        ask.params.only({"symbol", "symbols", "type", "symbolStatus"})
        kind = ask.params.text("type") or "FULL"
        if kind not in ("FULL", "MINI"):
            raise BinanceError(-1139, "Invalid ticker type.")
        return self._each(ask, lambda name: self.ticker(name, mini=kind == "MINI"))

    def ticker(self, name: str, *, mini: bool = False) -> Json:
        """The last 24 hours of a symbol."""
        tape, now = self.tape(name), self._world.clock.ms()
        day = tape.last_day(now)
        volume, quote = eight(day.volume * tape.lot), eight(day.quote * tape.tick * tape.lot)
        prices = {
            "openPrice": eight(day.open * tape.tick),
            "highPrice": eight(day.high * tape.tick),
            "lowPrice": eight(day.low * tape.tick),
            "lastPrice": eight(tape.last),
        }
        times = {"openTime": now - DAY, "closeTime": now, "firstId": tape.trade_id - day.count + 1, "lastId": tape.trade_id}
        counted = {"volume": volume, "quoteVolume": quote} | times | {"count": day.count}
        if mini:
            return {"symbol": name} | prices | counted
        opened = day.open * tape.tick
        change = tape.last - opened
        average = day.quote * tape.tick / day.volume if day.volume else tape.last
        more = {
            "priceChange": eight(change),
            "priceChangePercent": f"{change / opened * 100:.3f}",
            "weightedAvgPrice": eight(average),
            "prevClosePrice": eight(opened),
            "lastQty": eight(tape.lot * tape.usual_lots),
            **self._top(tape),
        }
        return {"symbol": name} | more | prices | counted

    @staticmethod
    def _top(tape: Tape) -> Json:
        bid, ask = eight(tape.quote.bid), eight(tape.quote.ask)
        return {"bidPrice": bid, "bidQty": eight(_QUANTITY), "askPrice": ask, "askQty": eight(_QUANTITY)}

    def price(self, ask: Ask) -> Json | list[Json]:
        """`GET /api/v3/ticker/price`, `ticker.price`."""
        ask.params.only({"symbol", "symbols", "symbolStatus"})
        return self._each(ask, lambda name: {"symbol": name, "price": eight(self.tape(name).last)})

    def book_ticker(self, ask: Ask) -> Json | list[Json]:
        """`GET /api/v3/ticker/bookTicker`, `ticker.book`."""
        ask.params.only({"symbol", "symbols", "symbolStatus"})
        return self._each(ask, lambda name: {"symbol": name, **self._top(self.tape(name))})

    def average_price(self, ask: Ask) -> Json:
        """`GET /api/v3/avgPrice`, `avgPrice`."""
        ask.params.only({"symbol"})
        now = self._world.clock.ms()
        tape = self.tape(ask.params.need("symbol"))
        return {"mins": 5, "price": eight(tape.average(5, now)), "closeTime": now}

    def klines(self, ask: Ask) -> list[list[Any]]:
        """`GET /api/v3/klines`, `klines`, oldest first; the last one may still be forming."""
        ask.params.only({"symbol", "interval", "startTime", "endTime", "limit", "timeZone"})
        tape = self.tape(ask.params.need("symbol"))
        interval = ask.params.need("interval")
        if interval not in INTERVALS:
            raise BinanceError(-1120, "Invalid interval.")
        opens = self._opens(interval, ask.params.integer("startTime"), ask.params.integer("endTime"), ask.params.limit(500, 1000))
        return [kline_row(tape, *candle) for candle in tape.candles(interval, opens)]

    def _opens(self, interval: str, start: int | None, end: int | None, limit: int) -> list[int]:
        now = self._world.clock.ms()
        last = now if end is None else min(end, now)
        if start is None:
            return opens_before(interval, last, limit) if last >= BEGINNING else []
        first = open_of(interval, max(start, BEGINNING))
        opened = first if first >= start else next_open(interval, first)
        opens: list[int] = []
        while opened <= last and len(opens) < limit:
            opens.append(opened)
            opened = next_open(interval, opened)
        return opens


def kline_row(tape: Tape, opened: int, following: int, bar: Bar) -> list[Any]:
    """One row of klines."""
    tick, lot = tape.tick, tape.lot
    return [
        opened,
        eight(bar.open * tick),
        eight(bar.high * tick),
        eight(bar.low * tick),
        eight(bar.close * tick),
        eight(bar.volume * lot),
        following - 1,
        eight(bar.quote * tick * lot),
        bar.count,
        eight(bar.taken * lot),
        eight(bar.taken_quote * tick * lot),
        "0",
    ]
