"""The books of one strategy at work, out of our orders and fills: what it may spend, what it holds, what it was not told yet.

What it is handed are the fields of Standing and Event (strategy_run) as JSON holds them: floats, words, lists.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aristobot.clock import EPOCH, to_milliseconds
from aristobot.kinds import LotStatus, OrderOrigin, OrderRole
from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, amount, divided, percent_of, plain, times
from aristobot.orders import OrderStatus, Side, TimeInForce
from aristobot.store import activations, brackets, orders
from aristobot.store.strategy_tables import Activation
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, FillRow, Order, PositionRow
from services.exit_plan import ExitPlan, kept_plan

#: An order may be written a moment after one that was made later.
_OVERLAP = timedelta(minutes=1)
_TAGS = {OrderRole.STOP: "stop_loss", OrderRole.TARGET: "take_profit"}


@dataclass(frozen=True, slots=True)
class Books:
    """How an activation stands. `banked` is what all its positions gained so far; `recent` are orders it may not know all of.

    `exits` are those of the bracket that were not reached yet.
    """

    row: Activation
    position: PositionRow | None
    bracket: Bracket | None
    exits: ExitPlan
    resting: tuple[Order, ...]
    recent: tuple[Order, ...]
    fills: tuple[FillRow, ...]
    latest: PositionRow | None
    banked: Decimal

    @property
    def entries(self) -> tuple[Order, ...]:
        """Its entries that may still be filled."""
        return tuple(one for one in self.resting if one.role is OrderRole.ENTRY)

    @property
    def balance(self) -> Decimal:
        """Quote that it may still spend: what it was given and gained, less what it holds and what its entries lock."""
        held = self.position.cost if self.position is not None else ZERO
        return max(ZERO, self.row.allotted + self.banked - held - self.locked)

    @property
    def locked(self) -> Decimal:
        """Quote that its resting entries lock."""
        return sum((_locked(one) for one in self.entries), ZERO)

    def held(self, instrument: Instrument) -> Decimal:
        """Base units in whole lots."""
        return instrument.quantity(self.position.quantity) if self.position is not None else ZERO


def read(session: GuardedSession, activation_id: uuid.UUID) -> Books:
    """The books as they are now; NotFound."""
    row = activations.get(session, activation_id)
    owner = activations.owner_of(row.id)
    told = row.told or {}
    since = datetime.fromisoformat(told["since"]) if told else EPOCH
    recent = activations.orders_since(session, owner, since, [uuid.UUID(one) for one in told.get("orders", {})])
    ever = activations.positions_of(session, owner)
    opened = next((one for one in ever if one.status is LotStatus.OPEN), None)
    latest = opened or (ever[-1] if ever else None)
    fills = orders.fills_of_orders(session, [one.id for one in recent]) if recent else []
    if latest is not None:
        known = {fill.id for fill in fills}
        fills += [fill for fill in orders.fills_of_position(session, latest.id) if fill.id not in known]
    guarded = brackets.guarded(session, opened.id) if opened is not None else None
    return Books(
        row=row,
        position=opened,
        bracket=guarded.bracket if guarded is not None else None,
        exits=kept_plan(guarded) if guarded is not None else ExitPlan(),
        resting=tuple(activations.alive(session, owner)),
        recent=tuple(recent),
        fills=tuple(fills),
        latest=latest,
        banked=sum((one.realised for one in ever), ZERO),
    )


def standing(books: Books, instrument: Instrument, free: Decimal) -> dict[str, Any]:
    """How it stands, for the strategy's eyes; `free` is the quote that the exchange has for it at most."""
    position, held = books.position, books.held(instrument)
    mine = [one for one in books.fills if position is not None and one.position_id == position.id]
    found: dict[str, Any] = {
        "balance": float(min(books.balance, free)),
        "allotted": float(books.row.allotted),
        "held": float(held),
        "dust": float(position.quantity - held) if position is not None else 0.0,
        "entry": float(_average(mine, instrument.base)) if held else 0.0,
        "opened_at": to_milliseconds(min(one.at for one in mine)) if held and mine else 0,
        "locked": float(books.locked),
        "orders": [_placed(one, one.quantity - one.filled) for one in books.resting if one.role is OrderRole.ENTRY],
    }
    return found | _exits(books, held)


