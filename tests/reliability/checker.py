"""What must be true after any storm, with the exchange's own ledger as the truth (the predicates P1 to P7 and P14)."""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from aristobot.kinds import BracketStatus, LotStatus
from aristobot.money import ZERO, amount
from aristobot.orders import OrderStatus
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Bracket, FillRow, Order, PositionRow, Webhook
from aristobot.store.webhooks import UNFINISHED
from tests.reliability.household import Household, Seat
from tests.reliability.storm import Sent
from tests.reliability.timeline import Timeline

_UNSETTLED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
#: Worth less than this, in quote, some exchange takes no stop for it.
_LEAST = Decimal(11)
#: Columns that live on without anything having happened.
_VOLATILE = frozenset({"current_price", "updated_at", "claims"})


@dataclass(frozen=True)
class Memory:
    """Every row of the house that speaks of alerts, orders and positions."""

    webhooks: Sequence[Webhook]
    orders: Sequence[Order]
    fills: Sequence[FillRow]
    positions: Sequence[PositionRow]
    brackets: Sequence[Bracket]

    @classmethod
    async def read(cls, db: Database) -> Memory:
        """All of it, in one state."""

        def work(session: GuardedSession) -> Memory:
            return cls(
                session.exec(select(Webhook)).all(),
                session.exec(select(Order)).all(),
                session.exec(select(FillRow)).all(),
                session.exec(select(PositionRow)).all(),
                session.exec(select(Bracket)).all(),
            )

        return await db.read(SYSTEM, work)

    def unrest(self) -> list[str]:
        """What is still to be done, by itself and soon; empty when all is quiet."""
        found = [f"alert {row.payload_id} is {row.status}" for row in self.webhooks if row.status in UNFINISHED]
        found += [f"order {row.id.hex} is {row.status}" for row in self.orders if row.status in _UNSETTLED]
        known = _sum_by((row.order_id, row.quantity) for row in self.fills)
        found += [f"order {row.id.hex} misses fills" for row in self.orders if known[row.id] != row.filled]
        restless = (BracketStatus.PLANNED, BracketStatus.MOVING)
        is_open = {row.id for row in self.positions if row.status is LotStatus.OPEN}
        found += [
            f"bracket of {row.position_id} is {row.status}"
            for row in self.brackets
            if row.position_id in is_open and (row.status in restless or row.unprotected_since)
        ]
        return found

    def image(self) -> dict[str, Any]:
        """Everything that a second reconciliation must leave as it is."""
        tables = (self.webhooks, self.orders, self.fills, self.positions, self.brackets)
        return {
            f"{type(row).__name__} {row.id}": {name: value for name, value in row.model_dump().items() if name not in _VOLATILE}
            for rows in tables
            for row in rows
        }


def is_busy(session: GuardedSession) -> bool:
    """Whether an alert or an order is under way: a cheap look, for who waits."""
    alerts = session.exec(select(Webhook.id).where(col(Webhook.status).in_(UNFINISHED)).limit(1)).first()
    orders = session.exec(select(Order.id).where(col(Order.status).in_(_UNSETTLED)).limit(1)).first()
    return alerts is not None or orders is not None


@dataclass
class Findings:
    """Violations, by the predicate they break."""

    broken: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    figures: Counter[str] = field(default_factory=Counter)
    #: Lengths of the spells without a stop, by exchange.
    naked: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, predicate: str, violations: Iterable[str]) -> None:
        """Add what breaks a predicate."""
        for violation in violations:
            self.broken[predicate].append(violation)

    def show(self, faults: Iterable[str]) -> bool:
        """Whether each of these words is in some violation."""
        violations = [violation for found in self.broken.values() for violation in found]
        return all(any(fault in violation for violation in violations) for fault in faults)

    def told(self) -> str:
        """The first few of each kind, for a failing test."""
        return "\n".join(
            f"{predicate}: {len(found)} ×\n  " + "\n  ".join(found[:6]) for predicate, found in sorted(self.broken.items())
        )


