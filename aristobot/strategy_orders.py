"""What a strategy wants: intents in floats, and the border at which they become exact orders, rounded down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from aristobot.errors import StrategyError
from aristobot.orders import OrderType, Side

#: Nearer than this to the market, as a fraction of it, a price means "now": a market order (as in Jesse).
NEAR = 0.00015

#: Nothing is priced or counted higher: beyond it money cannot be kept exactly.
LARGEST = 1e15
#: Shares that miss the whole by less make the whole.
_NOTHING_LEFT = 1e-6
#: Orders, and exits, that one decision may want.
MOST_ORDERS = 50
_LONGEST_MESSAGE = 1000
_MARKET = OrderType.MARKET  # an attribute of an enum costs as much as a call

Pair: TypeAlias = tuple[float, float]


class Level(msgspec.Struct, frozen=True, gc=False):
    """A stop or a target at `price` over so many base units, or over a `share` (0 to 1) of what the entry brings."""

    price: float
    quantity: float = 0.0
    share: float = 0.0


class Intent(msgspec.Struct, frozen=True, gc=False):
    """One order a strategy wants. `price` is the limit, or the stop of a STOP_LOSS; for MARKET it is the price that was seen."""

    side: Side
    type: OrderType
    quantity: float
    price: float
    tag: str = ""


class Message(msgspec.Struct, frozen=True, gc=False):
    """What a strategy says `at` a candle's close (UTC milliseconds): to its log, and to its owner when `notify`."""

    text: str
    kind: str = "info"
    notify: bool = False
    at: int = 0


class Decision(msgspec.Struct, frozen=True):
    """What a strategy wants after one candle or one order event; of `exits`, `stops` and `targets` None means: as they are.

    close            not empty: sell everything this strategy holds, at the market; the text is the exit's tag
    cancel_entries   take back the entries that rest
    refused          why an entry that was signalled is not wanted after all: names of filters, protections, locks
    """

    entries: tuple[Intent, ...] = ()
    exits: tuple[Intent, ...] | None = None
    stops: tuple[Level, ...] | None = None
    targets: tuple[Level, ...] | None = None
    close: str = ""
    cancel_entries: bool = False
    refused: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()


NOTHING = Decision()

#: What a strategy may assign to `buy`, `sell`, `stop_loss` and `take_profit`.
Wanted: TypeAlias = "Pair | Level | Iterable[Pair | Level]"


def kind_at(side: Side, price: float, market: float) -> OrderType:
    """Near the market MARKET, better than it LIMIT, worse STOP_LOSS: how Jesse reads a price."""
    if price == market or abs(price - market) <= NEAR * market:
        return _MARKET
    return OrderType.LIMIT if (price < market) == (side is Side.BUY) else OrderType.STOP_LOSS


def intents(wanted: Wanted, side: Side, market: float, tag: str) -> tuple[Intent, ...]:
    """The orders that an assignment means; raise StrategyError `bad_order` for what is no quantity and price."""
    if type(wanted) is tuple and len(wanted) == 2 and type(wanted[0]) is float and type(wanted[1]) is float:
        quantity, price = wanted  # the usual case, in half the time
        if 0 < quantity < LARGEST and 0 < price < LARGEST:
            return (Intent(side, kind_at(side, price, market), quantity, price, tag),)
    return tuple(
        Intent(side, kind_at(side, one.price, market), one.quantity, one.price, tag) for one in levels(wanted) if one.quantity > 0
    )


def levels(wanted: Wanted) -> tuple[Level, ...]:
    """The levels that an assignment means: `(quantity, price)` or several of them."""
    if isinstance(wanted, Level):
        return (wanted,)
    try:
        listed = list(wanted)
        if len(listed) == 2 and not isinstance(listed[0], tuple | list | Level) and not hasattr(listed[0], "__len__"):
            listed = [(listed[0], listed[1])]  # type: ignore[list-item] # two numbers are one order
        return tuple(one if isinstance(one, Level) else _level(*one) for one in listed)  # type: ignore[misc] # checked below
    except (TypeError, ValueError):
        raise StrategyError("bad_order", value=repr(wanted)[:80]) from None


def _level(quantity: float, price: float) -> Level:
    number, at = float(quantity), float(price)
    if not (0 <= number < LARGEST and 0 < at < LARGEST):  # NaN compares as neither
        raise StrategyError("bad_order", value=f"({number}, {at})")
    return Level(at, number)


def shares(wanted: float | Sequence[Pair] | None) -> tuple[Level, ...] | None:
    """What `stop_loss_price` and `take_profit_price` answer: a price for all of it, or `(share, price)` several times."""
    if wanted is None:
        return None
    if isinstance(wanted, Sequence):
        found = tuple(Level(one.price, share=one.quantity) for one in levels(wanted))
        if sum(one.share for one in found) > 1.000001:
            raise StrategyError("shares_over_100", share=round(sum(one.share for one in found) * 100, 2))
        return found
    at = float(wanted)
    if not 0 < at < LARGEST:
        raise StrategyError("bad_order", value=repr(at))
    return (Level(at, share=1.0),)


def exits_of(decision: Decision) -> tuple[tuple[Level, ...] | None, tuple[Level, ...] | None]:
    """The stops and the targets that a decision wants, None where they stay as they are.

    Sells of its own at a price are among them: a coin can be promised once, so that what is asked for last takes the place of
    what stood there.
    """
    if not decision.exits:
        return decision.stops, decision.targets
    own_stops = tuple(Level(one.price, one.quantity) for one in decision.exits if one.type is OrderType.STOP_LOSS)
    own_targets = tuple(Level(one.price, one.quantity) for one in decision.exits if one.type is OrderType.LIMIT)
    stops = (*(decision.stops or ()), *own_stops) if own_stops else decision.stops
    return stops, (*(decision.targets or ()), *own_targets) if own_targets else decision.targets


def as_shares(targets: Iterable[Level], whole: float) -> tuple[Level, ...]:
    """Targets as shares, quantities being parts of `whole`; the nearest come first, and all of them sell no more than all."""
    found, left = [], 1.0
    for one in sorted(targets, key=lambda level: level.price):
        share = min(one.share or (one.quantity / whole if whole else 1.0), left)
        if share > 0:
            found.append(Level(one.price, share=share))
            left = left - share if left - share > _NOTHING_LEFT else 0.0
    return tuple(found)


def check_decision(decision: Decision) -> None:
    """Raise StrategyError for a decision that our own hooks cannot have led to, or that is more than anybody means."""
    intended, marked = (*decision.entries, *(decision.exits or ())), (*(decision.stops or ()), *(decision.targets or ()))
    if (count := max(len(intended), len(marked))) > MOST_ORDERS:
        raise StrategyError("decision_too_large", count=count, most=MOST_ORDERS)
    for one in intended:
        if not (0 < one.quantity < LARGEST and 0 < one.price < LARGEST):
            raise StrategyError("bad_order", value=f"({one.quantity}, {one.price})")
    for level in marked:
        if not (0 < level.price < LARGEST and 0 <= level.quantity < LARGEST and 0 <= level.share < 1.00001):
            raise StrategyError("bad_order", value=f"({level.quantity}, {level.price})")
    if len(decision.messages) > MOST_ORDERS or any(len(one.text) > _LONGEST_MESSAGE for one in decision.messages):
        raise StrategyError("strategy_answer_unreadable")


def exact(value: float) -> Decimal:
    """The Decimal that a float is written as: 0.1 is 0.1."""
    return Decimal(repr(float(value)))
