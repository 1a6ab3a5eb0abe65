"""The schema, third part: what people are told, by which ways, and when a silence is worth telling."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import RhythmMode
from aristobot.notices import NoticeKind, Outlet
from aristobot.store.columns import (
    Owned,
    enum_column,
    index_of_some,
    json_column,
    maybe_moment_column,
    moment_column,
    row_id,
    same_owner,
)


class Notification(Owned, table=True):
    """One line behind the bell: a code with facts, how often it came, and when it was read."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index("ix_notifications_recent", "user_id", "last_at"),
        sa.Index("ix_notifications_subject", "user_id", "subject"),
        index_of_some("ix_notifications_unread", "read_at IS NULL", "user_id"),
    )
    id: uuid.UUID = row_id()
    kind: NoticeKind = enum_column(NoticeKind)
    code: str = Field(max_length=64)
    facts: dict[str, Any] | None = json_column()
    subject: str = Field(default="", max_length=128)
    page: str = Field(default="", max_length=64)
    count: int = 1
    trace_id: str = Field(default="", max_length=32)
    created_at: datetime = moment_column()
    last_at: datetime = moment_column()
    read_at: datetime | None = maybe_moment_column()


class NotificationPreference(Owned, table=True):
    """Which kinds take which ways, where the user chose something else than what is usual."""

    __tablename__ = "notification_preferences"
    __table_args__ = (sa.UniqueConstraint("user_id"),)
    id: uuid.UUID = row_id()
    switches: dict[str, list[str]] | None = json_column()


class NotificationChannel(Owned, table=True):
    """A way out of the house, as a user set it up; what is secret of it is sealed. `fault` says why it does not work now."""

    __tablename__ = "notification_channels"
    __table_args__ = (sa.UniqueConstraint("user_id", "channel"),)
    id: uuid.UUID = row_id()
    channel: Outlet = enum_column(Outlet)
    settings: dict[str, Any] | None = json_column()
    secret_sealed: str = Field(default="", max_length=8192)
    enabled: bool = True
    fault: str = Field(default="", max_length=64)
    fault_facts: dict[str, Any] | None = json_column()
    failing_since: datetime | None = maybe_moment_column()
    worked_at: datetime | None = maybe_moment_column()
    updated_at: datetime = moment_column()


class NotificationDelivery(Owned, table=True):
    """A notification that has to leave by a channel; gone when it has left. `batch` is the message that carries it."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        sa.Index("ix_notification_deliveries_lane", "user_id", "channel", "created_at"),
        same_owner("notification_id", "notifications", cascade=True),
    )
    id: uuid.UUID = row_id()
    notification_id: uuid.UUID
    channel: Outlet = enum_column(Outlet)
    batch: uuid.UUID | None = Field(default=None, nullable=True)
    attempts: int = 0
    created_at: datetime = moment_column()
    next_at: datetime = moment_column()


class SilenceWatch(Owned, table=True):
    """How long the alerts of a broker may be silent. Without a row: rhythms are learned from what came.

    `learn_bars`: an alert that came after several candles running is waited for after the next. `expected` lists alerts that
    must come after each candle in any case: [symbol as alerts spell it, interval in seconds].
    """

    __tablename__ = "silence_watches"
    __table_args__ = (
        sa.UniqueConstraint("broker_id"),
        same_owner("broker_id", "brokers", cascade=True),
    )
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    pings: RhythmMode = enum_column(RhythmMode, RhythmMode.LEARN)
    ping_seconds: int = 0
    learn_bars: bool = True
    expected: list[list[Any]] | None = json_column()
