"""Stops and targets of Bitget: an order outside the book that, once triggered, makes an ordinary order with ids of its own.

To the rest of the house both are one order, under the client id and the exchange id of the first. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from services.exchanges.bitget_wire import Naming

T = TypeVar("T")
#: Ids remembered per key; older ones are found by asking again.
_REMEMBERED = 10_000


class Stage(StrEnum):
    """How far a plan has come."""

    WAITING = "waiting"
    TRIGGERED = "triggered"
    CANCELLED = "cancelled"
    FAILED = "failed"


_STATUSES = {
    Stage.WAITING: OrderStatus.OPEN,
    Stage.TRIGGERED: OrderStatus.OPEN,
    Stage.CANCELLED: OrderStatus.CANCELED,
    Stage.FAILED: OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan order (classic) or strategy order (unified). `native` is the exchange's name of the symbol."""

    order_id: str
    client_id: str
    native: str
    side: Side
    type: OrderType
    stage: Stage
    quantity: Decimal
    stop_price: Decimal
    price: Decimal
    created: datetime
    at: datetime

    @property
    def may_rest(self) -> bool:
        """Whether the order that it makes can wait in the book."""
        return self.type in (OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)

    def report(self, naming: Naming, child: OrderReport | None = None) -> OrderReport:
        """The plan and, once it is triggered, the order that it made, as one order; what was filled decides as ever."""
        if child is not None and self.stage is Stage.TRIGGERED:
            return replace(
                child,
                client_order_id=self.client_id,
                exchange_order_id=self.order_id,
                type=self.type,
                quantity=self.quantity or child.quantity,
                stop_price=self.stop_price,
                price=self.price,
                fills=tuple(self.fill(one) for one in child.fills),
            )
        return OrderReport(
            client_order_id=self.client_id,
            exchange_order_id=self.order_id,
            symbol=naming(self.native),
            side=self.side,
            type=self.type,
            status=_STATUSES[self.stage],
            quantity=self.quantity,
            filled=ZERO,
            at=self.at,
            price=self.price,
            stop_price=self.stop_price,
            reason="fail_execute" if self.stage is Stage.FAILED else "",
        )

    def fill(self, execution: Fill) -> Fill:
        """An execution of the order that it made, under our name."""
        return replace(execution, client_order_id=self.client_id)


class PlanBook:
    """What is known of one key's plans: which client ids are plans, and which orders they made. Forgets the oldest."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        self._made: OrderedDict[str, Plan] = OrderedDict()
        self._children: OrderedDict[str, str] = OrderedDict()
        self._ordinary: OrderedDict[str, None] = OrderedDict()

    def note(self, client_id: str, order_id: str) -> None:
        """This client id is a plan's."""
        _remember(self._names, client_id, order_id)

    def is_plan(self, client_id: str) -> bool:
        """Whether this client id is known to be a plan's."""
        return client_id in self._names

    def adopt(self, child_id: str, plan: Plan) -> None:
        """This order was made by that plan."""
        self.note(plan.client_id, plan.order_id)
        self._ordinary.pop(child_id, None)
        _remember(self._made, child_id, plan)
        _remember(self._children, plan.order_id, child_id)

    def maker_of(self, order_id: str) -> Plan | None:
        """The plan that made this order, when one is known to have."""
        return self._made.get(order_id)

    def child_of(self, plan: Plan) -> str:
        """The id of the order that a plan made; empty while it is not known."""
        return self._children.get(plan.order_id, "")

    def note_ordinary(self, order_id: str) -> None:
        """No plan made this order."""
        if order_id not in self._made:
            _remember(self._ordinary, order_id, None)

    def is_unknown(self, order_id: str) -> bool:
        """Whether nobody has looked yet where this order comes from."""
        return order_id not in self._made and order_id not in self._ordinary


def _remember(shelf: OrderedDict[str, T], key: str, value: T) -> None:
    shelf[key] = value
    shelf.move_to_end(key)
    if len(shelf) > _REMEMBERED:
        shelf.popitem(last=False)
