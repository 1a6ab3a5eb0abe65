"""What an alert asks for: a payload of TradingView (French or English keys) becomes Signals, or the reason why not.

`parse` takes any bytes and never raises. The form is read by payloads.py; here fields get their meaning. The commands of one
alert are understood together or not at all: half of a "close, then open" would be a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from aristobot.errors import DataError
from aristobot.market import Timeframe
from aristobot.money import HUNDRED, ZERO, percent_of, plain
from aristobot.payloads import Fields, excerpt, interval_seconds, number_of, percent_of_text, read, timeframe_lasting

MOST_TARGETS = 10
#: Age limits of an entry (reliability, 3.2): at most 60 s and a fifth of the interval, yet never under 20 s, so that
#: the last re-send after 15 s still counts.
SHORTEST_LAG = timedelta(seconds=20)
LONGEST_LAG = timedelta(seconds=60)
SHARE_OF_INTERVAL = 5
CLOCK_TOLERANCE = timedelta(seconds=5)


class Action(StrEnum):
    """What is asked. MOVE sets new exits (`MAJ`), MISS reports that alerts stayed away, CANCEL takes resting entries back."""

    PING = "PING"
    BUY_MARKET = "BuyMarket"
    SELL_MARKET = "SellMarket"
    BUY_LIMIT = "BuyLimit"
    SELL_LIMIT = "SellLimit"
    MOVE = "MAJ"
    MISS = "MISS"
    CANCEL = "Cancel"


_ACTIONS = {action.lower(): action for action in Action} | {
    "buy": Action.BUY_MARKET,
    "sell": Action.SELL_MARKET,
    "exit": Action.SELL_MARKET,
    "update": Action.MOVE,
}
_ENTRIES = frozenset({Action.BUY_MARKET, Action.BUY_LIMIT})
_EXITS = frozenset({Action.SELL_MARKET, Action.SELL_LIMIT})
_LIMITS = frozenset({Action.BUY_LIMIT, Action.SELL_LIMIT})
_WITHOUT_SYMBOL = frozenset({Action.PING, Action.MISS})


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """A price, or (`relative`) a distance from the entry in per cent: -2 means two per cent below it."""

    value: Decimal
    relative: bool = False

    def at(self, entry: Decimal) -> Decimal:
        """The price, for a position entered at `entry`; not yet rounded to a tick."""
        return entry + percent_of(entry, self.value) if self.relative else self.value

    def __str__(self) -> str:
        return f"{'+' if self.value > 0 else ''}{plain(self.value)}%" if self.relative else plain(self.value)


@dataclass(frozen=True, slots=True)
class Target:
    """A take-profit for `share` per cent of the position."""

    share: Decimal
    price: PriceSpec

    def __str__(self) -> str:
        return f"{plain(self.share)}%@{self.price}"


class Signal(msgspec.Struct, frozen=True):
    """One command of an alert. `percent` is of the free quote for a buy, of the base held for a sell; prices are in quote.

    `symbol_text` is as TradingView spells it; `interval_seconds` is 0 when unknown; moments are UTC.
    """

    action: Action
    symbol_text: str = ""
    exchange: str = ""
    interval_seconds: int = 0
    price: Decimal | None = None
    stop_loss: PriceSpec | None = None
    take_profit: tuple[Target, ...] = ()
    percent: Decimal = HUNDRED
    user_id: str = ""
    broker_id: str = ""
    bar_time: datetime | None = None
    sent_at: datetime | None = None
    id: str = ""
    market_position: str = ""
    prev_market_position: str = ""

    @property
    def is_entry(self) -> bool:
        """Whether it would open or enlarge a position."""
        return self.action in _ENTRIES

    @property
    def is_exit(self) -> bool:
        """Whether it would shrink or close a position."""
        return self.action in _EXITS

    @property
    def is_limit(self) -> bool:
        """Whether it names the price it wants."""
        return self.action in _LIMITS

    @property
    def covers_a_short(self) -> bool:
        """Whether this buy only closes a short position of the script, which on spot never existed."""
        return self.is_entry and self.market_position.lower() == "flat"

    @property
    def timeframe(self) -> Timeframe | None:
        """The timeframe of the chart; None when unknown or one we keep no candles of."""
        return timeframe_lasting(self.interval_seconds)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is refused: a code that the screen translates, and the facts that fill its words."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a body: commands, or a `reason` with `facts`, never both.

    row        what the inbox shows of it, under the column names of the alert's row, cut to their widths
    identity   the sender's own id, None when there is none
    has_time   whether the body carries its firing time, so that equal bodies are one alert
    token      a token given in the body
    ignored    keys nobody knows: shown, since a misspelt stop must not pass in silence
    """

    commands: tuple[Signal, ...] = ()
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)
    identity: str | None = None
    has_time: bool = False
    token: str = field(default="", repr=False)
    ignored: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def parse(raw: bytes) -> Parsed:
    """Understand the body of an alert. Never raises: what cannot be understood comes back with its reason.

    The last answers are remembered, since ingress and engine ask for the same body within a millisecond.
    """
    try:
        listed = read(raw)
    except DataError as error:
        return Parsed(reason=error.code, facts=error.facts)
    commands: list[Signal] = []
    reason, facts = "", {}
    for position, fields in enumerate(listed, start=1):
        try:
            commands.append(_signal(fields))
        except DataError as error:
            reason, facts = error.code, error.facts | ({"command": position} if len(listed) > 1 else {})
            break
    return Parsed(
        commands=() if reason else tuple(commands),
        reason=reason,
        facts=facts,
        row=_row(listed[0], commands[0] if commands else None),
        identity=_identity(listed),
        has_time=all(_carries_time(fields) for fields in listed),
        token=next((token for fields in listed if (token := fields.shown("token", 128))), ""),
        ignored=tuple(dict.fromkeys(name for fields in listed for name in fields.ignored)),
    )


