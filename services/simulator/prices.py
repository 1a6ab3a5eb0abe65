"""Where prices come from: a seeded walk, a replay of candles, or a hand. Knows candles and tickers, and nothing of orders."""

from __future__ import annotations

import asyncio
import math
import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aristobot.market import Symbol
from aristobot.matching import Quote
from aristobot.money import round_nearest
from services.simulator.price_history import BEGINNING, DAY, MINUTE, Bar, history_of, merged, next_open, open_of
from services.simulator.times import ExchangeClock

#: One standard deviation of the logarithm of a price over one second, at speed 1.
VOLATILITY = 0.00025


@dataclass(frozen=True, slots=True)
class Tick:
    """One execution on the public tape. `buyer_is_maker`: the seller took."""

    tape: Tape
    trade_id: int
    price: Decimal
    quantity: Decimal
    at: int
    buyer_is_maker: bool


class Tape:
    """The prices of one symbol: its made-up past, its candles since the start, its last price."""

    def __init__(self, symbol: Symbol, tick: Decimal, lot: Decimal, *, start: Decimal, seed: int, now: int) -> None:
        self.symbol = symbol
        self.tick = tick
        self.lot = lot
        self.trade_id = 1_000_000
        self.started = now // MINUTE * MINUTE
        self.listed = BEGINNING
        self._ticks = max(2, int(round_nearest(start, tick) / tick))
        per_day = max(1440, int(Decimal(500_000_000) / (start * lot)))
        self.usual_lots = max(1, per_day // (DAY // 1000))
        self._history = history_of(f"{seed}:{symbol}", self._ticks, per_day, now)
        self._minutes: list[int] = []
        self._bars: dict[int, Bar] = {}
        self._day: tuple[int, Bar] = (-1, Bar(0, 0, 0, 0))
        self._recorded = 0
        self._average: tuple[tuple[int, int, int], Decimal] = ((-1, -1, -1), start)
        self.quote = self._quote()
        self.record(self._ticks, self.usual_lots, now, taken=True)

    @property
    def last(self) -> Decimal:
        """The last price."""
        return self.quote.last

    def _quote(self) -> Quote:
        return Quote((self._ticks - 1) * self.tick, (self._ticks + 1) * self.tick, self._ticks * self.tick)

    @property
    def ticks(self) -> int:
        """The last price, in ticks."""
        return self._ticks

    def ticks_of(self, price: Decimal) -> int:
        """A price in ticks, the nearest one above the first."""
        return max(2, int(round_nearest(price, self.tick) / self.tick))

    def next_trade_id(self) -> int:
        """Ids of executions are counted per symbol."""
        self.trade_id += 1
        return self.trade_id

    def record(self, ticks: int, lots: int, now: int, *, taken: bool) -> int:
        """One execution at `ticks`: the last price, the candle of this minute. Return its id."""
        self._ticks = ticks
        self._recorded += 1
        self.quote = self._quote()
        number = self.next_trade_id()
        minute = now // MINUTE * MINUTE
        quote = ticks * lots
        piece = Bar(ticks, ticks, ticks, ticks, lots, quote, 1, lots if taken else 0, quote if taken else 0, number, number)
        bar = self._bars.get(minute)
        if bar is None:
            self._bars[minute] = piece
            self._minutes.append(minute)
        else:
            bar.add(piece)
        return number

    def bar(self, start: int, end: int) -> Bar:
        """The candle from `start` to `end`, made of what is known by now; flat at the last close when nothing happened."""
        live = merged(self._live(max(start, self.started), end))
        if start >= self.started:
            return live or self._flat(start)
        past = self._history.bar(start, min(end, self.started))
        if live is not None:
            past.add(live)
        return past

    def _live(self, start: int, end: int) -> list[Bar]:
        first, after = bisect_left(self._minutes, start), bisect_left(self._minutes, end)
        return [self._bars[minute] for minute in self._minutes[first:after]]

    def _flat(self, start: int) -> Bar:
        before = bisect_left(self._minutes, start) - 1
        close = self._bars[self._minutes[before]].close if before >= 0 else self._history.bar(start - MINUTE, start).close
        return Bar(close, close, close, close)

    def last_day(self, now: int) -> Bar:
        """The rolling 24 hours up to `now`, by whole minutes."""
        minute = now // MINUTE * MINUTE
        if self._day[0] != minute:
            self._day = (minute, self.bar(minute + MINUTE - DAY, minute))
        whole = merged([self._day[1], self.bar(minute, minute + MINUTE)])
        return whole or self._day[1]

    def candles(self, interval: str, opens: Sequence[int]) -> list[tuple[int, int, Bar]]:
        """Candles of an interval by their open times: (open, next open, bar). None that was over before the listing."""
        spans = ((opened, next_open(interval, opened)) for opened in opens)
        return [(opened, after, self.bar(opened, after)) for opened, after in spans if after > self.listed]

    def average(self, minutes: int, now: int) -> Decimal:
        """Volume-weighted average price of the last minutes; the last price when `minutes` is zero or nothing was exchanged."""
        minute = now // MINUTE * MINUTE
        wanted = minutes, minute, self._recorded
        if self._average[0] != wanted:
            bar = self.bar(minute - (minutes - 1) * MINUTE, minute + MINUTE) if minutes else None
            self._average = wanted, Decimal(bar.quote) * self.tick / bar.volume if bar and bar.volume else self.last
        return self._average[1]


class PriceFeed:
    """All tapes, and what moves them. Listeners hear every tick, in the order in which they were added."""

    def __init__(self, clock: ExchangeClock, seed: int = 7) -> None:
        self.clock = clock
        self.seed = seed
        self.tapes: dict[Symbol, Tape] = {}
        self.listeners: list[Callable[[Tick], None]] = []
        self._walking = asyncio.Event()
        self.speed = 1.0
        self._chance = random.Random(seed)

    def add(self, symbol: Symbol, tick: Decimal, lot: Decimal, start: Decimal) -> Tape:
        """List a symbol, with its finest tick and lot; the first exchange that lists it decides."""
        tape = self.tapes.get(symbol)
        if tape is None:
            tape = self.tapes[symbol] = Tape(symbol, tick, lot, start=start, seed=self.seed, now=self.clock.ms())
        return tape

    def list_now(self, symbol: Symbol) -> None:
        """Let a symbol be new: what was exchanged before is nobody's."""
        self.tapes[symbol].listed = self.clock.ms()

    def move(self, symbol: Symbol, price: str | Decimal) -> None:
        """Move the last price by hand."""
        tape = self.tapes[symbol]
        self._tick(tape, tape.ticks_of(Decimal(price)), tape.usual_lots)

    def _tick(self, tape: Tape, ticks: int, lots: int) -> None:
        now = self.clock.ms()
        taken = ticks >= tape.ticks
        number = tape.record(ticks, lots, now, taken=taken)
        tick = Tick(tape, number, tape.last, lots * tape.lot, now, not taken)
        for listener in self.listeners:
            listener(tick)

    def walk(self, *, on: bool, seed: int | None = None, speed: float = 1.0) -> None:
        """Let the prices walk, or stop them; the same seed takes the same steps."""
        if on:
            self._walking.set()
        else:
            self._walking.clear()
        self.speed = speed
        if seed is not None:
            self._chance = random.Random(seed)

    def step(self, seconds: float = 1.0) -> None:
        """One step of the walk: assets move, and so do all their pairs."""
        size = VOLATILITY * math.sqrt(seconds * self.speed)
        moves: dict[str, float] = {}
        for symbol, tape in self.tapes.items():
            base, _, quote = symbol.partition("/")
            for asset, calm in ((base, 1.0), (quote, 0.05)):
                if asset not in moves:
                    moves[asset] = self._chance.gauss(0, size * calm)
            exact = tape.ticks * math.exp(moves[base] - moves[quote])
            whole = math.floor(exact)
            ticks = whole + (self._chance.random() < exact - whole)
            self._tick(tape, max(2, ticks), max(1, int(tape.usual_lots * self._chance.uniform(0.2, 2))))

    async def run(self) -> None:
        """Walk, one step a second, for as long as walking is on."""
        while True:
            await self._walking.wait()
            await self.clock.sleep(1.0)
            if self._walking.is_set():
                self.step()

    async def replay(self, symbol: Symbol, seconds: float, candles: Sequence[Sequence[str | int]], speed: float) -> None:
        """Play candles `[open_ms, o, h, l, c, v]` of `seconds` each from now on, `speed` times faster; speed 0: all at once."""
        tape = self.tapes[symbol]
        for candle in candles:
            opens, high, low, close, volume = (Decimal(str(value)) for value in candle[1:6])
            path = (opens, low, high, close) if close >= opens else (opens, high, low, close)
            lots = max(1, int(volume / tape.lot / 4))
            for price in path:
                self._tick(tape, tape.ticks_of(price), lots)
                if speed > 0:
                    await self.clock.sleep(seconds / 4 / speed)


def opens_before(interval: str, last: int, count: int) -> list[int]:
    """Up to `count` open times of an interval, oldest first, the last being that of the candle in which `last` lies."""
    opens = [open_of(interval, last)]
    while len(opens) < count and opens[-1] > BEGINNING:
        opens.append(open_of(interval, opens[-1] - 1))
    opens.reverse()
    return opens
