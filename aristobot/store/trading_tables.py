"""The schema, second half: alerts, orders, fills, positions, brackets."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import BracketStatus, LotStatus, OrderOrigin, OrderRole, WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.portfolio import Position
from aristobot.store.columns import (
    Owned,
    amount_column,
    enum_column,
    index_of_some,
    json_column,
    maybe_moment_column,
    moment_column,
    one_open,
    row_id,
    same_owner,
)
from aristobot.store.types import Amount, enum_type


class Webhook(Owned, table=True):
    """An alert as it arrived, and what became of it: one row from birth to end."""

    __tablename__ = "webhooks"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.UniqueConstraint("broker_id", "dedupe_key"),
        sa.Index("ix_webhooks_recent", "user_id", "received_at"),
        sa.Index("ix_webhooks_pending", "status", "received_at"),
        same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    dedupe_key: str = Field(max_length=128)
    weak_identity: bool = False
    received_at: datetime = moment_column()
    payload: bytes = Field(sa_type=sa.LargeBinary)
    source: str = Field(default="", max_length=64)
    status: WebhookStatus = enum_column(WebhookStatus, WebhookStatus.RECEIVED)
    outcome: WebhookOutcome | None = Field(default=None, sa_type=enum_type(WebhookOutcome), nullable=True)
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = json_column()
    trace_id: str = Field(max_length=32, index=True)
    claims: int = 0
    symbol: str = Field(default="", max_length=48)
    symbol_in_payload: str = Field(default="", max_length=64)
    exchange_in_payload: str = Field(default="", max_length=64)
    interval: str = Field(default="", max_length=16)
    action: str = Field(default="", max_length=16)
    price: Decimal | None = Field(default=None, sa_type=Amount, nullable=True)
    stop_loss: str = Field(default="", max_length=64)
    take_profit: str = Field(default="", max_length=255)
    percent: Decimal | None = Field(default=None, sa_type=Amount, nullable=True)
    payload_user_id: str = Field(default="", max_length=64)
    payload_broker_id: str = Field(default="", max_length=64)
    payload_id: str = Field(default="", max_length=255)
    bar_time: datetime | None = maybe_moment_column()
    sent_at: datetime | None = maybe_moment_column()
    market_position: str = Field(default="", max_length=16)
    prev_market_position: str = Field(default="", max_length=16)
    order_ids: list[str] | None = json_column()
    result: dict[str, Any] | None = json_column()
    finished_at: datetime | None = maybe_moment_column()


class PositionRow(Owned, table=True):
    """What we hold of a symbol through our orders, per owner of the lot (`webhooks`, `manual`, `strategy:…`)."""

    __tablename__ = "positions"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        one_open("user_id", "broker_id", "symbol", "owner"),
        sa.Index("ix_positions_recent", "user_id", "opened_at"),
        sa.Index("ix_positions_closed", "broker_id", "closed_at"),
        same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    base: str = Field(max_length=24)
    quote: str = Field(max_length=24)
    owner: str = Field(max_length=64)
    status: LotStatus = enum_column(LotStatus, LotStatus.OPEN)
    quantity: Decimal = amount_column()
    cost: Decimal = amount_column()
    entry: Decimal = amount_column()
    realised: Decimal = amount_column()
    bought: Decimal = amount_column()
    sold: Decimal = amount_column()
    other_fees: dict[str, str] | None = json_column()
    is_dust: bool = False
    current_price: Decimal = amount_column()
    opened_at: datetime = moment_column()
    closed_at: datetime | None = maybe_moment_column()

    def unrealised(self, price: Decimal | None = None) -> Decimal | None:
        """What selling it all at `price`, else at the last one seen, would gain in quote, fees aside; None without a price."""
        return Position(quantity=self.quantity, cost=self.cost).unrealised(price or self.current_price)


class Order(Owned, table=True):
    """What we believe of one order: written before it is sent, changed only by reports. `id.hex` is its client order id.

    What `exit_stop` and `exit_target` ask for guards the position from the moment in which this order opens it or adds to it.
    """

    __tablename__ = "orders"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index("ix_orders_recent", "user_id", "created_at"),
        sa.Index("ix_orders_status", "status", "broker_id"),
        sa.Index("ix_orders_of_broker", "broker_id", "created_at"),
        sa.Index("ix_orders_exchange_id", "broker_id", "exchange_order_id"),
        sa.Index("ix_orders_client_id", "broker_id", "client_order_id"),
        index_of_some("ix_orders_list", "list_client_id != ''", "broker_id", "list_client_id"),
        same_owner("broker_id", "brokers"),
        same_owner("position_id", "positions"),
        same_owner("webhook_id", "webhooks"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    side: Side = enum_column(Side)
    type: OrderType = enum_column(OrderType)
    time_in_force: TimeInForce = enum_column(TimeInForce, TimeInForce.GTC)
    quantity: Decimal = amount_column()
    quote_quantity: Decimal = amount_column()
    price: Decimal = amount_column()
    stop_price: Decimal = amount_column()
    status: OrderStatus = enum_column(OrderStatus, OrderStatus.PENDING)
    filled: Decimal = amount_column()
    quote_filled: Decimal = amount_column()
    client_order_id: str = Field(default="", max_length=64)
    exchange_order_id: str = Field(default="", max_length=64)
    list_client_id: str = Field(default="", max_length=64)
    origin: OrderOrigin = enum_column(OrderOrigin)
    role: OrderRole = enum_column(OrderRole, OrderRole.ENTRY)
    owner: str = Field(default="", max_length=64)
    leg: str = Field(default="", max_length=32)
    attempt: int = 1
    position_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    webhook_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    reserved_quote: Decimal = amount_column()
    reserved_base: Decimal = amount_column()
    exit_stop: Decimal = amount_column()
    exit_target: Decimal = amount_column()
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = json_column()
    note: str = Field(default="", max_length=255)
    dry_run: bool = False
    trace_id: str = Field(default="", max_length=32, index=True)
    created_at: datetime = moment_column()
    sent_at: datetime | None = maybe_moment_column()
    fence_at: datetime | None = maybe_moment_column()
    updated_at: datetime = moment_column()
    done_at: datetime | None = maybe_moment_column()


class FillRow(Owned, table=True):
    """One execution, kept once however often it is reported."""

    __tablename__ = "fills"
    __table_args__ = (
        sa.UniqueConstraint("broker_id", "symbol", "trade_id", "side"),
        sa.Index("ix_fills_recent", "user_id", "at"),
        same_owner("broker_id", "brokers"),
        same_owner("order_id", "orders", cascade=True),
        same_owner("position_id", "positions"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    order_id: uuid.UUID = Field(index=True)
    position_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    symbol: str = Field(max_length=48)
    trade_id: str = Field(max_length=64)
    side: Side = enum_column(Side)
    price: Decimal = amount_column()
    quantity: Decimal = amount_column()
    fee: Decimal = amount_column()
    fee_asset: str = Field(max_length=24)
    fee_value: Decimal | None = Field(default=None, sa_type=Amount, nullable=True)
    maker: bool = False
    at: datetime = moment_column()


class DustMove(Owned, table=True):
    """What became of too small a rest of a position, or of what came to it too late.

    It joined another position, or (`into_id` empty) was written off. `quantity` is in base; `worth` is the quote that it had
    cost, which it takes along, zero for what is written off.
    """

    __tablename__ = "dust_moves"
    __table_args__ = (
        sa.Index("ix_dust_moves_recent", "user_id", "at"),
        same_owner("position_id", "positions"),
        same_owner("into_id", "positions"),
    )
    id: uuid.UUID = row_id()
    position_id: uuid.UUID = Field(index=True)
    into_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    quantity: Decimal = amount_column()
    worth: Decimal = amount_column()
    at: datetime = moment_column()


class Bracket(Owned, table=True):
    """The stop-loss and take-profits that guard a position, and where to return when a move fails half-way.

    `targets` are [share in per cent, price] as text; the orders themselves are found by their position and role.
    """

    __tablename__ = "brackets"
    __table_args__ = (
        sa.Index("ix_brackets_status", "status", "broker_id"),
        same_owner("broker_id", "brokers"),
        same_owner("position_id", "positions", cascade=True),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    position_id: uuid.UUID = Field(unique=True)
    status: BracketStatus = enum_column(BracketStatus, BracketStatus.PLANNED)
    stop_price: Decimal = amount_column()
    targets: list[list[str]] | None = json_column()
    rollback: dict[str, Any] | None = json_column()
    attempt: int = 0
    unprotected_since: datetime | None = maybe_moment_column()
    #: When exits were last asked for: what an entry written later asks for is newer.
    asked_at: datetime = moment_column()
    updated_at: datetime = moment_column()


class WebhookState(Owned, table=True):
    """A position as its alerts see it: what is open, where its exits lie, what it earned."""

    __tablename__ = "webhook_states"
    __table_args__ = (
        one_open("user_id", "broker_id", "symbol"),
        sa.Index("ix_webhook_states_recent", "user_id", "opened_at"),
        same_owner("broker_id", "brokers"),
        same_owner("position_id", "positions"),
        same_owner("opening_webhook_id", "webhooks"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    side: Side = enum_column(Side, Side.BUY)
    status: LotStatus = enum_column(LotStatus, LotStatus.OPEN)
    entry_price: Decimal = amount_column()
    quantity: Decimal = amount_column()
    current_price: Decimal = amount_column()
    stop_loss: Decimal = amount_column()
    take_profit: Decimal = amount_column()
    stop_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    target_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    unrealised_pnl: Decimal = amount_column()
    realised_pnl: Decimal = amount_column()
    position_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    opening_webhook_id: uuid.UUID | None = Field(default=None, nullable=True)
    opened_at: datetime = moment_column()
    closed_at: datetime | None = maybe_moment_column()
    updated_at: datetime = moment_column()

    @property
    def unrealised(self) -> Decimal | None:
        """`unrealised_pnl`; None while an open one has no price."""
        return self.unrealised_pnl if self.current_price or self.status is LotStatus.CLOSED else None
