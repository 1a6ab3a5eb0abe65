"""The whole schema, readable from top to bottom. Rows are remembered; what travels is a value (house vocabulary).

Where a value class has the same noun, the table carries the suffix `Row`. Every table that belongs to somebody inherits
`Owned`; references between owned tables are composite keys, so the database itself refuses another user's object.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from aristobot.market import InstrumentState, Timeframe
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store.types import Amount, Json, UtcDateTime, enum_type

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Role(StrEnum):
    """What a user may do in the house."""

    ADMINISTRATOR = "administrator"
    TRADER = "trader"
    VIEWER = "viewer"


class TokenScope(StrEnum):
    """What an API token may do; each includes the one before."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


class BrokerMode(StrEnum):
    """Who may trade on a broker, besides the user's own hand."""

    OFF = "OFF"
    STRATEGIES = "STRATEGIES"
    WEBHOOKS = "WEBHOOKS"


class BrokerAccess(StrEnum):
    """How far an order may go on a broker."""

    TRADE = "TRADE"
    REDUCE_ONLY = "REDUCE_ONLY"
    READ_ONLY = "READ_ONLY"


class OrderOrigin(StrEnum):
    """Where an order came from."""

    WEBHOOK = "webhook"
    STRATEGY = "strategy"
    MANUAL = "manual"
    KEEPER = "keeper"
    MONITOR = "order_monitor"