def staleness(signal: Signal, received_at: datetime, now: datetime, max_lag: timedelta | None = None) -> Reason | None:
    """Why an entry is too old, or from the future, to be followed; None when it is fresh, or no entry at all.

    The age counts from the firing time, without one from the reception. `max_lag` replaces the default limit of
    max(20 s, min(60 s, 20 % of the interval)). Exits and moved stops have no limit.
    """
    if not signal.is_entry:
        return None
    fired_at = signal.sent_at or received_at
    if fired_at - received_at > CLOCK_TOLERANCE:
        ahead = round((fired_at - received_at).total_seconds())
        return Reason("reason.from_the_future", {"seconds": ahead, "limit": round(CLOCK_TOLERANCE.total_seconds())})
    limit = max_lag or longest_lag(signal.interval_seconds)
    age = now - fired_at
    if age <= limit:
        return None
    return Reason("reason.stale", {"seconds": round(age.total_seconds()), "limit": round(limit.total_seconds())})


def longest_lag(seconds: int) -> timedelta:
    """The default age limit of an entry on a chart of that interval; 60 s when the interval is unknown (0)."""
    share = timedelta(seconds=seconds) / SHARE_OF_INTERVAL
    return max(SHORTEST_LAG, min(LONGEST_LAG, share)) if seconds else LONGEST_LAG


def _signal(fields: Fields) -> Signal:
    action = _action(fields)
    symbol = fields.text("symbol")
    if not symbol and action not in _WITHOUT_SYMBOL:
        raise DataError("reason.missing", field="symbol", action=action.value)
    if symbol.upper().endswith(".P"):
        raise DataError("reason.perpetual", field="symbol", value=excerpt(symbol))
    if len(symbol) > 48:
        raise DataError("reason.too_long", field="symbol", value=excerpt(symbol), limit=48)
    percent = fields.text("percent")
    signal = Signal(
        action=action,
        symbol_text=symbol,
        price=_price(fields, action),
        stop_loss=_spec(fields.text("stop_loss"), "stop_loss"),
        take_profit=_targets(fields.raw("take_profit")),
        percent=percent_of_text(percent, "percent") if percent else HUNDRED,
        user_id=fields.text("user_id")[:64],
        broker_id=fields.text("broker_id")[:64],
        id=fields.text("id")[:255],
        market_position=fields.text("market_position")[:16],
        prev_market_position=fields.text("prev_market_position")[:16],
        **_circumstances(fields, strict=action in _ENTRIES),
    )
    _check_exits(signal)
    return signal


def _action(fields: Fields) -> Action:
    word = fields.text("action")
    if not word:
        raise DataError("reason.missing", field="action")
    action = _ACTIONS.get(word.lower()) or _ACTIONS.get(re.sub(r"[ _-]+", "", word.lower()))
    if action is None:
        raise DataError("reason.unknown_action", field="action", value=excerpt(word))
    return action


def _price(fields: Fields, action: Action) -> Decimal | None:
    price = fields.number("price")
    if price is None and action in _LIMITS:
        raise DataError("reason.missing", field="price", action=action.value)
    if price is not None and price <= ZERO:
        raise DataError("reason.not_positive", field="price", value=excerpt(fields.raw("price")))
    return price


def _circumstances(fields: Fields, *, strict: bool) -> dict[str, Any]:
    """What tells how fresh it is. Only entries depend on it: an exit is never refused for a bad date."""
    found: dict[str, Any] = {}
    for name, written, reader in _CIRCUMSTANCES:
        if written not in fields.values:
            continue
        try:
            found[name] = reader(fields)
        except DataError:
            if strict:
                raise
    return found