class Checker:
    """Compares what one household remembers with what its exchange knows."""

    def __init__(self, household: Household, sent: Sequence[Sent], memory: Memory, ledger: dict[str, Any]) -> None:
        self._household = household
        self._sent = sent
        self._memory = memory
        self._ledger = ledger
        self._seats: dict[uuid.UUID, Seat] = {seat.broker_id: seat for seat in household.seats}
        self._rows = {row.client_order_id: row for row in memory.orders}
        self.findings = Findings()

    def check_at_any_moment(self) -> Findings:
        """What must hold even while alerts and orders are under way, and the house is dead."""
        note = self.findings.note
        note("P1 no alert is lost", self._lost())
        note("P2 no order is doubled", self._doubled())
        note("P3 every order was written first", self._unwritten())
        note("P4 positions equal the ledger", self._disowned())
        return self.findings

    def check(self) -> Findings:
        """All predicates that need no second look at the house; nothing may be under way."""
        self.check_at_any_moment()
        note = self.findings.note
        note("P1 no alert is lost", self._unended())
        note("P4 positions equal the ledger", [*self._fills(), *self._amounts(), *self._ends()])
        note("P5 what is held is guarded", self._unguarded())
        for seat in self._household.seats:
            timeline = Timeline(seat.key, self._ledger)
            note("P6 nothing is oversold", timeline.oversold())
            self.findings.naked[seat.exchange] += timeline.naked_seconds(self._guarded_symbols(seat))
        self._count()
        return self.findings

    def check_keys(self, requests: Iterable[dict[str, Any]]) -> None:
        """P7: whoever names an order of a broker does so with that broker's key."""
        wrong = []
        for request in requests:
            row = self._rows.get(request["client_order_id"] or "")
            if row is not None and self._seats[row.broker_id].key != request["key"]:
                wrong.append(f"{request['event']} of {row.id.hex} with a foreign key")
        self.findings.note("P7 every key serves its own orders", wrong)

    def _lost(self) -> list[str]:
        rows: defaultdict[tuple[uuid.UUID, str], list[Webhook]] = defaultdict(list)
        for row in self._memory.webhooks:
            rows[row.broker_id, row.payload_id].append(row)
        found = []
        for alert in self._sent:
            mine = rows[alert.seat.broker_id, alert.identity]
            if len(mine) > 1:
                found.append(f"{alert.identity} has {len(mine)} rows")
            elif alert.acknowledged and not mine:
                found.append(f"{alert.identity} was acknowledged and is gone")
            elif mine and alert.acknowledged and alert.row_ids != {str(mine[0].id)}:
                found.append(f"{alert.identity} was answered with the id of another row")
        return found

    def _unended(self) -> list[str]:
        open_ones = [row for row in self._memory.webhooks if row.status in UNFINISHED or row.outcome is None]
        return [f"{row.payload_id} never ended" for row in open_ones]

    def _disowned(self) -> list[str]:
        """Orders that the house says the exchange never took, and the exchange has."""
        never = (OrderStatus.DENIED, OrderStatus.NOT_ACCEPTED, OrderStatus.REJECTED)
        accepted = {order["client_order_id"]: order for order in self._ledger["orders"]}
        return [
            f"{row.id.hex} {row.role}: {row.status} here, {accepted[row.client_order_id]['status']} there"
            for row in self._memory.orders
            if row.status in never and accepted.get(row.client_order_id, {"status": "REJECTED"})["status"] != "REJECTED"
        ]

    def _doubled(self) -> list[str]:
        identity = {row.id: row.payload_id for row in self._memory.webhooks}
        filled: defaultdict[tuple[str, str], list[Order]] = defaultdict(list)
        truth = {order["client_order_id"]: amount(order["filled"]) for order in self._ledger["orders"]}
        for row in self._memory.orders:
            if row.webhook_id is not None and truth.get(row.client_order_id):
                filled[identity.get(row.webhook_id, row.webhook_id.hex), row.leg].append(row)
        found = [f"{alert}/{leg} has {len(rows)} filled orders" for (alert, leg), rows in filled.items() if len(rows) > 1]
        twice = Counter(order["client_order_id"] for order in self._ledger["orders"])
        found += [f"{client_id} was taken {count} times" for client_id, count in twice.items() if count > 1]
        return found

    def _unwritten(self) -> list[str]:
        found = []
        for order in self._ledger["orders"]:
            row = self._rows.get(order["client_order_id"])
            if row is None:
                found.append(f"{order['side']} {order['symbol']} {order['client_order_id']} is unknown to the house")
            elif row.created_at.isoformat(timespec="milliseconds")[:23] > order["accepted_at"][:23]:
                found.append(f"{row.id.hex} was written after it was accepted")
        return found

    def _fills(self) -> list[str]:
        key_of = {seat.broker_id: seat.key for seat in self._household.seats}
        ours = Counter(
            (key_of[one.broker_id], one.symbol, one.trade_id, one.quantity, one.price, one.fee, one.fee_asset)
            for one in self._memory.fills
        )
        theirs = Counter(
            (
                one["key"],
                one["symbol"],
                one["trade_id"],
                *(amount(one[name]) for name in ("quantity", "price", "fee")),
                one["fee_asset"],
            )
            for one in self._ledger["fills"]
        )
        missing, invented = theirs - ours, ours - theirs
        return [f"fill {one[1:]} is not remembered" for one in missing] + [f"fill {one[1:]} never happened" for one in invented]

    def _amounts(self) -> list[str]:
        held = _sum_by(((row.broker_id, row.base), row.quantity) for row in self._memory.positions)
        found = []
        for seat in self._household.seats:
            net: defaultdict[str, Decimal] = defaultdict(Decimal)
            for fill in self._ledger["fills"]:
                if fill["key"] == seat.key:
                    _book(net, fill)
            balances = self._ledger["balances"][seat.exchange][seat.key]
            for asset, holding in balances.items():
                change = amount(holding["free"]) + amount(holding["locked"]) - amount(holding["deposited"])
                if change != net[asset]:
                    found.append(f"the exchange's own books are wrong: {asset} {change} instead of {net[asset]}")
                if asset != "USDT" and held[seat.broker_id, asset] != net[asset]:
                    found.append(f"{asset}: the house believes in {held[seat.broker_id, asset]}, the ledger says {net[asset]}")
        return found

    def _ends(self) -> list[str]:
        found = []
        for order in self._ledger["orders"]:
            row = self._rows.get(order["client_order_id"])
            if row is None:
                continue
            theirs = OrderStatus(order["status"])
            if row.filled != amount(order["filled"]) or row.status.is_final != theirs.is_final:
                found.append(f"{row.id.hex} {row.role}: {row.status} {row.filled} here, {theirs} {order['filled']} there")
        accepted = {order["client_order_id"] for order in self._ledger["orders"]}
        working = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED)
        found += [
            f"{row.id.hex} is {row.status} and nobody there knows it"
            for row in self._memory.orders
            if row.status in working and row.client_order_id not in accepted
        ]
        return found

    def _unguarded(self) -> list[str]:
        """Open positions whose owner asked for a stop, without a stop over their whole quantity at the end."""
        resting = _sum_by(
            ((order["key"], order["symbol"]), amount(order["quantity"]) - amount(order["filled"]))
            for order in self._ledger["orders"]
            if order["type"].startswith("stop_loss") and not OrderStatus(order["status"]).is_final
        )
        stops = {row.position_id: row.stop_price for row in self._memory.brackets}
        found = []
        for row in self._memory.positions:
            least = _LEAST / (row.current_price or Decimal(1))
            if row.status is LotStatus.OPEN and stops.get(row.id, ZERO) and row.quantity > least:
                covered = resting[self._seats[row.broker_id].key, row.symbol]
                if not Decimal("0.99") * row.quantity - least <= covered <= row.quantity:
                    found.append(f"{row.symbol}: {row.quantity} held, {covered} under a stop")
        return found

    def _guarded_symbols(self, seat: Seat) -> set[str]:
        guarded = {row.position_id for row in self._memory.brackets if row.stop_price}
        return {row.symbol for row in self._memory.positions if row.id in guarded and row.broker_id == seat.broker_id}

    def _count(self) -> None:
        figures = self.findings.figures
        figures["alerts"] = len(self._sent)
        figures["acknowledged"] = sum(alert.acknowledged for alert in self._sent)
        figures["duplicates"] = sum(alert.duplicates for alert in self._sent)
        for kind in ("orders", "fills"):
            for one in self._ledger[kind]:
                figures[f"{kind} at {one['exchange']}"] += 1
        figures["stops moved in place"] = sum(bool(order["former"]) for order in self._ledger["orders"])
        for row in self._memory.webhooks:
            figures[f"outcome {row.outcome}"] += 1


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What changed between two images of a memory."""
    found = [f"{name} appeared" for name in after.keys() - before.keys()]
    found += [f"{name} vanished" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        changed = {key: (old, after[name][key]) for key, old in before[name].items() if after[name][key] != old}
        if changed:
            found.append(f"{name} changed: {json.dumps(changed, default=str)}")
    return found


def _book(net: dict[str, Decimal], fill: dict[str, Any]) -> None:
    base, _, quote = fill["symbol"].partition("/")
    quantity, value = amount(fill["quantity"]), amount(fill["price"]) * amount(fill["quantity"])
    sign = 1 if fill["side"] == "buy" else -1
    net[base] += sign * quantity
    net[quote] -= sign * value
    net[fill["fee_asset"]] -= amount(fill["fee"])


def _sum_by(pairs: Iterable[tuple[Any, Decimal]]) -> defaultdict[Any, Decimal]:
    sums: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for key, value in pairs:
        sums[key] += value
    return sums
