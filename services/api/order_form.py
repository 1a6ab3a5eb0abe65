"""What a request says of an order, as a wish for the desk; and what is remembered to know the same request again."""

from __future__ import annotations

import hashlib
import uuid

from aristobot.errors import Conflict
from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderType, Side, TimeInForce, client_order_id
from aristobot.store import brokers, orders
from aristobot.store.tenancy import GuardedSession
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


async def check_unused_elsewhere(house: App, user_id: uuid.UUID, wish: PlaceOrder) -> None:
    """A key stands for one order: raise Conflict when it has ordered at another broker of its user."""

    def used(session: GuardedSession) -> bool:
        others = [one.id for one in brokers.mine(session, with_deleted=True) if one.id != wish.broker_id]
        ids = [client_order_id(house.floor.installation, one, wish.cause, wish.leg, wish.attempt) for one in others]
        return any(orders.find(session, one) is not None for one in ids)

    if await house.db.read(user_id, used):
        raise Conflict("idempotency_key_reused", field="Idempotency-Key")
