"""The schema, sixth part: backtests and what they found."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import BacktestStatus
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
from aristobot.store.types import Amount


class Backtest(Owned, table=True):
    """One run of a strategy over the past: what was asked, how far it is, and its figures when it is done.

    The text that runs is pinned in `code`, whatever becomes of the version or template it was taken from. `fingerprint` is the
    SHA-256 of texts and parameters: two runs with the same one on the same candles tried the same thing. `variants` is how many
    different ones had been tried on this series by then, this one among them. What is `pinned` is never pruned; of what was
    `pruned` only the fingerprint is left, so that the variants are still counted. `further` are the strategies that played beside
    this one over the same balance, of which this one might spend what it was `allotted`.
    """

    __tablename__ = "backtests"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index("ix_backtests_recent", "user_id", "created_at"),
        sa.Index("ix_backtests_status", "status"),
    )
    id: uuid.UUID = row_id()
    strategy_version_id: uuid.UUID | None = Field(default=None, nullable=True)
    strategy: str = Field(max_length=64)
    template: str = Field(default="", max_length=64)
    exchange: str = Field(max_length=32)
    symbol: str = Field(max_length=48)
    timeframe: str = Field(max_length=8)
    since: datetime = moment_column()
    until: datetime = moment_column()
    code: str = Field(sa_type=sa.Text)
    parameters: dict[str, Any] | None = json_column()
    costs: dict[str, Any] | None = json_column()
    further: list[dict[str, Any]] | None = json_column()
    cash: Decimal = amount_column()
    allotted: Decimal | None = Field(default=None, sa_type=Amount, nullable=True)
    seed: int = 0
    variants: int = 1
    fetch: bool = False
    detail: bool = False
    pinned: bool = False
    pruned: bool = False
    fingerprint: str = Field(default="", max_length=64)
    data_hash: str = Field(default="", max_length=64)
    status: BacktestStatus = enum_column(BacktestStatus, BacktestStatus.QUEUED)
    summary: dict[str, Any] | None = json_column()
    error: str = Field(default="", max_length=64)
    error_facts: dict[str, Any] | None = json_column()
    created_at: datetime = moment_column()
    started_at: datetime | None = maybe_moment_column()
    finished_at: datetime | None = maybe_moment_column()


class BacktestReport(Owned, table=True):
    """The whole report of a finished run, as its process packed it: JSON, deflated."""

    __tablename__ = "backtest_reports"
    __table_args__ = (
        sa.UniqueConstraint("backtest_id"),
        same_owner("backtest_id", "backtests", cascade=True),
    )
    id: uuid.UUID = row_id()
    backtest_id: uuid.UUID
    packed: bytes = Field(sa_type=sa.LargeBinary)
