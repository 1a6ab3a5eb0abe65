"""What a running strategy is told: where it runs, what it holds, what rests, and what is kept for it across restarts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from aristobot.errors import StrategyError
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import RevealedCandles, Tape
from aristobot.market import Instrument, timeframe_of
from aristobot.orders import OrderType, Side
from aristobot.strategy_orders import Message

if TYPE_CHECKING:
    from aristobot.strategy_chart import Drawings

#: Closed positions that are kept across a restart, for protections and for the strategy's own eyes.
MOST_REMEMBERED = 200
#: Days whose worth is kept across a restart.
MOST_DAYS = 400
_DAY = 86_400_000
#: Messages that one candle may bring; further ones are dropped.
MOST_MESSAGES = 20
#: Messages that a whole backtest keeps.
MOST_OF_A_BACKTEST = 2_000


class Facts(msgspec.Struct, frozen=True):
    """Where a strategy runs. `step` is the lot, `fee_rate` the taker's fee as a fraction; `mode` is backtest, paper or live."""

    exchange: str
    symbol: str
    timeframe: str
    base: str
    quote: str
    tick: float
    step: float
    min_quantity: float
    min_notional: float
    fee_rate: float
    mode: str = "backtest"


def facts_of(instrument: Instrument, timeframe: str, mode: str, fee_rate: float | None = None) -> Facts:
    """The facts of an instrument, in the floats that strategies reckon in."""
    return Facts(
        exchange=instrument.exchange,
        symbol=instrument.symbol,
        timeframe=timeframe,
        base=instrument.base,
        quote=instrument.quote,
        tick=float(instrument.tick),
        step=float(max(instrument.lot, instrument.market_lot)),
        min_quantity=float(instrument.min_quantity),
        min_notional=float(instrument.min_notional),
        fee_rate=float(instrument.taker_fee) if fee_rate is None else fee_rate,
        mode=mode,
    )


class PlacedOrder(msgspec.Struct, frozen=True, gc=False):
    """An order of a strategy as it is told of it; of a fill `quantity` and `price` are what was filled."""

    side: Side
    type: OrderType
    quantity: float
    price: float
    tag: str
    status: str = "open"

    @property
    def qty(self) -> float:
        """Jesse's name of the quantity."""
        return self.quantity


class ClosedPosition(msgspec.Struct, frozen=True):
    """One position from its first entry to flat, as a strategy sees it. Times in UTC milliseconds; `profit` after fees."""

    opened_at: int
    closed_at: int
    entry_price: float
    exit_price: float
    quantity: float
    profit: float
    reason: str

    @property
    def share(self) -> float:
        """The profit as a fraction of what the position cost."""
        cost = self.entry_price * self.quantity
        return self.profit / cost if cost else 0.0


class Event(msgspec.Struct, frozen=True):
    """What happened to an order: opened, increased, reduced, closed, canceled or rejected (then with its `reason`)."""

    kind: str
    order: PlacedOrder
    closed: ClosedPosition | None = None
    reason: str = ""


class Memory(msgspec.Struct):
    """What outlives a restart. All of it is JSON."""

    vars: dict[str, Any] = {}
    stopped: str = ""
    locked_until: int = 0
    lock_reason: str = ""
    pending_candles: int = 0
    increased: int = 0
    reduced: int = 0
    closed: list[ClosedPosition] = []
    day: int = 0
    days: list[float] = []


class Standing(msgspec.Struct, frozen=True):
    """What a strategy holds and what rests for it, as the engine tells it: see Run."""

    balance: float
    allotted: float
    held: float = 0.0
    dust: float = 0.0
    entry: float = 0.0
    opened_at: int = 0
    locked: float = 0.0
    orders: tuple[PlacedOrder, ...] = ()
    stops: tuple[PlacedOrder, ...] = ()
    targets: tuple[PlacedOrder, ...] = ()

    @classmethod
    def of(cls, stand: Stand) -> Standing:
        """How it stands now, kept."""
        return cls(**{name: getattr(stand, name) for name in cls.__struct_fields__})


class OtherCandles(Protocol):
    """Where the larger candles of the pair come from."""

    def tape(self, exchange: str, symbol: str, timeframe: str) -> tuple[Tape, Floats]:
        """All candles, and the times in milliseconds at which each of them closed."""

    def tapes(self) -> Iterable[tuple[Tape, Floats]]:
        """Those that were asked for so far."""


