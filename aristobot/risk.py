"""May this order go? Limits, allow-list, collar, throttles: a Refusal with its numbers, or None.

Exits win: whatever reduces a position passes every limit but read-only access and a price that cannot be true.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from aristobot.errors import InvalidInput, RiskRefused
from aristobot.kinds import BrokerAccess, HaltLevel
from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.money import HUNDRED, ZERO, amount, percent_of, plain
from aristobot.orders import OrderStatus, Side


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker's owner allows. None means no limit. Amounts are in the quote asset, percents in per cent."""

    max_order_notional: Decimal | None = None
    max_order_percent: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_total_notional: Decimal | None = None
    allowed_symbols: tuple[Symbol, ...] | None = None
    max_open_positions: int | None = None
    collar_percent: Decimal = Decimal(3)
    remap_divergence_percent: Decimal = Decimal(1)
    entries_per_minute: int = 30
    entries_per_day: int = 1000
    repeated_entries: int = 5
    repeated_entries_minutes: int = 10
    twin_guard_seconds: int = 2
    daily_loss_percent: Decimal | None = Decimal(5)
    refusals_to_halt: int = 5
    max_entry_age_seconds: int = 60
    pyramiding: bool = False

    @classmethod
    def read(cls, stored: Mapping[str, object] | None) -> Limits:
        """Limits as a broker's row keeps them (amounts as text); what is absent has its default. InvalidInput names the field."""
        known = {one.name: one for one in fields(cls)}
        values: dict[str, object] = {}
        for name, value in (stored or {}).items():
            if name not in known:
                raise InvalidInput("unknown_limit", field=name)
            values[name] = _read_limit(name, str(known[name].type), value)
        return cls(**values)  # type: ignore[arg-type]  # every value was converted to its field's type above


def _read_limit(name: str, kind: str, value: object) -> object:
    if value is None:
        if "None" not in kind:
            raise InvalidInput("limit_needs_a_value", field=name)
        return None
    if "tuple" in kind:
        if not isinstance(value, list | tuple):
            raise InvalidInput("limit_needs_a_list", field=name)
        return tuple(str(symbol).strip().upper() for symbol in value)
    if kind == "bool":
        return bool(value)
    number = amount(str(value), field=name)
    if number < ZERO:
        raise InvalidInput("limit_is_negative", field=name, value=plain(number))
    return int(number) if kind.startswith("int") else number


class Proposal(msgspec.Struct, frozen=True):
    """An order about to be written. `price` is what we might pay at worst, `reference` the market's last price.

    `replacing`: it takes the place of an order that rests already.
    """

    instrument: Instrument
    side: Side
    reducing: bool
    quantity: Decimal
    notional: Decimal
    price: Decimal
    reference: Decimal
    at: datetime
    replacing: bool = False


class Situation(msgspec.Struct, frozen=True):
    """How the broker stands at this moment; amounts in the quote of the order.

    What is held, won or lost in other quotes is converted. Where no price is known for that, it is in no sum, and the quote
    stands in `untold_held` or in `untold_results`. `free_elsewhere` are the free funds of the other quotes in which something
    was won or lost today.
    """

    access: BrokerAccess
    halt: HaltLevel | None
    reconciled: bool
    clock_certain: bool
    equity: Decimal
    position_notional: Decimal
    total_notional: Decimal
    open_positions: int
    realised_today: Decimal
    unknown_on_symbol: bool
    free_elsewhere: Decimal = ZERO
    untold_held: tuple[str, ...] = ()
    untold_results: tuple[str, ...] = ()


class _Past(msgspec.Struct, frozen=True):
    at: datetime
    symbol: Symbol
    side: Side
    quantity: Decimal


