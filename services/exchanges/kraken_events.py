"""The account's own channels: what the socket says of an order is only what changed, so each order is held and completed.

Channels: Kraken WebSocket API v2, `executions` and `balances`. No network here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.market import Symbol
from aristobot.money import WIDE, ZERO
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_wire import SIDES, TYPES, WAITING_FOR_A_PRICE, our_word, real, real_fee, status_of

_STATUSES = {
    "pending_new": OrderStatus.OPEN,
    "new": OrderStatus.OPEN,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}
#: Orders kept after they ended: late words about them are then understood.
_REMEMBERED = 1000


class Trigger(msgspec.Struct):
    """What a stop waits for."""

    price: Decimal | None = None


class Fee(msgspec.Struct):
    """What an execution cost."""

    asset: str
    qty: Decimal


class Execution(msgspec.Struct):
    """Something that happened to an order; what did not change is left out."""

    order_id: str
    timestamp: datetime
    exec_type: str = ""
    order_status: str | None = None
    cl_ord_id: str | None = None
    symbol: Symbol | None = None
    side: str | None = None
    order_type: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    triggers: Trigger | None = None
    post_only: bool = False
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    exec_id: str | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    liquidity_ind: str | None = None
    fees: list[Fee] = []
    reason: str | None = None


EXECUTIONS = msgspec.json.Decoder(list[Execution])


@dataclass(slots=True)
class HeldOrder:
    """All that was said of one order so far."""

    order_id: str
    symbol: Symbol
    side: Side
    type: OrderType
    at: datetime
    client_order_id: str = ""
    status: OrderStatus = OrderStatus.OPEN
    quantity: Decimal = ZERO
    limit: Decimal = ZERO
    trigger: Decimal = ZERO
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    reason: str = ""
    fills: dict[str, Fill] = field(default_factory=dict)

    @property
    def rests(self) -> bool:
        """Whether it may still be executed."""
        return self.status.is_working

    @property
    def is_whole(self) -> bool:
        """Whether it has ended and every execution of it is known."""
        known = sum((one.quantity for one in self.fills.values()), ZERO)
        return self.status.is_final and known == self.filled

    def report(self) -> OrderReport:
        """What it stands at now, with every execution that was heard of."""
        return OrderReport(
            client_order_id=self.client_order_id,
            exchange_order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            status=status_of(self.status, self.filled),
            quantity=self.quantity or self.filled,
            filled=self.filled,
            at=self.at,
            price=self.limit,
            stop_price=self.trigger,
            quote_filled=self.cost,
            fills=tuple(self.fills.values()),
            reason=self.reason,
        )


class HeldOrders:
    """The orders of one account, by their ids."""

    def __init__(self) -> None:
        self._orders: dict[str, HeldOrder] = {}
        self._by_client_id: dict[str, str] = {}

    def resting(self) -> Iterator[HeldOrder]:
        """The orders that hold funds."""
        return (one for one in self._orders.values() if one.rests)

    def find(self, client_order_id: str) -> HeldOrder | None:
        """The order with a client id, None when nothing was heard of it."""
        return self._orders.get(self._by_client_id.get(client_order_id, ""))

    def forget_resting(self) -> None:
        """A snapshot begins: what rested before and is not in it has ended unseen."""
        for one in list(self.resting()):
            self._drop(one.order_id)

    def heard(self, event: Execution) -> tuple[HeldOrder, Fill | None] | None:
        """The order as it is now, and the execution that was new; None of an order of which too little was ever said.

        Raise DataError, and change nothing, for an event that cannot be.
        """
        order = self._orders.get(event.order_id)
        if order is None:
            order = _first_heard(event)
            if order is None:
                return None
        fill = _fill_of(event, order)
        amounts = [one for one in (event.order_qty, event.limit_price, event.cum_qty, event.cum_cost) if one is not None]
        trigger = event.triggers.price if event.triggers is not None and event.triggers.price is not None else order.trigger
        real(trigger, *amounts)
        status = our_word(_STATUSES, event.order_status, "order_status") if event.order_status else order.status
        _complete(order, event, trigger)
        order.status = status if not order.status.is_final or status.is_final else order.status
        fresh = fill if fill is not None and fill.trade_id not in order.fills else None
        if fresh is not None:
            order.fills[fresh.trade_id] = fresh
        self._keep(order)
        return order, fresh

    def _keep(self, order: HeldOrder) -> None:
        self._orders[order.order_id] = order
        if order.client_order_id:
            self._by_client_id[order.client_order_id] = order.order_id
        if len(self._orders) > _REMEMBERED:
            ended = next((one for one in self._orders.values() if not one.rests), None)
            if ended is not None:
                self._drop(ended.order_id)

    def _drop(self, order_id: str) -> None:
        gone = self._orders.pop(order_id)
        self._by_client_id.pop(gone.client_order_id, None)


def _first_heard(event: Execution) -> HeldOrder | None:
    if event.symbol is None or event.side is None or event.order_type is None:
        return None
    kind = our_word(TYPES, event.order_type, "order_type")
    if kind is OrderType.LIMIT and event.post_only:
        kind = OrderType.LIMIT_MAKER
    return HeldOrder(event.order_id, event.symbol, our_word(SIDES, event.side, "side"), kind, event.timestamp)


def _complete(order: HeldOrder, event: Execution, trigger: Decimal) -> None:
    """Take over what is said. A quantity filled never shrinks, whichever message comes first."""
    order.at = event.timestamp
    order.client_order_id = event.cl_ord_id or order.client_order_id
    order.quantity = order.quantity if event.order_qty is None else event.order_qty
    order.limit = order.limit if event.limit_price is None else event.limit_price
    order.trigger = trigger if order.type in WAITING_FOR_A_PRICE else ZERO
    order.filled = max(order.filled, event.cum_qty or ZERO)
    order.cost = max(order.cost, event.cum_cost or ZERO)
    order.reason = event.reason or order.reason


def _fill_of(event: Execution, order: HeldOrder) -> Fill | None:
    """The execution an event tells of; two fees in one asset are one."""
    if not event.exec_id or event.last_qty is None or event.last_price is None:
        return None
    real(event.last_qty, event.last_price)
    fee, asset = ZERO, order.symbol.rpartition("/")[2]
    for number, one in enumerate(event.fees):
        real_fee(one.qty)
        if number and one.asset != asset:
            raise DataError("unknown_exchange_word", exchange=NAME, field="fees", value=one.asset[:40])
        fee, asset = WIDE.add(fee, one.qty), one.asset
    return Fill(
        trade_id=event.exec_id,
        symbol=order.symbol,
        side=order.side,
        price=event.last_price,
        quantity=event.last_qty,
        fee=fee,
        fee_asset=asset,
        at=event.timestamp,
        exchange_order_id=order.order_id,
        client_order_id=event.cl_ord_id or order.client_order_id,
        maker=event.liquidity_ind == "m",
    )