class OrderRole(StrEnum):
    """What an order is for in the life of a position."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"


class LotStatus(StrEnum):
    """Is something held?"""

    OPEN = "open"
    CLOSED = "closed"


class BracketStatus(StrEnum):
    """PLANNED before it rests, ACTIVE at the exchange, MOVING while it is replaced, DONE when the position is out."""

    PLANNED = "planned"
    ACTIVE = "active"
    MOVING = "moving"
    DONE = "done"


class WebhookStatus(StrEnum):
    """Where the row of an alert stands."""

    RECEIVED = "received"
    PROCESSING = "processing"
    PROCESSED = "processed"
    ERROR = "error"
    MISS = "miss"


class WebhookOutcome(StrEnum):
    """Which end an alert came to."""

    ORDERED = "ordered"
    UPDATED = "updated"
    NO_EFFECT = "no_effect"
    PING = "ping"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REFUSED = "refused"
    INVALID = "invalid"


class HaltScope(StrEnum):
    """Whom the kill switch stops."""

    ALL = "all"
    USER = "user"
    BROKER = "broker"
    STRATEGY = "strategy"


class HaltLevel(StrEnum):
    """HALT: no entries. REDUCE: only reducing. FLATTEN: cancel entries, exit, then cancel stops."""

    HALT = "halt"
    REDUCE = "reduce"
    FLATTEN = "flatten"


def _id() -> Any:
    return Field(default_factory=uuid.uuid4, primary_key=True)


def _amount() -> Any:
    return Field(default=ZERO, sa_type=Amount)


def _moment(*, index: bool = False) -> Any:
    return Field(sa_type=UtcDateTime, index=index)


def _maybe_moment() -> Any:
    return Field(default=None, sa_type=UtcDateTime, nullable=True)


def _enum(kind: type[StrEnum], default: StrEnum | None = None) -> Any:
    return Field(sa_type=enum_type(kind)) if default is None else Field(default=default, sa_type=enum_type(kind))


def _json() -> Any:
    return Field(default=None, sa_type=Json, nullable=True)


def _same_owner(column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    """A reference that must stay within one user: (user_id, column) → (user_id, id)."""
    return sa.ForeignKeyConstraint(
        ["user_id", column], [f"{target}.user_id", f"{target}.id"], ondelete="CASCADE" if cascade else None
    )


def _one_open(*columns: str) -> sa.Index:
    return sa.Index(None, *columns, unique=True, sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'"))


class Owned(SQLModel):
    """Belongs to one user: the session filters on it, and refuses what it cannot filter."""

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True, nullable=False)


class Installation(SQLModel, table=True):
    """One row: who we are (for client order ids) and which start this is (a second instance finds a newer epoch)."""

    __tablename__ = "installation"
    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    installation_id: uuid.UUID = Field(default_factory=uuid.uuid4)
    epoch: int = 0


class User(SQLModel, table=True):
    """One of five."""

    __tablename__ = "users"
    id: uuid.UUID = _id()
    name: str = Field(max_length=64)
    name_key: str = Field(max_length=64, unique=True)
    password_hash: str = Field(max_length=255)
    role: Role = _enum(Role, Role.TRADER)
    is_active: bool = True
    language: str = Field(default="fr", max_length=2)
    timezone: str = Field(default="Europe/Paris", max_length=64)
    totp_sealed: str | None = Field(default=None, max_length=512)
    totp_last_step: int = 0
    recovery_codes: list[str] | None = _json()
    ai_provider: str | None = Field(default=None, max_length=32)
    ai_url: str | None = Field(default=None, max_length=255)
    ai_model: str | None = Field(default=None, max_length=128)
    ai_key_sealed: str | None = Field(default=None, max_length=1024)
    created_at: datetime = _moment()


class LoginSession(Owned, table=True):
    """A login: the browser holds the token, we hold its hash."""

    __tablename__ = "sessions"
    id: uuid.UUID = _id()
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = _moment()
    last_seen_at: datetime = _moment()
    expires_at: datetime = _moment()
    ended_at: datetime | None = _maybe_moment()
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=255)


class ApiToken(Owned, table=True):
    """A bearer token of the API, stored as its hash."""

    __tablename__ = "api_tokens"
    id: uuid.UUID = _id()
    name: str = Field(default="", max_length=64)
    scope: TokenScope = _enum(TokenScope)
    token_hash: str = Field(max_length=64, unique=True)
    last_four: str = Field(max_length=4)
    created_at: datetime = _moment()
    expires_at: datetime | None = _maybe_moment()
    revoked_at: datetime | None = _maybe_moment()
    last_used_at: datetime | None = _maybe_moment()


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
    id: uuid.UUID = _id()
    exchange: str = Field(max_length=32)
    name: str = Field(max_length=64)
    api_key_sealed: str = Field(default="", max_length=2048)
    api_secret_sealed: str = Field(default="", max_length=8192)
    passphrase_sealed: str = Field(default="", max_length=1024)
    key_last_four: str = Field(default="", max_length=4)
    mode: BrokerMode = _enum(BrokerMode, BrokerMode.OFF)
    access: BrokerAccess = _enum(BrokerAccess, BrokerAccess.TRADE)
    is_default: bool = False
    quote: str = Field(default="", max_length=16)
    limits: dict[str, Any] | None = _json()
    endpoints: dict[str, str] | None = _json()
    key_rights: dict[str, Any] | None = _json()
    checked_at: datetime | None = _maybe_moment()
    created_at: datetime = _moment()
    deleted_at: datetime | None = _maybe_moment()
    version: int = Field(default=1, sa_column=_broker_version)
    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": _broker_version}


class WebhookToken(Owned, table=True):
    """The right to send alerts to one broker; two are valid while one replaces the other."""

    __tablename__ = "webhook_tokens"
    __table_args__ = (_same_owner("broker_id", "brokers", cascade=True),)
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    token_hash: str = Field(max_length=64, unique=True)
    last_four: str = Field(max_length=4)
    created_at: datetime = _moment()
    expires_at: datetime | None = _maybe_moment()
    last_used_at: datetime | None = _maybe_moment()


class InstrumentRow(SQLModel, table=True):
    """A pair of an exchange, as its catalogue last said."""

    __tablename__ = "instruments"
    exchange: str = Field(primary_key=True, max_length=32)
    symbol: str = Field(primary_key=True, max_length=48)
    base: str = Field(max_length=24, index=True)
    quote: str = Field(max_length=24, index=True)
    tick: Decimal = _amount()
    lot: Decimal = _amount()
    min_quantity: Decimal = _amount()
    max_quantity: Decimal = _amount()
    market_lot: Decimal = _amount()
    max_market_quantity: Decimal = _amount()
    min_notional: Decimal = _amount()
    max_notional: Decimal = _amount()
    quote_step: Decimal = _amount()
    maker_fee: Decimal = _amount()
    taker_fee: Decimal = _amount()
    state: InstrumentState = _enum(InstrumentState)
    order_types: list[str] | None = _json()
    oco_allowed: bool = False
    otoco_allowed: bool = False
    updated_at: datetime = _moment()


class CandleRow(SQLModel, table=True):
    """A closed candle, with the moment at which it closed and the moment at which we had it."""

    __tablename__ = "candles"
    exchange: str = Field(primary_key=True, max_length=32)
    symbol: str = Field(primary_key=True, max_length=48)
    timeframe: Timeframe = Field(sa_type=enum_type(Timeframe), primary_key=True)
    open_time: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    open: Decimal = _amount()
    high: Decimal = _amount()
    low: Decimal = _amount()
    close: Decimal = _amount()
    volume: Decimal = _amount()
    close_time: datetime = _moment()
    received_at: datetime = _moment()
    live: bool = True


class HeartbeatStatus(SQLModel, table=True):
    """How the heartbeat of one exchange is: its last start, its last stop, connected or not."""

    __tablename__ = "heartbeat_status"
    exchange: str = Field(primary_key=True, max_length=32)
    connected: bool = False
    last_start: datetime | None = _maybe_moment()
    last_stop: datetime | None = _maybe_moment()
    last_candle_at: datetime | None = _maybe_moment()


class HeartbeatEvent(SQLModel, table=True):
    """One start or stop of the heartbeat, and why."""

    __tablename__ = "heartbeat_events"
    id: uuid.UUID = _id()
    exchange: str = Field(max_length=32, index=True)
    kind: str = Field(max_length=8)
    reason: str = Field(default="", max_length=255)
    at: datetime = _moment(index=True)


class Webhook(Owned, table=True):
    """An alert as it arrived, and what became of it: one row from birth to end."""

    __tablename__ = "webhooks"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.UniqueConstraint("broker_id", "dedupe_key"),
        sa.Index("ix_webhooks_recent", "user_id", "received_at"),
        sa.Index("ix_webhooks_pending", "status", "received_at"),
        _same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    dedupe_key: str = Field(max_length=128)
    weak_identity: bool = False
    received_at: datetime = _moment()
    payload: bytes = Field(sa_type=sa.LargeBinary)
    source: str = Field(default="", max_length=64)
    status: WebhookStatus = _enum(WebhookStatus, WebhookStatus.RECEIVED)
    outcome: WebhookOutcome | None = Field(default=None, sa_type=enum_type(WebhookOutcome), nullable=True)
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = _json()
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
    bar_time: datetime | None = _maybe_moment()
    sent_at: datetime | None = _maybe_moment()
    market_position: str = Field(default="", max_length=16)
    prev_market_position: str = Field(default="", max_length=16)
    order_ids: list[str] | None = _json()
    result: dict[str, Any] | None = _json()
    finished_at: datetime | None = _maybe_moment()


class PositionRow(Owned, table=True):
    """What we hold of a symbol through our orders, per owner of the lot (`webhooks`, `manual`, `strategy:…`)."""

    __tablename__ = "positions"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        _one_open("user_id", "broker_id", "symbol", "owner"),
        _same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    base: str = Field(max_length=24)
    quote: str = Field(max_length=24)
    owner: str = Field(max_length=64)
    status: LotStatus = _enum(LotStatus, LotStatus.OPEN)
    quantity: Decimal = _amount()
    cost: Decimal = _amount()
    entry: Decimal = _amount()
    realised: Decimal = _amount()
    bought: Decimal = _amount()
    sold: Decimal = _amount()
    current_price: Decimal = _amount()
    opened_at: datetime = _moment()
    closed_at: datetime | None = _maybe_moment()


class Order(Owned, table=True):
    """What we believe of one order: written before it is sent, changed only by reports. `id.hex` is its client order id."""

    __tablename__ = "orders"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index("ix_orders_recent", "user_id", "created_at"),
        sa.Index("ix_orders_status", "status", "broker_id"),
        sa.Index("ix_orders_exchange_id", "broker_id", "exchange_order_id"),
        _same_owner("broker_id", "brokers"),
        _same_owner("position_id", "positions"),
        _same_owner("webhook_id", "webhooks"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    side: Side = _enum(Side)
    type: OrderType = _enum(OrderType)
    time_in_force: TimeInForce = _enum(TimeInForce, TimeInForce.GTC)
    quantity: Decimal = _amount()
    quote_quantity: Decimal = _amount()
    price: Decimal = _amount()
    stop_price: Decimal = _amount()
    status: OrderStatus = _enum(OrderStatus, OrderStatus.PENDING)
    filled: Decimal = _amount()
    quote_filled: Decimal = _amount()
    client_order_id: str = Field(default="", max_length=64)
    exchange_order_id: str = Field(default="", max_length=64)
    list_client_id: str = Field(default="", max_length=64)
    origin: OrderOrigin = _enum(OrderOrigin)
    role: OrderRole = _enum(OrderRole, OrderRole.ENTRY)
    owner: str = Field(default="", max_length=64)
    leg: str = Field(default="", max_length=32)
    attempt: int = 1
    position_id: uuid.UUID | None = Field(default=None, nullable=True)
    webhook_id: uuid.UUID | None = Field(default=None, nullable=True)
    reserved_quote: Decimal = _amount()
    reserved_base: Decimal = _amount()
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = _json()
    note: str = Field(default="", max_length=255)
    dry_run: bool = False
    trace_id: str = Field(default="", max_length=32, index=True)
    created_at: datetime = _moment()
    sent_at: datetime | None = _maybe_moment()
    fence_at: datetime | None = _maybe_moment()
    updated_at: datetime = _moment()
    done_at: datetime | None = _maybe_moment()


class FillRow(Owned, table=True):
    """One execution, kept once however often it is reported."""

    __tablename__ = "fills"
    __table_args__ = (
        sa.UniqueConstraint("broker_id", "symbol", "trade_id"),
        _same_owner("broker_id", "brokers"),
        _same_owner("order_id", "orders", cascade=True),
        _same_owner("position_id", "positions"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    order_id: uuid.UUID = Field(index=True)
    position_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    symbol: str = Field(max_length=48)
    trade_id: str = Field(max_length=64)
    side: Side = _enum(Side)
    price: Decimal = _amount()
    quantity: Decimal = _amount()
    fee: Decimal = _amount()
    fee_asset: str = Field(max_length=24)
    maker: bool = False
    at: datetime = _moment(index=True)


class Bracket(Owned, table=True):
    """The stop-loss and take-profit that guard a position, and where to return when a move fails half-way."""

    __tablename__ = "brackets"
    __table_args__ = (
        _same_owner("broker_id", "brokers"),
        _same_owner("position_id", "positions", cascade=True),
        _same_owner("stop_order_id", "orders"),
        _same_owner("target_order_id", "orders"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    position_id: uuid.UUID = Field(unique=True)
    status: BracketStatus = _enum(BracketStatus, BracketStatus.PLANNED)
    stop_price: Decimal = _amount()
    target_price: Decimal = _amount()
    quantity: Decimal = _amount()
    list_client_id: str = Field(default="", max_length=64)
    stop_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    target_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    rollback_stop: Decimal = _amount()
    rollback_target: Decimal = _amount()
    attempt: int = 0
    unprotected_since: datetime | None = _maybe_moment()
    updated_at: datetime = _moment()


class WebhookState(Owned, table=True):
    """A position as its alerts see it: what is open, where its exits lie, what it earned."""

    __tablename__ = "webhook_states"
    __table_args__ = (
        _one_open("user_id", "broker_id", "symbol"),
        _same_owner("broker_id", "brokers"),
        _same_owner("position_id", "positions"),
        _same_owner("opening_webhook_id", "webhooks"),
    )
    id: uuid.UUID = _id()
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    side: Side = _enum(Side, Side.BUY)
    status: LotStatus = _enum(LotStatus, LotStatus.OPEN)
    entry_price: Decimal = _amount()
    quantity: Decimal = _amount()
    current_price: Decimal = _amount()
    stop_loss: Decimal = _amount()
    take_profit: Decimal = _amount()
    stop_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    target_order_id: uuid.UUID | None = Field(default=None, nullable=True)
    unrealised_pnl: Decimal = _amount()
    realised_pnl: Decimal = _amount()
    position_id: uuid.UUID | None = Field(default=None, nullable=True)
    opening_webhook_id: uuid.UUID | None = Field(default=None, nullable=True)
    opened_at: datetime = _moment()
    closed_at: datetime | None = _maybe_moment()
    updated_at: datetime = _moment()


class Halt(SQLModel, table=True):
    """One setting of the kill switch; in force until `released_at`."""

    __tablename__ = "halts"
    id: uuid.UUID = _id()
    scope: HaltScope = _enum(HaltScope)
    scope_id: uuid.UUID | None = Field(default=None, nullable=True)
    level: HaltLevel = _enum(HaltLevel)
    reason: str = Field(default="", max_length=255)
    set_by: str = Field(default="", max_length=64)
    set_at: datetime = _moment()
    completed_at: datetime | None = _maybe_moment()
    released_at: datetime | None = _maybe_moment()
    released_by: str = Field(default="", max_length=64)


class AuditEntry(SQLModel, table=True):
    """Append-only: who did what, through what; each entry seals the one before (HMAC chain)."""

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _moment(index=True)
    user_id: uuid.UUID | None = Field(default=None, nullable=True, index=True)
    actor: str = Field(default="", max_length=64)
    via: str = Field(default="", max_length=16)
    action: str = Field(max_length=64)
    subject: str = Field(default="", max_length=128)
    before: dict[str, Any] | None = _json()
    after: dict[str, Any] | None = _json()
    trace_id: str = Field(default="", max_length=32)
    previous_seal: str = Field(default="", max_length=64)
    seal: str = Field(default="", max_length=64)