class Activity:
    """What a broker did lately: entries by time, and refusals in a row. Filled from the store at start."""

    def __init__(self) -> None:
        self._entries: deque[_Past] = deque()
        self.refusals_in_a_row = 0
        self._refused_list = ""

    def entered(self, at: datetime, symbol: Symbol, side: Side, quantity: Decimal) -> None:
        """Note an entry that goes out."""
        self._entries.append(_Past(at, symbol, side, quantity))
        while self._entries and self._entries[0].at < at - timedelta(days=1):
            self._entries.popleft()

    def withdrawn(self, at: datetime, symbol: Symbol, side: Side, quantity: Decimal) -> None:
        """Forget an entry that was noted and then did not go out."""
        with suppress(ValueError):
            self._entries.remove(_Past(at, symbol, side, quantity))

    def ended(self, status: OrderStatus, of_list: str = "") -> None:
        """Note how an order was answered: refusals count up, anything accepted resets them.

        The orders of one list (`of_list`) are refused together, and count once.
        """
        if status is OrderStatus.REJECTED:
            self.refusals_in_a_row += not of_list or of_list != self._refused_list
            self._refused_list = of_list
        elif status not in (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.DENIED):
            self.refusals_in_a_row = 0

    @property
    def entries(self) -> int:
        """How many are noted, of a day at most: never fewer than `count` finds."""
        return len(self._entries)

    def count(
        self, since: datetime, symbol: Symbol | None = None, side: Side | None = None, quantity: Decimal | None = None
    ) -> int:
        """Entries since a moment, of a symbol, a side, a quantity where these are given. Newest are looked at first."""
        number = 0
        for past in reversed(self._entries):
            if past.at < since:
                break
            if symbol is not None and (past.symbol != symbol or past.side is not side):
                continue
            if quantity is None or past.quantity == quantity:
                number += 1
        return number