def _exits(books: Books, held: Decimal) -> dict[str, Any]:
    """The stops and targets that stand for it, wherever they are watched."""
    if books.bracket is None or not held:
        return {"stops": [], "targets": []}
    plan = books.exits
    stops = [_exit("stop_loss", held, plan.stop)] if plan.stop else []
    return {"stops": stops, "targets": [_exit("limit", percent_of(held, share), price) for share, price in plan.targets]}


def _exit(kind: str, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    tag = "stop_loss" if kind == "stop_loss" else "take_profit"
    return {"side": "sell", "type": kind, "quantity": float(quantity), "price": float(price), "tag": tag, "status": "open"}


def _placed(order: Order, quantity: Decimal, price: Decimal = ZERO, status: str = "") -> dict[str, Any]:
    settled = "open" if order.status.is_working else "sent"
    return {
        "side": order.side.value,
        "type": order.type.value,
        "quantity": float(quantity),
        "price": float(price or order.price or order.stop_price),
        "tag": tag_of(order),
        "status": status or settled,
    }


def tag_of(order: Order) -> str:
    """What an order was for, in the words of its strategy."""
    if order.leg.startswith("flatten"):
        return "flatten"
    if order.origin is OrderOrigin.MANUAL:
        return "manual"
    return _TAGS.get(order.role) or order.note or order.role.value


def _locked(order: Order) -> Decimal:
    left = order.quantity - order.filled
    return divided(times(order.reserved_quote, left), order.quantity) if order.quantity else ZERO


def _average(fills: Sequence[FillRow], base: str) -> Decimal:
    """The average price of what is held, fees left out, as a backtest reckons it: sales take their share of it along."""
    value = quantity = held = ZERO
    for one in sorted(fills, key=lambda fill: (fill.at, len(fill.trade_id), fill.trade_id)):
        fee = one.fee if one.fee_asset == base else ZERO
        if one.side is Side.BUY:
            value, quantity, held = value + times(one.price, one.quantity), quantity + one.quantity, held + one.quantity - fee
        elif held:
            share = min(divided(one.quantity + fee, held), Decimal(1))
            value, quantity = value - times(value, share), quantity - times(quantity, share)
            held -= one.quantity + fee
    return divided(value, quantity) if quantity > ZERO else ZERO


# ------------------------------------------------------------------ what it was not told yet


@dataclass(frozen=True, slots=True)
class News:
    """One event as its strategy hears it, and what it has been told of when it has heard it."""

    event: dict[str, Any]
    told: dict[str, Any]
    order: Order

    @property
    def kind(self) -> str:
        """opened, increased, reduced, closed, canceled or rejected."""
        return str(self.event["kind"])


def first_news(books: Books) -> News | None:
    """The oldest event that the strategy was not told of; None when it knows everything."""
    told = books.row.told or {}
    known: Mapping[str, Any] = told.get("orders", {})
    done = set(told.get("done", ()))
    for order in sorted(books.recent, key=lambda one: (one.updated_at, one.created_at)):
        if order.id.hex in done:
            continue
        kind, quantity, price = _happened(books, order, known)
        if kind:
            return News(_event(books, order, kind, quantity, price), _told(books, order, kind), order)
    return None


def knows_all(books: Books) -> dict[str, Any]:
    """What a strategy has been told of once there is no news left, or when it takes its position up as it is."""
    opened = books.position.id.hex if books.position is not None else ""
    newest = max((one.created_at for one in books.recent), default=EPOCH + _OVERLAP) - _OVERLAP
    known: dict[str, list[str]] = {}
    done: list[str] = []
    for one in books.recent:
        if not _is_over(books, one):
            known[one.id.hex] = _mark(books, one)
        elif one.created_at >= newest:
            done.append(one.id.hex)
    position = books.row.told.get("position", "") if books.row.told else opened
    return {"since": newest.isoformat(), "orders": known, "done": done, "position": position}


def _happened(books: Books, order: Order, known: Mapping[str, Any]) -> tuple[str, Decimal, Decimal]:
    """What is new of an order, with the quantity and the price of it; no word for nothing."""
    before, paid = (amount(one) for one in known.get(order.id.hex, ("0", "0")))
    filled = _filled(books, order)
    if filled > before:
        price = divided(_spent(books, order) - paid, filled - before)
        return _kind_of_fill(books, order), filled - before, price
    if not _is_over(books, order) or filled or order.role not in (OrderRole.ENTRY, OrderRole.EXIT):
        return "", ZERO, ZERO
    at_once = order.status is OrderStatus.EXPIRED and order.time_in_force is not TimeInForce.GTC
    if order.status.is_refused or at_once:
        return "rejected", order.quantity, ZERO
    return ("canceled" if order.role is OrderRole.ENTRY else ""), order.quantity, ZERO


def _kind_of_fill(books: Books, order: Order) -> str:
    if order.side is Side.BUY:
        return "increased" if (books.row.told or {}).get("position") == _position_id(order) else "opened"
    latest = books.latest
    if latest is None or latest.id != order.position_id or latest.status is LotStatus.OPEN:
        return "reduced"
    sales = [one for one in books.fills if one.position_id == latest.id and one.side is Side.SELL]
    return "closed" if max(sales, key=lambda one: (one.at, len(one.trade_id), one.trade_id)).order_id == order.id else "reduced"


def _position_id(order: Order) -> str:
    return order.position_id.hex if order.position_id is not None else ""


def _event(books: Books, order: Order, kind: str, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    status = "filled" if price else kind
    found: dict[str, Any] = {"kind": kind, "order": _placed(order, quantity, price, status)}
    if kind == "rejected":
        found["reason"] = order.reason or "nothing_filled"
    if kind == "closed" and books.latest is not None:
        found["closed"] = _closed(books.latest, [one for one in books.fills if one.position_id == books.latest.id], order)
    return found


def _closed(position: PositionRow, fills: Sequence[FillRow], order: Order) -> dict[str, Any]:
    bought = [one for one in fills if one.side is Side.BUY]
    sold = [one for one in fills if one.side is Side.SELL]
    quantity = sum((one.quantity for one in bought), ZERO)
    return {
        "opened_at": to_milliseconds(min(one.at for one in fills)),
        "closed_at": to_milliseconds(max(one.at for one in fills)),
        "entry_price": float(_mean(bought)),
        "exit_price": float(_mean(sold)),
        "quantity": float(quantity),
        "profit": float(position.realised),
        "reason": tag_of(order),
    }


def _mean(fills: Sequence[FillRow]) -> Decimal:
    quantity = sum((one.quantity for one in fills), ZERO)
    return divided(sum((times(one.price, one.quantity) for one in fills), ZERO), quantity) if quantity else ZERO


def _told(books: Books, order: Order, kind: str) -> dict[str, Any]:
    """What it knows once it has heard this: of the other orders nothing more than before."""
    before = books.row.told or {"since": EPOCH.isoformat(), "orders": {}, "done": [], "position": ""}
    known = {name: seen for name, seen in before["orders"].items() if name != order.id.hex}
    done = list(before["done"])
    if _is_over(books, order):
        done.append(order.id.hex)
    else:
        known[order.id.hex] = _mark(books, order)
    position = {"opened": _position_id(order), "closed": ""}.get(kind, before["position"])
    return {"since": before["since"], "orders": known, "done": done, "position": position}


def _is_over(books: Books, order: Order) -> bool:
    """Whether nothing more can be heard of it: it has ended, and all its executions are known."""
    return order.status.is_final and _filled(books, order) >= order.filled


def _filled(books: Books, order: Order) -> Decimal:
    return sum((one.quantity for one in books.fills if one.order_id == order.id), ZERO)


def _spent(books: Books, order: Order) -> Decimal:
    return sum((times(one.price, one.quantity) for one in books.fills if one.order_id == order.id), ZERO)


def _mark(books: Books, order: Order) -> list[str]:
    return [plain(_filled(books, order)), plain(_spent(books, order))]


def share_of(part: Decimal, whole: Decimal) -> Decimal:
    """`part` in per cent of `whole`, at most all of it; what is within a millionth of all is all."""
    if not whole:
        return HUNDRED
    share = divided(times(part, HUNDRED), whole, 8)
    return HUNDRED if share > Decimal("99.9999") else share
