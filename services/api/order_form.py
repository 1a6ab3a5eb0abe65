"""What a request says of an order, as a wish for the desk; and what is remembered to know the same request again."""

from __future__ import annotations

import hashlib
import uuid

from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderType, Side, TimeInForce
from aristobot.store import brokers
from services.api.values import In, Line, Money
from services.app import App
from services.order_draft import PlaceOrder, check_wish


class OrderIn(In):
    """An order to place: `quantity` in the base asset, or for a buy `quote_quantity` in the quote asset."""

    broker_id: uuid.UUID
    symbol: Line
    side: Side
    type: OrderType = OrderType.LIMIT
    quantity: Money = ZERO
    quote_quantity: Money = ZERO
    price: Money = ZERO
    stop_price: Money = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC


async def wish_of(house: App, user_id: uuid.UUID, form: OrderIn, cause: uuid.UUID) -> PlaceOrder:
    """The wish, its symbol in our spelling. Raises NotFound, InvalidInput, UnknownSymbol, ExchangeError."""
    broker = await house.db.read(user_id, lambda s: brokers.get(s, form.broker_id))
    wish = PlaceOrder(
        broker_id=broker.id,
        symbol=await house.catalog.resolve(broker.exchange, form.symbol),
        side=form.side,
        type=form.type,
        quantity=form.quantity,
        quote_quantity=form.quote_quantity,
        price=form.price,
        stop_price=form.stop_price,
        time_in_force=form.time_in_force,
        origin=OrderOrigin.MANUAL,
        role=OrderRole.ENTRY if form.side is Side.BUY else OrderRole.EXIT,
        cause=cause,
        leg="api",
        note=fingerprint(form),
    )
    check_wish(wish)  # what no market would take needs no look at funds and prices
    return wish


def fingerprint(form: OrderIn) -> str:
    """The same for the same request: a key that comes with another one was reused by mistake."""
    return hashlib.sha256(form.model_dump_json().encode()).hexdigest()[:32]
