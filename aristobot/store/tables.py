"""The schema, first half: the household, its brokers, the market, the kill switch, the audit. Second half: trading_tables.

Rows are remembered; what travels is a value. Where a value class has the same noun, the table carries the suffix `Row`.
Every table that belongs to somebody inherits `Owned`; references between owned tables are composite keys, so the
database itself refuses another user's object.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from aristobot.kinds import BrokerAccess, BrokerMode, CostMethod, HaltLevel, HaltScope, Role, TokenScope
from aristobot.market import InstrumentState, Timeframe
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
from aristobot.store.types import UtcDateTime, enum_type


class Installation(SQLModel, table=True):
    """One row: who we are (for client order ids) and which start this is (a second instance finds a newer epoch)."""

    __tablename__ = "installation"
    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    installation_id: uuid.UUID = Field(default_factory=uuid.uuid4)
    epoch: int = 0


class User(SQLModel, table=True):
    """One of five."""

    __tablename__ = "users"
    id: uuid.UUID = row_id()
    name: str = Field(max_length=64)
    name_key: str = Field(max_length=64, unique=True)
    password_hash: str = Field(max_length=255)
    must_choose_password: bool = False
    password_expires_at: datetime | None = maybe_moment_column()
    role: Role = enum_column(Role, Role.TRADER)
    is_active: bool = True
    language: str = Field(default="fr", max_length=2)
    timezone: str = Field(default="Europe/Paris", max_length=64)
    totp_sealed: str | None = Field(default=None, max_length=512)
    totp_last_step: int = 0
    recovery_codes: list[str] | None = json_column()
    ai_provider: str | None = Field(default=None, max_length=32)
    ai_url: str | None = Field(default=None, max_length=255)
    ai_model: str | None = Field(default=None, max_length=128)
    ai_key_sealed: str | None = Field(default=None, max_length=1024)
    cost_method: CostMethod = enum_column(CostMethod, CostMethod.AVERAGE)
    created_at: datetime = moment_column()


class LoginSession(Owned, table=True):
    """A login: the browser holds the token, we hold its hash."""

    __tablename__ = "sessions"
    id: uuid.UUID = row_id()
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = moment_column()
    last_seen_at: datetime = moment_column()
    expires_at: datetime = moment_column()
    ended_at: datetime | None = maybe_moment_column()
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=255)


class ApiToken(Owned, table=True):
    """A bearer token of the API, stored as its hash."""

    __tablename__ = "api_tokens"
    id: uuid.UUID = row_id()
    name: str = Field(default="", max_length=64)
    scope: TokenScope = enum_column(TokenScope)
    token_hash: str = Field(max_length=64, unique=True)
    last_four: str = Field(max_length=4)
    created_at: datetime = moment_column()
    expires_at: datetime | None = maybe_moment_column()
    revoked_at: datetime | None = maybe_moment_column()
    last_used_at: datetime | None = maybe_moment_column()


_broker_version = sa.Column("version", sa.Integer, nullable=False)


class Broker(Owned, table=True):
    """A user's account at an exchange. Deleting one wipes its keys and keeps its history (`deleted_at`)."""

    __tablename__ = "brokers"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index(
            "uq_brokers_one_default",
            "user_id",
            unique=True,
            sqlite_where=sa.text("is_default = 1 AND deleted_at IS NULL"),
            postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
        ),
    )
    id: uuid.UUID = row_id()
    exchange: str = Field(max_length=32)
    name: str = Field(max_length=64)
    api_key_sealed: str = Field(default="", max_length=2048)
    api_secret_sealed: str = Field(default="", max_length=8192)
    passphrase_sealed: str = Field(default="", max_length=1024)
    key_last_four: str = Field(default="", max_length=4)
    mode: BrokerMode = enum_column(BrokerMode, BrokerMode.OFF)
    access: BrokerAccess = enum_column(BrokerAccess, BrokerAccess.TRADE)
    is_default: bool = False
    quote: str = Field(default="", max_length=16)
    limits: dict[str, Any] | None = json_column()
    endpoints: dict[str, str] | None = json_column()
    key_rights: dict[str, Any] | None = json_column()
    checked_at: datetime | None = maybe_moment_column()
    created_at: datetime = moment_column()
    deleted_at: datetime | None = maybe_moment_column()
    version: int = Field(default=1, sa_column=_broker_version)
    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": _broker_version}


