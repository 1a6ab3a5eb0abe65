"""Orders: what we ask, what the exchange says, and which change of status is believed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha1

import msgspec

from aristobot.market import Symbol
from aristobot.money import ZERO, divided, times


class Side(StrEnum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """The field's names. STOP_LOSS and TAKE_PROFIT become market orders when triggered, the _LIMIT ones limit orders."""

    MARKET = "market"
    LIMIT = "limit"
    LIMIT_MAKER = "limit_maker"
    STOP_LOSS = "stop_loss"
    STOP_LOSS_LIMIT = "stop_loss_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


class TimeInForce(StrEnum):
    """How long a limit order lives."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    """Where an order stands (reliability: the order state machine).

    PENDING with a `sent_at` was, or may have been, sent. UNKNOWN has a resolver. DENIED is our own no before sending;
    NOT_ACCEPTED is the proof that the exchange never took it.
    """

    PENDING = "PENDING"
    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    DENIED = "DENIED"
    NOT_ACCEPTED = "NOT_ACCEPTED"

    @property
    def is_final(self) -> bool:
        """Whether the order will not change any more, late fills apart."""
        return self in FINAL

    @property
    def is_refused(self) -> bool:
        """Whether nothing came of the order, because somebody said no."""
        return self in REFUSED

    @property
    def is_working(self) -> bool:
        """Whether the order rests at the exchange."""
        return self in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


_S = OrderStatus
#: The ends of an order of which nothing came: its exchange said no, we did, or it never got there.
REFUSED = frozenset({_S.REJECTED, _S.DENIED, _S.NOT_ACCEPTED})
FINAL = REFUSED | {_S.FILLED, _S.CANCELED, _S.EXPIRED}
#: Of two things said of one order the higher counts, whichever came first. Our own verdicts (up to NOT_ACCEPTED) yield to
#: whatever the exchange says; a cancelled or expired order may still turn out to be filled.
RANK: dict[OrderStatus, int] = {
    status: rank
    for rank, status in enumerate(
        (
            _S.PENDING, _S.UNKNOWN, _S.DENIED, _S.NOT_ACCEPTED,
            _S.OPEN, _S.PARTIALLY_FILLED, _S.REJECTED, _S.EXPIRED, _S.CANCELED, _S.FILLED,
        )
    )
}  # fmt: skip
_NOTHING_FILLED = REFUSED | {_S.PENDING, _S.UNKNOWN, _S.OPEN}


def may_conclude(current: OrderStatus, verdict: OrderStatus) -> bool:
    """Whether we may say `verdict` (UNKNOWN, DENIED, REJECTED, NOT_ACCEPTED) of an order by ourselves.

    Only as long as the exchange has said nothing of it.
    """
    return current in (_S.PENDING, _S.UNKNOWN) and verdict is not current


def can_rest(kind: OrderType, lives: TimeInForce) -> bool:
    """Whether such an order may wait at the exchange; any other is over an instant after it was taken."""
    return kind is not OrderType.MARKET and lives is TimeInForce.GTC


class OrderRequest(msgspec.Struct, frozen=True):
    """What we ask: rounded, checked, with its client id. `quantity` is base; a market buy may say `quote_quantity` instead."""

    client_order_id: str
    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC


class OcoRequest(msgspec.Struct, frozen=True):
    """A stop and a target over the same quantity: one fills, the exchange cancels the other. Selling only."""

    list_client_id: str
    symbol: Symbol
    quantity: Decimal
    stop: OrderRequest
    target: OrderRequest


class OtocoRequest(msgspec.Struct, frozen=True):
    """A limit entry whose stop and target are placed by the exchange itself once it is fully filled.

    The quantity of both exits is what the buy brings after fees, rounded down to the lot (`exit_quantity`); zero leaves it
    to an exchange that can size them, which may count the fee among what other coins of the account pay.
    """

    list_client_id: str
    entry: OrderRequest
    exit_quantity: Decimal
    stop: OrderRequest
    target: OrderRequest


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. Unique per broker, symbol, `trade_id` and side: who trades with himself has both sides of one trade.

    `fee` is positive and paid in `fee_asset`.
    `fee_value` is what a fee in a third asset was worth in quote at the moment of the fill; None while nobody knows.
    """

    trade_id: str
    symbol: Symbol
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    at: datetime
    maker: bool = False
    fee_value: Decimal | None = None
    exchange_order_id: str = ""
    client_order_id: str = ""

    @property
    def value(self) -> Decimal:
        """Price times quantity, in quote."""
        return times(self.price, self.quantity)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the exchange says of one order, with the fills it mentions (not always all of them)."""

    client_order_id: str
    exchange_order_id: str
    symbol: Symbol
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled: Decimal
    at: datetime
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    quote_filled: Decimal = ZERO
    fills: tuple[Fill, ...] = ()
    list_id: str = ""
    list_client_id: str = ""
    reason: str = ""

    @property
    def average_price(self) -> Decimal:
        """Quote spent or received per unit filled; zero before the first fill."""
        return divided(self.quote_filled, self.filled) if self.filled else ZERO


@dataclass(frozen=True, slots=True)
class OrderState:
    """What we believe of one order; `merge` is the only way it changes by what the exchange says."""

    status: OrderStatus
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    exchange_order_id: str = ""


def merge(state: OrderState, report: OrderReport) -> OrderState:
    """Believe a report: of status and filled quantity the highest seen count (RANK).

    Reports may come twice and in any order: the result is the same. What is filled in part cannot have been refused.
    """
    filled = max(state.filled, report.filled)
    status = max(state.status, report.status, key=RANK.__getitem__)
    if filled > ZERO and status in _NOTHING_FILLED:
        status = _S.PARTIALLY_FILLED
    return OrderState(
        status=status,
        filled=filled,
        quote_filled=max(state.quote_filled, report.quote_filled),
        exchange_order_id=state.exchange_order_id or report.exchange_order_id,
    )


def client_order_id(installation: uuid.UUID, broker: uuid.UUID, cause: uuid.UUID, leg: str, attempt: int) -> uuid.UUID:
    """The order's deterministic id (UUIDv5 over installation, broker, cause, leg, attempt); its `.hex` is what exchanges see.

    The same cause asked twice gives the same id, so a repeat is recognised, not doubled. 32 hex characters are legal on
    Binance, Bitget and Kraken alike.
    """
    named = f"{broker.hex}:{cause.hex}:{leg}:{attempt}".encode()
    # as uuid.uuid5, which looks for its hash among the modules at every call
    return uuid.UUID(bytes=sha1(installation.bytes + named, usedforsecurity=False).digest()[:16], version=5)
