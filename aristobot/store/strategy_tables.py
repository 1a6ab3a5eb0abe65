"""The schema, fifth part: strategies, every saved version of them, and where they run."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import ActivationStatus
from aristobot.store.columns import (
    Owned,
    amount_column,
    enum_column,
    json_column,
    maybe_moment_column,
    moment_column,
    one_living,
    row_id,
    same_owner,
)


class StrategyRow(Owned, table=True):
    """A strategy under its name, which no other living one of its owner bears. `draft` is what was typed and not saved.

    `draft_of` is the number of the version that the draft began from, `former_lots` the names under which removed activations
    own what they bought.
    """

    __tablename__ = "strategies"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        one_living("user_id", "name_key"),
    )
    id: uuid.UUID = row_id()
    name: str = Field(max_length=64)
    name_key: str = Field(max_length=64)
    draft: str | None = Field(default=None, sa_type=sa.Text, nullable=True)
    draft_of: int = 0
    draft_at: datetime | None = maybe_moment_column()
    former_lots: list[str] | None = json_column()
    created_at: datetime = moment_column()
    updated_at: datetime = moment_column()
    archived_at: datetime | None = maybe_moment_column()


class StrategyVersion(Owned, table=True):
    """One saved text of a strategy; it never changes. `hash` is the SHA-256 of the text.

    `review` is what the checks and the trial run found, `reviewed_at` when.
    """

    __tablename__ = "strategy_versions"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.UniqueConstraint("strategy_id", "number"),
        same_owner("strategy_id", "strategies", cascade=True),
    )
    id: uuid.UUID = row_id()
    strategy_id: uuid.UUID
    number: int
    code: str = Field(sa_type=sa.Text)
    hash: str = Field(max_length=64)
    note: str = Field(default="", max_length=255)
    review: dict[str, Any] | None = json_column()
    reviewed_at: datetime | None = maybe_moment_column()
    created_at: datetime = moment_column()


class Activation(Owned, table=True):
    """A version at work on a symbol of a broker, with so much quote `allotted` to it.

    parameters   its hyperparameters                      vars    what the strategy keeps over a restart, its own `vars` included
    decided_at   when the last candle closed on which it decided: none is decided twice
    turns        decisions so far; each has a number, of which the ids of its orders are made
    work         the decision under way, None when it is carried out
    plan         the exits it wants                       told    which orders and fills it was told of
    view         what it shows: watched values, filters, why it does not enter, its last decision
    """

    __tablename__ = "activations"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.UniqueConstraint("version_id", "broker_id", "symbol", "timeframe"),
        sa.Index("ix_activations_status", "status", "user_id"),
        same_owner("version_id", "strategy_versions"),
        same_owner("broker_id", "brokers"),
    )
    id: uuid.UUID = row_id()
    version_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: str = Field(max_length=48)
    timeframe: str = Field(max_length=8)
    allotted: Decimal = amount_column()
    status: ActivationStatus = enum_column(ActivationStatus, ActivationStatus.STOPPED)
    parameters: dict[str, Any] | None = json_column()
    vars: dict[str, Any] | None = json_column()
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = json_column()
    decided_at: datetime | None = maybe_moment_column()
    turns: int = 0
    work: dict[str, Any] | None = json_column()
    plan: dict[str, Any] | None = json_column()
    told: dict[str, Any] | None = json_column()
    view: dict[str, Any] | None = json_column()
    created_at: datetime = moment_column()
    updated_at: datetime = moment_column()


class ActivationLine(Owned, table=True):
    """One line in the log of an activation: a code with facts for what the house says, a text for what the strategy says."""

    __tablename__ = "activation_lines"
    __table_args__ = (
        sa.Index("ix_activation_lines_recent", "activation_id", "at"),
        same_owner("activation_id", "activations", cascade=True),
    )
    id: uuid.UUID = row_id()
    activation_id: uuid.UUID
    at: datetime = moment_column()
    level: str = Field(default="info", max_length=16)
    code: str = Field(default="", max_length=64)
    facts: dict[str, Any] | None = json_column()
    text: str = Field(default="", max_length=1000)