class WebhookToken(Owned, table=True):
    """The right to send alerts to one broker; two are valid while one replaces the other."""

    __tablename__ = "webhook_tokens"
    __table_args__ = (same_owner("broker_id", "brokers", cascade=True),)
    id: uuid.UUID = row_id()
    broker_id: uuid.UUID
    token_hash: str = Field(max_length=64, unique=True)
    last_four: str = Field(max_length=4)
    created_at: datetime = moment_column()
    expires_at: datetime | None = maybe_moment_column()
    last_used_at: datetime | None = maybe_moment_column()


class Favourite(Owned, table=True):
    """A pair of an exchange that its user wants to find first."""

    __tablename__ = "favourites"
    __table_args__ = (sa.UniqueConstraint("user_id", "exchange", "symbol"),)
    id: uuid.UUID = row_id()
    exchange: str = Field(max_length=32)
    symbol: str = Field(max_length=48)
    created_at: datetime = moment_column()


class InstrumentRow(SQLModel, table=True):
    """A pair of an exchange, as its catalogue last said."""

    __tablename__ = "instruments"
    exchange: str = Field(primary_key=True, max_length=32)
    symbol: str = Field(primary_key=True, max_length=48)
    base: str = Field(max_length=24, index=True)
    quote: str = Field(max_length=24, index=True)
    tick: Decimal = amount_column()
    lot: Decimal = amount_column()
    min_quantity: Decimal = amount_column()
    max_quantity: Decimal = amount_column()
    market_lot: Decimal = amount_column()
    max_market_quantity: Decimal = amount_column()
    min_notional: Decimal = amount_column()
    max_notional: Decimal = amount_column()
    quote_step: Decimal = amount_column()
    maker_fee: Decimal = amount_column()
    taker_fee: Decimal = amount_column()
    state: InstrumentState = enum_column(InstrumentState)
    order_types: list[str] | None = json_column()
    oco_allowed: bool = False
    otoco_allowed: bool = False
    price_band: Decimal = amount_column()
    updated_at: datetime = moment_column()


class CandleRow(SQLModel, table=True):
    """A closed candle, with the moment at which it closed and the moment at which we had it."""

    __tablename__ = "candles"
    exchange: str = Field(primary_key=True, max_length=32)
    symbol: str = Field(primary_key=True, max_length=48)
    timeframe: Timeframe = Field(sa_type=enum_type(Timeframe), primary_key=True)
    open_time: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    open: Decimal = amount_column()
    high: Decimal = amount_column()
    low: Decimal = amount_column()
    close: Decimal = amount_column()
    volume: Decimal = amount_column()
    close_time: datetime = moment_column()
    received_at: datetime = moment_column()
    live: bool = True


class HeartbeatStatus(SQLModel, table=True):
    """How the heartbeat of one exchange is: its last start, its last stop, connected or not."""

    __tablename__ = "heartbeat_status"
    exchange: str = Field(primary_key=True, max_length=32)
    connected: bool = False
    last_start: datetime | None = maybe_moment_column()
    last_stop: datetime | None = maybe_moment_column()
    last_candle_at: datetime | None = maybe_moment_column()


class HeartbeatEvent(SQLModel, table=True):
    """One start or stop of the heartbeat, and why."""

    __tablename__ = "heartbeat_events"
    id: uuid.UUID = row_id()
    exchange: str = Field(max_length=32, index=True)
    kind: str = Field(max_length=8)
    reason: str = Field(default="", max_length=255)
    at: datetime = moment_column(index=True)


class Halt(SQLModel, table=True):
    """One setting of the kill switch; in force until `released_at`."""

    __tablename__ = "halts"
    id: uuid.UUID = row_id()
    scope: HaltScope = enum_column(HaltScope)
    scope_id: uuid.UUID | None = Field(default=None, nullable=True)
    level: HaltLevel = enum_column(HaltLevel)
    reason: str = Field(default="", max_length=255)
    set_by: str = Field(default="", max_length=64)
    set_at: datetime = moment_column()
    completed_at: datetime | None = maybe_moment_column()
    released_at: datetime | None = maybe_moment_column()
    released_by: str = Field(default="", max_length=64)


class AuditEntry(SQLModel, table=True):
    """Append-only: who did what, through what; each entry seals the one before (HMAC chain)."""

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment_column(index=True)
    user_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    actor: str = Field(default="", max_length=64)
    via: str = Field(default="", max_length=16)
    action: str = Field(max_length=64)
    subject: str = Field(default="", max_length=128)
    before: dict[str, Any] | None = json_column()
    after: dict[str, Any] | None = json_column()
    trace_id: str = Field(default="", max_length=32)
    previous_seal: str = Field(default="", max_length=64)
    seal: str = Field(default="", max_length=64)
