"""The schema, fourth part: orders that are not ours, and what a start found."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import OrderOrigin
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.columns import (
    Owned,
    amount_column,
    enum_column,
    json_column,
    maybe_moment_column,
    moment_column,
    row_id,
    same_owner,
)


class Stranger(Owned, table=True):
    """An order that somebody placed elsewhere, as its exchange tells it. It is shown; nothing of ours ever acts on it."""

    __tablename__ = "strangers"
    __table_args__ = (
        sa.UniqueConstraint("broker_id", "symbol", "exchange_order_id"),
        sa.Index("ix_strangers_recent", "user_id", "created_at"),
        sa.Index("ix_strangers_status", "status", "broker_id"),
        same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    side: Side = enum_column(Side)
    type: OrderType = enum_column(OrderType)
    quantity: Decimal = amount_column()
    price: Decimal = amount_column()
    stop_price: Decimal = amount_column()
    status: OrderStatus = enum_column(OrderStatus)
    filled: Decimal = amount_column()
    quote_filled: Decimal = amount_column()
    client_order_id: str = Field(default="", max_length=64)
    exchange_order_id: str = Field(max_length=64)
    origin: OrderOrigin = enum_column(OrderOrigin, OrderOrigin.MONITOR)
    created_at: datetime = moment_column()
    imported_at: datetime = moment_column()
    updated_at: datetime = moment_column()
    done_at: datetime | None = maybe_moment_column()


class RestartReport(Owned, table=True):
    """What changed at a user's exchanges while the house was away; `items` are words of a closed list with their facts."""

    __tablename__ = "restart_reports"
    __table_args__ = (sa.Index("ix_restart_reports_recent", "user_id", "at"),)
    id: uuid.UUID = row_id()
    at: datetime = moment_column()
    away_since: datetime | None = maybe_moment_column()
    items: list[dict[str, Any]] | None = json_column()
    seen_at: datetime | None = maybe_moment_column()