def _interval_of(fields: Fields) -> int:
    text = fields.text("interval")
    return interval_seconds(text, "interval") if text else 0


_CIRCUMSTANCES: tuple[tuple[str, str, Callable[[Fields], Any]], ...] = (
    ("exchange", "exchange", lambda fields: fields.text("exchange")[:64]),
    ("interval_seconds", "interval", _interval_of),
    ("bar_time", "bar_time", lambda fields: fields.moment("bar_time")),
    ("sent_at", "sent_at", lambda fields: fields.moment("sent_at")),
)


def _spec(text: str, name: str) -> PriceSpec | None:
    if not text:
        return None
    relative = text.endswith("%")
    value = number_of(text.removesuffix("%").rstrip(), name)
    if relative and name == "stop_loss" and text[0] not in "+-":
        raise DataError("reason.sign_missing", field=name, value=excerpt(text))
    if value <= (-100 if relative else 0):
        raise DataError("reason.not_positive", field=name, value=excerpt(text))
    return PriceSpec(value, relative)


def _targets(value: Any) -> tuple[Target, ...]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            raise DataError("reason.bad_targets", field="take_profit", value=excerpt(value)) from None
    if not isinstance(value, list):
        only = _spec(Fields({"take_profit": value}).text("take_profit"), "take_profit")
        return (Target(HUNDRED, only),) if only else ()
    if len(value) > MOST_TARGETS:
        raise DataError("reason.too_many_targets", field="take_profit", limit=MOST_TARGETS)
    targets = tuple(_target(one) for one in value)
    if sum((one.share for one in targets), ZERO) > HUNDRED:
        raise DataError("reason.shares_over_100", field="take_profit")
    return targets


def _target(pair: Any) -> Target:
    match pair:
        case [str() as share, str() as price] if spec := _spec(price.strip(), "take_profit"):
            return Target(percent_of_text(share.strip(), "take_profit"), spec)
    raise DataError("reason.bad_targets", field="take_profit", value=excerpt("[…]"))


def _check_exits(signal: Signal) -> None:
    """Exits must lie on their side of the price: a stop above it would sell at once what was just bought."""
    if signal.action is Action.MOVE and not signal.stop_loss and not signal.take_profit:
        raise DataError("reason.nothing_to_move", field="stop_loss")
    if not signal.is_entry:
        return
    stop = signal.stop_loss
    if stop and (stop.value >= ZERO if stop.relative else signal.price is not None and stop.value >= signal.price):
        raise DataError("reason.stop_not_below", field="stop_loss", value=str(stop), price=_shown(signal.price))
    for spec in (target.price for target in signal.take_profit):
        if spec.value <= ZERO if spec.relative else signal.price is not None and spec.value <= signal.price:
            raise DataError("reason.target_not_above", field="take_profit", value=str(spec), price=_shown(signal.price))


def _shown(price: Decimal | None) -> str:
    return "" if price is None else plain(price)


def _row(fields: Fields, signal: Signal | None) -> dict[str, Any]:
    """The columns of the alert's row: as understood where it was understood, else as written."""
    return {
        "symbol_in_payload": fields.shown("symbol", 64),
        "exchange_in_payload": fields.shown("exchange", 64),
        "interval": fields.shown("interval", 16),
        "action": signal.action.value if signal else fields.shown("action", 16),
        "price": signal.price if signal else None,
        "stop_loss": str(signal.stop_loss)[:64] if signal and signal.stop_loss else fields.shown("stop_loss", 64),
        "take_profit": _shown_targets(signal)[:255] if signal else fields.shown("take_profit", 255),
        "percent": signal.percent if signal and (signal.is_entry or signal.is_exit) else None,
        "payload_user_id": fields.shown("user_id", 64),
        "payload_broker_id": fields.shown("broker_id", 64),
        "payload_id": fields.shown("id", 255),
        "bar_time": signal.bar_time if signal else None,
        "sent_at": signal.sent_at if signal else None,
        "market_position": fields.shown("market_position", 16),
        "prev_market_position": fields.shown("prev_market_position", 16),
    }


def _shown_targets(signal: Signal) -> str:
    match signal.take_profit:
        case (Target(share=share, price=price),) if share == HUNDRED:
            return str(price)
    return " ".join(str(target) for target in signal.take_profit)


def _identity(listed: list[Fields]) -> str | None:
    ids = [_sure(fields, "id") for fields in listed]
    return "\n".join(ids) if all(ids) else None


def _carries_time(fields: Fields) -> bool:
    return bool(_sure(fields, "sent_at"))


def _sure(fields: Fields, name: str) -> str:
    try:
        return fields.text(name)
    except DataError:
        return ""