class Stand(Protocol):
    """How a strategy stands, as whoever drives it tells it: a Standing, or the books of a backtest themselves.

    balance   free quote for this strategy        allotted   quote it was given when it began
    held      base units it owns, in whole lots   dust       base units less than a lot
    entry     average price of what it holds      locked     quote that resting entries lock
    """

    @property
    def balance(self) -> float: ...
    @property
    def allotted(self) -> float: ...
    @property
    def held(self) -> float: ...
    @property
    def dust(self) -> float: ...
    @property
    def entry(self) -> float: ...
    @property
    def opened_at(self) -> int: ...
    @property
    def locked(self) -> float: ...
    @property
    def orders(self) -> tuple[PlacedOrder, ...]: ...
    @property
    def stops(self) -> tuple[PlacedOrder, ...]: ...
    @property
    def targets(self) -> tuple[PlacedOrder, ...]: ...


class Run:
    """The strategy's side of the engine. The engine writes it, the strategy's properties read it.

    `held` and `pending` (an entry or a sell of its own waits) are kept beside the stand: they are asked at every candle.
    """

    __slots__ = (
        "candle_ms", "closes", "drawings", "facts", "held", "hp", "memory", "messages", "others", "pending", "said", "stand",
        "tape", "times",
    )  # fmt: skip

    def __init__(self, facts: Facts, tape: Tape, hp: Mapping[str, Any], stand: Stand) -> None:
        self.facts = facts
        self.candle_ms = timeframe_of(facts.timeframe).seconds * 1000
        self.hp = dict(hp)
        self.memory = Memory()
        self.messages: list[Message] = []
        self.said = 0
        self.drawings: Drawings | None = None
        self.others: OtherCandles | None = None
        self.stand = stand
        self.held = stand.held
        self.pending = bool(stand.orders)
        self.show(tape)

    def show(self, tape: Tape) -> None:
        """Look at these candles from here on."""
        self.tape = tape
        self.closes = np.ascontiguousarray(tape.candles[:, 2]).data
        self.times = np.ascontiguousarray(tape.candles[:, 0]).data

    @property
    def price(self) -> float:
        """The present close."""
        return self.closes[self.tape.cursor]

    @property
    def now(self) -> int:
        """When the present candle closed, in UTC milliseconds."""
        return int(self.times[self.tape.cursor]) + self.candle_ms

    def worth(self) -> float:
        """Free and locked quote, and what is held at the present close."""
        stand = self.stand
        return stand.balance + stand.locked + (stand.held + stand.dust) * self.price

    def keep_worth(self) -> None:
        """Write down what all is worth at the present close as that of its UTC day; days without candles repeat the last."""
        memory, worth, today = self.memory, self.worth(), (self.now - 1) // _DAY
        if memory.days and today <= memory.day:
            memory.days[-1] = worth
            return
        since = today - memory.day if memory.days else 1
        memory.days = [*memory.days, *memory.days[-1:] * min(since - 1, MOST_DAYS), worth][-MOST_DAYS:]
        memory.day = today

    def candles_of(self, exchange: str, symbol: str, timeframe: str) -> RevealedCandles:
        """The larger candles of its pair that are closed by now; raise StrategyError where there are none, and for others."""
        here = (self.facts.exchange, self.facts.symbol, self.facts.timeframe)
        if (exchange, symbol, timeframe) == here:
            return self.tape.view()
        if self.others is None:
            raise StrategyError("no_candles", symbol=symbol, timeframe=timeframe)
        tape, closed_at = self.others.tape(exchange, symbol, timeframe)
        last = int(np.searchsorted(closed_at, self.now, side="right")) - 1
        if last < 0:
            raise StrategyError("no_candles", symbol=symbol, timeframe=timeframe)
        tape.cursor = last
        return tape.view()

    def say(self, text: str, kind: str, notify: bool) -> None:
        """Keep a message for the engine to take."""
        self.said += 1
        kept = self.facts.mode != "backtest" or self.said <= MOST_OF_A_BACKTEST
        if kept and len(self.messages) < MOST_MESSAGES:
            self.messages.append(Message(text[:1000], kind, notify, self.now))
