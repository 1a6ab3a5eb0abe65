"""What we ask of Kraken, in the words of its socket and in those of its forms. Pure.

On the socket amounts are JSON numbers, written from the Decimal's own digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from aristobot.market import Symbol
from aristobot.money import ZERO, plain
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OrderType, TimeInForce
from services.exchanges.kraken_wire import WAITING_FOR_A_PRICE

_NATIVE_TYPES = {kind: kind.value.replace("_", "-") for kind in OrderType} | {OrderType.LIMIT_MAKER: "limit"}
_PRICED = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_LASTING = TimeInForce.GTC


class Trigger(msgspec.Struct):
    """When a stop or target comes alive: by the last price, at an absolute one."""

    price: msgspec.Raw
    reference: str = "last"
    price_type: str = "static"


class AddOrder(msgspec.Struct, omit_defaults=True):
    """`add_order`."""

    order_type: str
    side: str
    symbol: Symbol
    cl_ord_id: str
    deadline: str
    token: str
    order_qty: msgspec.Raw | None = None
    cash_order_qty: msgspec.Raw | None = None
    limit_price: msgspec.Raw | None = None
    triggers: Trigger | None = None
    time_in_force: str = "gtc"
    post_only: bool = False
    fee_preference: str | None = None


class AmendOrder(msgspec.Struct, omit_defaults=True):
    """`amend_order`."""

    cl_ord_id: str
    deadline: str
    token: str
    order_qty: msgspec.Raw | None = None
    limit_price: msgspec.Raw | None = None
    trigger_price: msgspec.Raw | None = None
    post_only: bool = False


class CancelOrder(msgspec.Struct):
    """`cancel_order`."""

    cl_ord_id: list[str]
    token: str


class Change(Protocol):
    """Something that changes an order: what it is called on both ways, and what it says there."""

    @property
    def method(self) -> str:
        """Its name on the socket."""

    @property
    def path(self) -> str:
        """Its place on REST."""

    @property
    def symbol(self) -> Symbol:
        """What it is about."""

    def spoken(self, token: str, deadline: str) -> msgspec.Struct:
        """Its parameters on the socket."""

    def written(self, deadline: str) -> dict[str, str]:
        """Its form on REST."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A new order. The fee is asked for in quote, whichever side: what a buy brings can then be sold whole."""

    request: OrderRequest
    native: str
    method: str = "add_order"
    path: str = "/0/private/AddOrder"

    @property
    def symbol(self) -> Symbol:
        """What is bought or sold."""
        return self.request.symbol

    def spoken(self, token: str, deadline: str) -> AddOrder:
        """The parameters of `add_order`."""
        asked = self.request
        kind = asked.type
        sent = AddOrder(
            order_type=_NATIVE_TYPES[kind],
            side=asked.side.value,
            symbol=asked.symbol,
            cl_ord_id=asked.client_order_id,
            deadline=deadline,
            token=token,
            fee_preference="quote",
        )
        if _in_quote(asked):
            sent.cash_order_qty = _number(asked.quote_quantity)
        else:
            sent.order_qty = _number(asked.quantity)
        if kind in _PRICED:
            sent.limit_price = _number(asked.price)
            sent.time_in_force = asked.time_in_force.value
            sent.post_only = kind is OrderType.LIMIT_MAKER
        if kind in WAITING_FOR_A_PRICE:
            sent.triggers = Trigger(_number(asked.stop_price))
        return sent

    def written(self, deadline: str) -> dict[str, str]:
        """The form of AddOrder: `price` is the trigger of an order that waits for one, its limit is then `price2`."""
        asked = self.request
        kind, in_quote = asked.type, _in_quote(asked)
        form = {
            "pair": self.native,
            "type": asked.side.value,
            "ordertype": _NATIVE_TYPES[kind],
            "volume": plain(asked.quote_quantity if in_quote else asked.quantity),
            "cl_ord_id": asked.client_order_id,
            "deadline": deadline,
        }
        if kind in WAITING_FOR_A_PRICE:
            form["price"], form["trigger"] = plain(asked.stop_price), "last"
        if kind in _PRICED:
            form["price2" if kind in WAITING_FOR_A_PRICE else "price"] = plain(asked.price)
            if asked.time_in_force is not _LASTING:
                form["timeinforce"] = asked.time_in_force.name
        flags = ["post"] * (kind is OrderType.LIMIT_MAKER) + ["viqc"] * in_quote + ["fciq"]
        form["oflags"] = ",".join(flags)
        return form


@dataclass(frozen=True, slots=True)
class Amending:
    """Another quantity, limit or trigger for an order that keeps its ids, and its place where it only gets smaller.

    That it may only make is said anew: else another limit could take.
    """

    request: OrderRequest
    method: str = "amend_order"
    path: str = "/0/private/AmendOrder"

    @property
    def symbol(self) -> Symbol:
        """What the order buys or sells."""
        return self.request.symbol

    def spoken(self, token: str, deadline: str) -> AmendOrder:
        """The parameters of `amend_order`."""
        new = {name: _number(value) for name, value in self._new().items()}
        only_makes = self.request.type is OrderType.LIMIT_MAKER
        return AmendOrder(cl_ord_id=self.request.client_order_id, deadline=deadline, token=token, post_only=only_makes, **new)

    def written(self, deadline: str) -> dict[str, str]:
        """The form of AmendOrder."""
        new = {name: plain(value) for name, value in self._new().items()}
        if self.request.type is OrderType.LIMIT_MAKER:
            new["post_only"] = "true"
        return {"cl_ord_id": self.request.client_order_id, "deadline": deadline, **new}

    def _new(self) -> dict[str, Decimal]:
        asked = self.request
        new = {"order_qty": asked.quantity} if asked.quantity else {}
        if asked.type in _PRICED:
            new["limit_price"] = asked.price
        if asked.type in WAITING_FOR_A_PRICE:
            new["trigger_price"] = asked.stop_price
        return new


@dataclass(frozen=True, slots=True)
class Cancelling:
    """An order taken back."""

    symbol: Symbol
    client_order_id: str
    method: str = "cancel_order"
    path: str = "/0/private/CancelOrder"

    def spoken(self, token: str, deadline: str) -> CancelOrder:
        """The parameters of `cancel_order`, which knows no deadline: it may be repeated."""
        return CancelOrder([self.client_order_id], token)

    def written(self, deadline: str) -> dict[str, str]:
        """The form of CancelOrder."""
        return {"cl_ord_id": self.client_order_id}


def accepted_report(request: OrderRequest, exchange_order_id: str, at: datetime) -> OrderReport:
    """What is known of an order that was just taken: an answer holds no state, and no fills."""
    kind = request.type
    return OrderReport(
        client_order_id=request.client_order_id,
        exchange_order_id=exchange_order_id,
        symbol=request.symbol,
        side=request.side,
        type=kind,
        status=OrderStatus.OPEN,
        quantity=request.quantity,
        filled=ZERO,
        at=at,
        price=request.price if kind in _PRICED else ZERO,
        stop_price=request.stop_price if kind in WAITING_FOR_A_PRICE else ZERO,
    )


def _in_quote(request: OrderRequest) -> bool:
    return request.type is OrderType.MARKET and bool(request.quote_quantity)


def _number(value: Decimal) -> msgspec.Raw:
    return msgspec.Raw(plain(value).encode())
