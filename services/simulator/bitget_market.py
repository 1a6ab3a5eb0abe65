"""Public data on Bitget, in both tongues: time, symbols, coins, tickers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from aristobot.money import plain
from services.simulator.bitget_catalogue import BitgetSymbol, dollars, read_symbols
from services.simulator.bitget_errors import BitgetError, Json
from services.simulator.bitget_params import Ask, Params
from services.simulator.price_history import DAY
from services.simulator.prices import Tape
from services.simulator.world import World

#: There is always one unit to buy and to sell.
TOP = "1"


class BitgetMarket:
    """What anybody may ask."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.symbols: dict[str, BitgetSymbol] = {}
        self._raw: dict[tuple[str, str], msgspec.Raw] = {}

    def change(self, raw: Mapping[str, Any]) -> None:
        """List a symbol, or what has become of it."""
        self.symbols |= read_symbols([raw])
        self._raw.clear()

    def tape(self, name: str, code: str = "40309") -> Tape:
        """The prices of a symbol."""
        found = self.symbols.get(name)
        if found is None:
            raise BitgetError(code, "The symbol has been removed" if code == "40309" else f"Parameter {name} does not exist")
        return self._world.feed.tapes[found.instrument.symbol]

    def time(self, ask: Ask) -> Json:
        """`GET /api/v2/public/time`."""
        return {"serverTime": str(self._world.clock.ms())}

    def nothing(self, ask: Ask) -> list[Json]:
        """Of futures and margin there is nothing here."""
        return []

    def _chosen(self, params: Params, code: str) -> list[BitgetSymbol]:
        name = params.text("symbol")
        if name is None:
            return list(self.symbols.values())
        self.tape(name, code)
        return [self.symbols[name]]

    def classic_symbols(self, ask: Ask) -> list[msgspec.Raw]:
        """`GET /api/v2/spot/public/symbols`."""
        return [self._encoded("v2", one.name, one.classic) for one in self._chosen(ask.params, "40034")]

    def unified_symbols(self, ask: Ask) -> list[msgspec.Raw]:
        """`GET /api/v3/market/instruments`: of the category SPOT; of others there is none."""
        if ask.params.need("category").upper() != "SPOT":
            return []
        return [self._encoded("v3", one.name, one.unified) for one in self._chosen(ask.params, "25100")]

    def _encoded(self, version: str, name: str, raw: Mapping[str, Any]) -> msgspec.Raw:
        known = self._raw.get((version, name))
        if known is None:
            known = self._raw[version, name] = msgspec.Raw(msgspec.json.encode(raw))
        return known

    def coins(self, ask: Ask) -> list[Json]:
        """`GET /api/v2/spot/public/coins`."""
        instruments = [symbol.instrument for symbol in self.symbols.values()]
        coins = list(dict.fromkeys(coin for one in instruments for coin in (one.base, one.quote)))
        wanted = ask.params.text("coin")
        return [_coin(number, coin) for number, coin in enumerate(coins, 1) if wanted in (None, coin)]

    def classic_tickers(self, ask: Ask) -> list[Json]:
        """`GET /api/v2/spot/market/tickers`."""
        return [self.classic_ticker(one.name) | self._also(one) for one in self._chosen(ask.params, "40309")]

    def _also(self, symbol: BitgetSymbol) -> Json:
        tape = self._world.feed.tapes[symbol.instrument.symbol]
        day = tape.last_day(self._world.clock.ms())
        opened = plain(day.open * tape.tick)
        value = day.quote * tape.tick * tape.lot * dollars(symbol.instrument.quote)
        return {"symbol": symbol.name, "open": opened, "usdtVolume": plain(value)}

    def classic_ticker(self, name: str) -> Json:
        """What the last 24 hours were, without the names that differ between answer and push."""
        tape, now = self.tape(name), self._world.clock.ms()
        day, today = tape.last_day(now), tape.bar(now // DAY * DAY, now // DAY * DAY + DAY)
        opened, open_utc = day.open * tape.tick, today.open * tape.tick
        return {
            "high24h": plain(day.high * tape.tick),
            "low24h": plain(day.low * tape.tick),
            "lastPr": plain(tape.last),
            "quoteVolume": plain(day.quote * tape.tick * tape.lot),
            "baseVolume": plain(day.volume * tape.lot),
            "bidPr": plain(tape.quote.bid),
            "askPr": plain(tape.quote.ask),
            "bidSz": TOP,
            "askSz": TOP,
            "openUtc": plain(open_utc),
            "ts": str(now),
            "changeUtc24h": f"{(tape.last - open_utc) / open_utc:.5f}",
            "change24h": f"{(tape.last - opened) / opened:.5f}",
        }

    def unified_tickers(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/market/tickers`."""
        if ask.params.need("category").upper() != "SPOT":
            return []
        chosen, now = self._chosen(ask.params, "25100"), str(self._world.clock.ms())
        return [{"category": "SPOT", "symbol": one.name, "ts": now} | self.unified_ticker(one.name) for one in chosen]

    def unified_ticker(self, name: str) -> Json:
        """The same in the unified interface's words."""
        told = self.classic_ticker(name)
        tape = self.tape(name)
        opened = tape.last_day(self._world.clock.ms()).open * tape.tick
        names = {
            "lastPrice": "lastPr", "highPrice24h": "high24h", "lowPrice24h": "low24h", "volume24h": "baseVolume",
            "turnover24h": "quoteVolume", "bid1Price": "bidPr", "ask1Price": "askPr", "bid1Size": "bidSz", "ask1Size": "askSz",
            "price24hPcnt": "change24h",
        }  # fmt: skip
        return {name: told[short] for name, short in names.items()} | {"openPrice24h": plain(opened)}


def executed(tape: Tape, now: int) -> Json:
    """The last execution on the public tape."""
    return {
        "tradeId": str(tape.trade_id),
        "side": "buy",
        "price": plain(tape.last),
        "size": plain(tape.lot * tape.usual_lots),
        "ts": str(now),
    }


def _coin(number: int, coin: str) -> Json:
    chain = {
        "chain": coin,
        "needTag": "false",
        "withdrawable": "true",
        "rechargeable": "true",
        "withdrawFee": "0.005",
        "extraWithdrawFee": "0",
        "depositConfirm": "1",
        "withdrawConfirm": "1",
        "minDepositAmount": "0.001",
        "minWithdrawAmount": "0.001",
        "browserUrl": "",
        "contractAddress": None,
        "withdrawStep": "0",
        "withdrawMinScale": "8",
        "congestion": "normal",
    }
    return {"coinId": str(number), "coin": coin, "transfer": "true", "chains": [chain]}
