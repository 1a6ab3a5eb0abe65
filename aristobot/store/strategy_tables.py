"""The schema, fifth part: strategies, every saved version of them, and where they run."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import ActivationStatus
from aristobot.store.columns import (
    Owned,
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

    `draft_of` is the number of the version that the draft began from.
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
    """A version at work on a symbol of a broker. `parameters` are its hyperparameters, `vars` what it keeps over a restart."""

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
    status: ActivationStatus = enum_column(ActivationStatus, ActivationStatus.STOPPED)
    parameters: dict[str, Any] | None = json_column()
    vars: dict[str, Any] | None = json_column()
    reason: str = Field(default="", max_length=64)
    reason_facts: dict[str, Any] | None = json_column()
    created_at: datetime = moment_column()
    updated_at: datetime = moment_column()
