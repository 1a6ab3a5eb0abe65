"""Public data on Kraken: time, catalogue, tickers, candles, executions, the top of the book."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.kraken_catalogue import Catalogue, KrakenAsset, KrakenPair, read_pair
from services.simulator.kraken_errors import UNKNOWN_PAIR, KrakenError, invalid
from services.simulator.kraken_json import Json, exact
from services.simulator.kraken_requests import Ask
from services.simulator.price_history import DAY, MINUTE, Bar
from services.simulator.prices import Tape, Tick, opens_before
from services.simulator.world import World

#: Lengths of candles in minutes, and their names in the price feed; the longest is not generated there.
INTERVALS = {1: "1m", 5: "5m", 15: "15m", 30: "30m", 60: "1h", 240: "4h", 1440: "1d", 10080: "1w"}
FORTNIGHT = 21_600
#: Candles of one answer; older ones cannot be had.
MOST_CANDLES = 720
#: Executions remembered per pair.
MOST_TICKS = 1000
_QUANTITY = Decimal(1)


class KrakenMarket:
    """What anybody may ask."""

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        self._world = world
        self.catalogue = catalogue
        self.ticks: dict[str, deque[Tick]] = {}
        self._raw: dict[str, msgspec.Raw] = {}
        world.feed.listeners.append(self._remember)

    def _remember(self, tick: Tick) -> None:
        if tick.tape.symbol in self.catalogue.pairs:
            self.ticks.setdefault(tick.tape.symbol, deque(maxlen=MOST_TICKS)).append(tick)

    def change(self, pair: KrakenPair, raw: Mapping[str, Any]) -> KrakenPair:
        """Say what has become of a pair."""
        changed = read_pair(pair.key, raw)
        if changed is None:
            raise KrakenError(UNKNOWN_PAIR)
        self._raw.pop(pair.key, None)
        self.catalogue.add(changed)
        return changed

    def pair(self, spelling: str) -> KrakenPair:
        """A pair by any of its names."""
        found = self.catalogue.find(spelling)
        if found is None:
            raise KrakenError(UNKNOWN_PAIR)
        return found

    def tape(self, pair: KrakenPair) -> Tape:
        """The prices of a pair."""
        return self._world.feed.tapes[pair.name]

    def _asked(self, ask: Ask) -> dict[str, KrakenPair]:
        """Pairs by the keys of the answer: the catalogue's, or the name of today where that was asked for."""
        names = ask.params.text("pair")
        if not names:
            return {pair.key: pair for pair in self.catalogue.pairs.values()}
        found = {name: self.pair(name) for name in names.split(",")}
        return {(name if "/" in name else pair.key): pair for name, pair in found.items()}

    def time(self, ask: Ask) -> Json:
        """`Time`."""
        now = self._world.clock.ms()
        return {"unixtime": now // 1000, "rfc1123": f"{datetime.fromtimestamp(now / 1000, UTC):%a, %d %b %y %H:%M:%S} +0000"}

    def system_status(self, ask: Ask) -> Json:
        """`SystemStatus`."""
        return {"status": "online", "timestamp": f"{self._world.clock.now():%Y-%m-%dT%H:%M:%SZ}"}

    def assets(self, ask: Ask) -> Json:
        """`Assets`; with `assetVersion=1` under the names of today."""
        today, names = ask.params.text("assetVersion") == "1", ask.params.text("asset")
        known = self.catalogue.assets
        spellings = {spelling: one for one in known.values() for spelling in (one.id, one.altname, one.name)}
        if names and not set(names.split(",")) <= spellings.keys():
            raise KrakenError("EQuery:Unknown asset")
        chosen = [spellings[name] for name in names.split(",")] if names else list(known.values())
        return {(one.name if today else one.id): _asset(one) for one in chosen}

    def asset_pairs(self, ask: Ask) -> Json:
        """`AssetPairs`; with `assetVersion=1` under the names of today."""
        if ask.params.text("assetVersion") == "1":
            return {
                pair.name: {**pair.raw, "wsname": pair.name, "base": pair.base.name, "quote": pair.quote.name}
                for pair in self._asked(ask).values()
            }
        return {key: self._encoded(pair) for key, pair in self._asked(ask).items()}

    def _encoded(self, pair: KrakenPair) -> msgspec.Raw:
        raw = self._raw.get(pair.key)
        if raw is None:
            raw = self._raw[pair.key] = msgspec.Raw(msgspec.json.encode(pair.raw))
        return raw

    def ticker(self, ask: Ask) -> Json:
        """`Ticker`: of some pairs, or of all."""
        return {key: self._ticker(pair) for key, pair in self._asked(ask).items()}

    def _ticker(self, pair: KrakenPair) -> Json:
        tape, now = self.tape(pair), self._world.clock.ms()
        day = tape.last_day(now)
        midnight = now // DAY * DAY
        today = tape.bar(midnight, now // MINUTE * MINUTE + MINUTE)
        both = today, day

        def price(ticks: Decimal | int) -> str:
            return exact(ticks * tape.tick, 5)

        top = exact(_QUANTITY, 0), exact(_QUANTITY, 3)
        return {
            "a": [exact(tape.quote.ask, 5), *top],
            "b": [exact(tape.quote.bid, 5), *top],
            "c": [exact(tape.last, 5), f"{tape.lot * tape.usual_lots:.8f}"],
            "v": [f"{bar.volume * tape.lot:.8f}" for bar in both],
            "p": [f"{average_of(bar) * tape.tick:.5f}" for bar in both],
            "t": [bar.count for bar in both],
            "l": [price(bar.low) for bar in both],
            "h": [price(bar.high) for bar in both],
            "o": price(today.open),
        }

    def candles(self, pair: KrakenPair, minutes: int, count: int) -> list[tuple[int, Bar]]:
        """The newest candles of a pair by their open times; the last one is forming."""
        tape, now = self.tape(pair), self._world.clock.ms()
        name = INTERVALS.get(minutes)
        if name is not None:
            opens = opens_before(name, now, count)
            return [(opened, bar) for opened, _, bar in tape.candles(name, opens)]
        length = FORTNIGHT * MINUTE
        last = now // length * length
        return [(opened, tape.bar(opened, opened + length)) for opened in range(last - (count - 1) * length, last + 1, length)]

    def ohlc(self, ask: Ask) -> Json:
        """`OHLC`: never more than the newest 720, whatever `since` says; `last` names the one before the forming candle."""
        names = self._asked(ask)
        if len(names) != 1 or not ask.params.has("pair"):
            raise invalid("pair")
        minutes = ask.params.integer("interval") or 1
        if minutes not in INTERVALS and minutes != FORTNIGHT:
            raise invalid("interval")
        key, pair = next(iter(names.items()))
        since = (ask.params.integer("since") or 0) * 1000
        tape = self.tape(pair)
        found = self.candles(pair, minutes, MOST_CANDLES)
        decimals = max(1, -int(tape.tick.as_tuple().exponent))
        rows = [_row(tape, decimals, opened, bar) for opened, bar in found if opened > since or not since]
        return {key: rows, "last": found[-2][0] // 1000 if len(found) > 1 else 0}

    def depth(self, ask: Ask) -> Json:
        """`Depth`: as many levels as are asked for, one tick apart."""
        names = self._asked(ask)
        count = min(max(ask.params.integer("count") or 100, 1), 500)
        now = self._world.clock.ms() // 1000
        answer: Json = {}
        for key, pair in names.items():
            quote, tick = self.tape(pair).quote, pair.instrument.tick
            levels = range(min(count, int(quote.bid / tick)))
            answer[key] = {
                "asks": [[exact(quote.ask + step * tick, 5), "1.000", now] for step in levels],
                "bids": [[exact(quote.bid - step * tick, 5), "1.000", now] for step in levels],
            }
        return answer

    def executions(self, ask: Ask) -> Json:
        """`Trades`: those after `since` (nanoseconds), or the newest; `last` asks for those that follow."""
        names = self._asked(ask)
        if len(names) != 1 or not ask.params.has("pair"):
            raise invalid("pair")
        key, pair = next(iter(names.items()))
        since, count = ask.params.integer("since"), min(ask.params.integer("count") or 1000, 1000)
        known = [tick for tick in self.ticks.get(pair.name, ()) if since is None or tick.at * 1_000_000 > since]
        chosen = known[:count] if since is not None else known[-count:]
        last = chosen[-1].at * 1_000_000 if chosen else since or 0
        return {key: [_trade(tick) for tick in chosen], "last": str(last)}


def _asset(one: KrakenAsset) -> Json:
    return {
        "aclass": "currency",
        "altname": one.altname,
        "decimals": one.decimals,
        "display_decimals": one.display_decimals,
        "collateral_value": 0.99,
        "status": "enabled",
        "margin_rate": "0.02",
    }


def average_of(bar: Bar) -> Decimal:
    """The volume-weighted average of a candle, in ticks."""
    return Decimal(bar.quote) / bar.volume if bar.volume else Decimal(bar.close)


def _row(tape: Tape, decimals: int, opened: int, bar: Bar) -> list[Any]:
    values = (bar.open, bar.high, bar.low, bar.close, average_of(bar))
    prices = [f"{value * tape.tick:.{decimals}f}" for value in values]
    return [opened // 1000, *prices, f"{bar.volume * tape.lot:.8f}", bar.count]


def _trade(tick: Tick) -> list[Any]:
    side = "s" if tick.buyer_is_maker else "b"
    return [exact(tick.price, 5), f"{tick.quantity:.8f}", tick.at / 1000, side, "m", "", tick.trade_id]
