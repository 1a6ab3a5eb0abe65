"""`/api/orders/` and `/api/fills/`: ask for orders through the one desk, see what became of them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from aristobot.errors import Conflict, Refused, RiskRefused
from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.language import explain
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.failures import answer_to
from services.api.foreign_order import one_of_all, recent_of_all
from services.api.order_form import OrderIn, check_unused_elsewhere, wish_of
from services.api.paging import Listed, Page
from services.api.values import Facts, In, Moment, Money, Out
from services.api_tokens import TokenHolder
from services.order_draft import EditOrder

router = APIRouter(prefix="/api", tags=["orders"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


class OrderOut(Out):
    """What we believe of one order."""

    id: uuid.UUID
    broker_id: uuid.UUID
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Money
    quote_quantity: Money
    price: Money
    stop_price: Money
    status: OrderStatus
    filled: Money
    quote_filled: Money
    client_order_id: str
    exchange_order_id: str
    origin: OrderOrigin
    role: OrderRole
    position_id: uuid.UUID | None
    webhook_id: uuid.UUID | None
    reason: str
    reason_facts: Facts
    dry_run: bool
    note: str = Field(default="", validation_alias="shown_note")
    trace_id: str
    created_at: Moment
    sent_at: Moment | None
    updated_at: Moment
    done_at: Moment | None


class OrderChange(In):
    """What may change of a resting order; what is not named stays."""

    price: Money | None = None
    quantity: Money | None = None
    stop_price: Money | None = None


class PreviewOut(Out):
    """What an order would become; `refusal` says why it would not go."""

    symbol: str
    side: Side
    type: OrderType
    quantity: Money
    price: Money
    stop_price: Money
    time_in_force: TimeInForce
    notional: Money
    fee: Money
    reference_price: Money
    refusal: dict[str, Any] | None


class FillOut(Out):
    """One execution."""

    id: uuid.UUID
    broker_id: uuid.UUID
    order_id: uuid.UUID
    position_id: uuid.UUID | None
    symbol: str
    trade_id: str
    side: Side
    price: Money
    quantity: Money
    fee: Money
    fee_asset: str
    maker: bool
    at: Moment


@router.get("/orders/")
async def list_orders(
    house: House,
    who: Reader,
    listed: Listed,
    broker_id: uuid.UUID | None = None,
    symbol: Annotated[str | None, Query(max_length=48)] = None,
    status: OrderStatus | None = None,
) -> Page[OrderOut]:
    """The user's orders, the newest first; with them those placed elsewhere, whose origin is the order monitor."""
    wanted = {"broker_id": broker_id, "symbol": symbol, "status": status, "limit": listed.wanted, "before": listed.before}
    rows = await house.db.read(who.user_id, lambda s: recent_of_all(s, who.language, wanted))
    return Page[OrderOut].model_validate(listed.page(rows, lambda row: (row.created_at, row.id)))


@router.post("/orders/preview/")
async def preview(house: House, who: Reader, form: OrderIn) -> PreviewOut:
    """Rounded values, fee and refusal, without sending anything."""
    seen = await house.desk.preview(who.user_id, await wish_of(house, who.user_id, form, uuid.uuid4()))
    request, refusal = seen.request, seen.refusal
    return PreviewOut(
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        quantity=request.quantity,
        price=request.price,
        stop_price=request.stop_price,
        time_in_force=request.time_in_force,
        notional=seen.notional,
        fee=seen.fee,
        reference_price=seen.reference,
        refusal={"code": refusal.code, "message": explain(refusal, language=who.language)} if refusal else None,
    )


@router.post("/orders/", status_code=201, response_model=OrderOut)
async def place(house: House, who: Trader, form: OrderIn, response: Response, key: IdempotencyKey) -> Order | JSONResponse:
    """Place an order. The same `Idempotency-Key` again answers with the first order and sends nothing; with another request
    (another broker is one) it is refused.

    201 when it was accepted, 202 when its outcome is still being found out, 409 with the order when it was refused.
    """
    wish = await wish_of(house, who.user_id, form, uuid.uuid5(who.user_id, key))
    async with house.floor.only(wish.cause):  # the same key at another broker comes after this one, and finds its order
        await check_unused_elsewhere(house, who.user_id, wish)
        row = await house.desk.place(who.user_id, wish)
    if row.note != wish.note:
        raise Conflict("idempotency_key_reused", field="Idempotency-Key")
    refused = _refused(row, who)
    if refused is not None:
        return refused
    response.status_code = 202 if row.status in (OrderStatus.UNKNOWN, OrderStatus.PENDING) else 201
    return row


@router.get("/orders/{order_id}/")
async def order(house: House, who: Reader, order_id: Id) -> OrderOut:
    """One order."""
    return OrderOut.model_validate(await house.db.read(who.user_id, lambda s: one_of_all(s, who.language, order_id)))


@router.patch("/orders/{order_id}/", response_model=OrderOut)
async def change(house: House, who: Trader, order_id: Id, form: OrderChange) -> Order | JSONResponse:
    """Change a resting order; answers with the order that replaces it, or 409 with the refusal while the old one rests on.

    Of an exit that guards a position only its price can be changed: what guards the position is moved, as by PUT on its
    protection, and the answer is the order that then stands in its place.
    """
    row = await house.hand.resting.change(who.user_id, order_id, EditOrder(**form.given()))
    if row is None:
        return await house.hand.resting.standing(who.user_id, order_id)
    return _refused(row, who) or row


@router.delete("/orders/{order_id}/")
async def cancel(house: House, who: Trader, order_id: Id, response: Response) -> OrderOut:
    """Cancel an order; one that already ended is answered as it is.

    An exit is taken out of what guards its position: 202 while it still rests, for exits keep a distance between their moves.
    """
    row = await house.hand.resting.cancel(who.user_id, order_id)
    response.status_code = 200 if row.status.is_final else 202
    return OrderOut.model_validate(row)


@router.get("/fills/")
async def list_fills(
    house: House,
    who: Reader,
    listed: Listed,
    broker_id: uuid.UUID | None = None,
    symbol: Annotated[str | None, Query(max_length=48)] = None,
) -> Page[FillOut]:
    """The user's executions, the newest first."""
    rows = await house.db.read(
        who.user_id, lambda s: orders.recent_fills(s, broker_id, symbol, limit=listed.wanted, before=listed.before)
    )
    return Page[FillOut].model_validate(listed.page(rows, lambda row: (row.at, row.id)))


def _refused(row: Order, who: TokenHolder) -> JSONResponse | None:
    if not row.status.is_refused:
        return None
    kind = RiskRefused if row.status is OrderStatus.DENIED else Refused
    code = row.reason.removeprefix("error.") or "refused"
    shown = OrderOut.model_validate(row).model_dump(mode="json")
    return answer_to(kind(code, **(row.reason_facts or {})), who.language, order=shown)