def check(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    """The first limit that says no, as an error to raise or to keep; None when the order may go."""
    rules = (_access, _instrument) if proposal.reducing else (_access, _doubt, _instrument, _collar, _size, _daily_loss)
    for rule in rules:
        refusal = rule(proposal, situation, limits, activity)
        if refusal is not None:
            return refusal
    paced = not (proposal.reducing or proposal.replacing)
    return _pace(proposal, situation, limits, activity) if paced else None


def _access(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    if situation.access is BrokerAccess.READ_ONLY:
        return RiskRefused("broker_read_only")
    if proposal.reducing:
        return None
    if situation.access is BrokerAccess.REDUCE_ONLY:
        return RiskRefused("broker_reduce_only")
    if situation.halt is not None:
        return RiskRefused("halted", level=situation.halt.value)
    if activity.refusals_in_a_row >= limits.refusals_to_halt:
        return RiskRefused("too_many_refusals", count=activity.refusals_in_a_row)
    return None


def _doubt(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    if not situation.reconciled:
        return RiskRefused("not_reconciled")
    if not situation.clock_certain:
        return RiskRefused("clock_doubt")
    if situation.unknown_on_symbol:
        return RiskRefused("order_in_doubt", symbol=proposal.instrument.symbol)
    return None


def _instrument(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    instrument = proposal.instrument
    # What is known of a state may be hours old. An entry can wait for better knowledge; an exit is for the exchange to refuse.
    if instrument.state is not InstrumentState.TRADING and not proposal.reducing:
        return RiskRefused("market_closed", symbol=instrument.symbol, state=instrument.state.value)
    if proposal.quantity <= ZERO or proposal.quantity < instrument.min_quantity:
        facts = {"quantity": plain(proposal.quantity), "minimum": plain(instrument.min_quantity)}
        return RiskRefused("below_min_quantity", **facts)
    if instrument.max_quantity and proposal.quantity > instrument.max_quantity:
        return RiskRefused("above_max_quantity", quantity=plain(proposal.quantity), maximum=plain(instrument.max_quantity))
    if proposal.notional < instrument.min_notional:
        return RiskRefused("below_min_notional", value=plain(proposal.notional), minimum=plain(instrument.min_notional))
    allowed = limits.allowed_symbols
    if not proposal.reducing and allowed is not None and instrument.symbol not in allowed:
        return RiskRefused("symbol_not_allowed", symbol=instrument.symbol)
    return None


def _collar(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    if proposal.reference <= ZERO:
        return RiskRefused("no_price", symbol=proposal.instrument.symbol)
    # A buy far below (or a sell far above) the market only waits; the dangerous side is paying too much.
    away = proposal.price - proposal.reference if proposal.side is Side.BUY else proposal.reference - proposal.price
    allowed = percent_of(proposal.reference, limits.collar_percent) + proposal.instrument.tick
    if away > allowed:
        return RiskRefused(
            "outside_collar",
            price=plain(proposal.price),
            reference=plain(proposal.reference),
            percent=plain(limits.collar_percent),
        )
    return None


def _size(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    bounds = (
        ("max_order_notional", proposal.notional, limits.max_order_notional),
        ("max_order_percent", proposal.notional, _share(situation.equity, limits.max_order_percent)),
        ("max_position_notional", situation.position_notional + proposal.notional, limits.max_position_notional),
        ("max_total_notional", situation.total_notional + proposal.notional, limits.max_total_notional),
    )
    for code, value, bound in bounds:
        if bound is not None and value > bound:
            if code == "max_order_percent" and situation.untold_held:
                return _no_rate(proposal, situation.untold_held)  # with that, the account's share may be more
            return RiskRefused(code, value=plain(value), maximum=plain(bound))
    if limits.max_total_notional is not None and situation.untold_held:
        return _no_rate(proposal, situation.untold_held)
    opens_another = not situation.position_notional
    if limits.max_open_positions is not None and opens_another and situation.open_positions >= limits.max_open_positions:
        return RiskRefused("max_open_positions", maximum=limits.max_open_positions)
    return None


def _daily_loss(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    """What was lost today, of all that it may have been lost of."""
    allowed = _share(situation.equity + situation.free_elsewhere, limits.daily_loss_percent)
    if allowed is None or allowed <= ZERO:
        return None
    if situation.untold_results:
        return _no_rate(proposal, situation.untold_results)
    if -situation.realised_today < allowed:
        return None
    if situation.untold_held:
        return _no_rate(proposal, situation.untold_held)  # with that, the loss may be a small part
    return RiskRefused("daily_loss", lost=plain(-situation.realised_today), maximum=plain(allowed))


def _no_rate(proposal: Proposal, assets: Iterable[str]) -> RiskRefused:
    """A sum that a limit needs cannot be told. It stops this entry, and no broker: nothing says that a limit was reached."""
    return RiskRefused("no_conversion", assets=", ".join(assets), quote=proposal.instrument.quote)


def _share(equity: Decimal, percent: Decimal | None) -> Decimal | None:
    return None if percent is None else percent_of(equity, min(percent, HUNDRED))


def _pace(proposal: Proposal, situation: Situation, limits: Limits, activity: Activity) -> RiskRefused | None:
    now, symbol, side = proposal.at, proposal.instrument.symbol, proposal.side
    if activity.entries >= limits.entries_per_minute and activity.count(now - timedelta(minutes=1)) >= limits.entries_per_minute:
        return RiskRefused("entries_per_minute", maximum=limits.entries_per_minute)
    if activity.entries >= limits.entries_per_day and activity.count(now - timedelta(days=1)) >= limits.entries_per_day:
        return RiskRefused("entries_per_day", maximum=limits.entries_per_day)
    since = now - timedelta(seconds=limits.twin_guard_seconds)
    if limits.twin_guard_seconds and activity.count(since, symbol, side, proposal.quantity):
        return RiskRefused("twin_order", symbol=symbol, seconds=limits.twin_guard_seconds)
    window = timedelta(minutes=limits.repeated_entries_minutes)
    if activity.entries >= limits.repeated_entries and activity.count(now - window, symbol, side) >= limits.repeated_entries:
        minutes = limits.repeated_entries_minutes
        return RiskRefused("repeated_entries", symbol=symbol, maximum=limits.repeated_entries, minutes=minutes)
    return None
