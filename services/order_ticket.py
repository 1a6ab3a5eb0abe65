"""An order as somebody fills it in by hand, and what it will be once it is sent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec

from aristobot.errors import AristobotError, InvalidInput
from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.market import Instrument, Symbol
from aristobot.money import HUNDRED, ZERO, percent_of, round_down, round_up
from aristobot.orders import OrderRequest, OrderType, Side
from aristobot.sizing import Basis
from aristobot.store.trading_tables import PositionRow
from services.exit_plan import ExitPlan
from services.order_draft import PlaceOrder

OWNER = "manual"
_THROUGH = Decimal(3)


class TicketKind(StrEnum):
    """The kinds of the form. OCO sells: a stop and a target, one cancels the other; OCO buys: an entry that brings both."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    OCO = "oco"


class Ticket(msgspec.Struct, frozen=True):
    """What is filled in; `quantity` is base. `stop_price` is the trigger, or the stop of an OCO, `target_price` its target."""

    broker_id: uuid.UUID
    symbol: Symbol
    side: Side
    kind: TicketKind
    quantity: Decimal
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    target_price: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Market:
    """What the form must know of a symbol at a broker, now. `held` is the open position bought by hand, in base."""

    instrument: Instrument
    reference: Decimal
    worst_buy: Decimal
    free_base: Decimal
    free_quote: Decimal
    equity: Decimal
    fee_on_top: Decimal
    native_oco: bool
    held: Decimal

    def basis(self, side: Side, kind: TicketKind, price: Decimal) -> Basis:
        """What sizes of such an order are counted from; `price` is the limit, the trigger or the target, zero for the market."""
        market = kind is TicketKind.MARKET or (kind is TicketKind.OCO and side is Side.BUY)
        return Basis(
            instrument=self.instrument,
            side=side,
            price=self.reference if market else price,
            worst=self.worst_buy if market else price,
            free=self.free_quote if side is Side.BUY else self.free_base,
            equity=self.equity,
            fee_on_top=self.fee_on_top if side is Side.BUY else ZERO,
            market=market,
        )


class Way(StrEnum):
    """How a stop and a target come to rest: as one list of the exchange, or kept by the bracket keeper."""

    ALONE = "alone"
    LIST = "list"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, to the digit; `refusal` says why it would not go. Of an OCO `request` is its target, or its entry."""

    ticket: Ticket
    instrument: Instrument
    request: OrderRequest
    way: Way
    reference: Decimal
    notional: Decimal
    fee: Decimal
    #: Whether the fee is counted by the account's own rates, and not by those that the exchange tells everybody.
    own_fees: bool
    stop_price: Decimal = ZERO
    target_price: Decimal = ZERO
    refusal: AristobotError | None = None


def check_ticket(ticket: Ticket, reference: Decimal) -> None:
    """Raise InvalidInput, naming the field, for triggers on the wrong side of the market."""
    if ticket.quantity <= ZERO:
        raise InvalidInput("size_missing", field="quantity")
    if ticket.kind is TicketKind.OCO:
        if not ticket.stop_price:
            raise InvalidInput("stop_price_missing", field="stop_price")
        if not ticket.target_price:
            raise InvalidInput("target_missing", field="target_price")
        if not ticket.stop_price < reference < ticket.target_price:
            raise InvalidInput("oco_around_market", field="stop_price")
        return
    if ticket.kind not in (TicketKind.STOP_LOSS, TicketKind.TAKE_PROFIT) or not ticket.stop_price:
        return
    below = (ticket.kind is TicketKind.STOP_LOSS) is (ticket.side is Side.SELL)
    if below and ticket.stop_price >= reference:
        raise InvalidInput("trigger_not_below", field="stop_price")
    if not below and ticket.stop_price <= reference:
        raise InvalidInput("trigger_not_above", field="stop_price")


def wish_of(ticket: Ticket, instrument: Instrument, cause: uuid.UUID, worst_price: Decimal = ZERO) -> PlaceOrder:
    """The wish that a ticket is for the desk. A market entry goes no further than `worst_price`, which was shown."""
    kind, price = _form(ticket, instrument)
    return PlaceOrder(
        broker_id=ticket.broker_id,
        symbol=ticket.symbol,
        side=ticket.side,
        type=kind,
        quantity=ticket.quantity,
        price=price,
        stop_price=ZERO if ticket.kind is TicketKind.OCO else ticket.stop_price,
        worst_price=worst_price,
        origin=OrderOrigin.MANUAL,
        role=OrderRole.ENTRY if ticket.side is Side.BUY else OrderRole.EXIT,
        owner=OWNER,
        cause=cause,
        leg=OWNER,
    )


def closing_wish(row: PositionRow, quantity: Decimal, cause: uuid.UUID) -> PlaceOrder:
    """The wish that sells so much of a position at the market."""
    return PlaceOrder(
        broker_id=row.broker_id,
        symbol=row.symbol,
        side=Side.SELL,
        type=OrderType.MARKET,
        quantity=quantity,
        origin=OrderOrigin.MANUAL,
        role=OrderRole.EXIT,
        owner=row.owner,
        cause=cause,
        leg=f"close:{row.id.hex[:12]}",
        position_id=row.id,
    )


def _form(ticket: Ticket, instrument: Instrument) -> tuple[OrderType, Decimal]:
    """The exchange's type and limit price: a trigger that may not fire a market order gets a limit 3 % behind it."""
    match ticket.kind:
        case TicketKind.MARKET:
            return OrderType.MARKET, ZERO
        case TicketKind.LIMIT:
            return OrderType.LIMIT, ticket.price
        case TicketKind.OCO:
            return (OrderType.MARKET, ZERO) if ticket.side is Side.BUY else (OrderType.LIMIT, ticket.target_price)
        case TicketKind.STOP_LOSS:
            plain, limited = OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT
        case TicketKind.TAKE_PROFIT:
            plain, limited = OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT
    if not instrument.order_types or plain in instrument.order_types:
        return plain, ZERO
    if ticket.side is Side.BUY:
        return limited, round_up(percent_of(ticket.stop_price, 100 + _THROUGH), instrument.tick)
    return limited, round_down(percent_of(ticket.stop_price, 100 - _THROUGH), instrument.tick)


def exits_of(plan: Plan) -> ExitPlan:
    """What guards a position after an OCO: its stop, and its target over the whole."""
    return ExitPlan(plan.stop_price, ((HUNDRED, plan.target_price),))
