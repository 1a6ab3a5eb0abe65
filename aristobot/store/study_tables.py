"""The schema, seventh part: searches for better parameters, and every set that was tried."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from aristobot.kinds import StudyStatus
from aristobot.store.columns import Owned, enum_column, json_column, maybe_moment_column, moment_column, row_id, same_owner


class Study(Owned, table=True):
    """One search: what was asked, the text that it varies, and what it found. Several machines may work on the same one.

    `data_hash` is empty until the first one has read the candles. `workers` 0 is one per core; with a `scheduler` its cluster
    plays instead.
    """

    __tablename__ = "studies"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "id"),
        sa.Index("ix_studies_recent", "user_id", "created_at"),
        sa.Index("ix_studies_status", "status"),
    )
    id: uuid.UUID = row_id()
    strategy_version_id: uuid.UUID | None = Field(default=None, nullable=True)
    strategy: str = Field(max_length=64)
    template: str = Field(default="", max_length=64)
    status: StudyStatus = enum_column(StudyStatus, StudyStatus.RUNNING)
    code: str = Field(sa_type=sa.Text)
    definition: dict[str, Any] | None = json_column()
    data_hash: str = Field(default="", max_length=64)
    fetch: bool = False
    workers: int = 0
    scheduler: str = Field(default="", max_length=255)
    findings: dict[str, Any] | None = json_column()
    error: str = Field(default="", max_length=64)
    error_facts: dict[str, Any] | None = json_column()
    created_at: datetime = moment_column()
    started_at: datetime | None = maybe_moment_column()
    finished_at: datetime | None = maybe_moment_column()


class Trial(Owned, table=True):
    """One set of parameters. Without `done_at` it is being tried by `machine`, which said so last at `claimed_at`."""

    __tablename__ = "trials"
    __table_args__ = (
        sa.UniqueConstraint("study_id", "number"),
        same_owner("study_id", "studies", cascade=True),
    )
    id: uuid.UUID = row_id()
    study_id: uuid.UUID
    number: int
    fold: int
    parameters: dict[str, Any] | None = json_column()
    score: float | None = Field(default=None, sa_type=sa.Float, nullable=True)
    figures: dict[str, Any] | None = json_column()
    fault: str = Field(default="", max_length=64)
    machine: str = Field(max_length=64)
    claimed_at: datetime = moment_column()
    done_at: datetime | None = maybe_moment_column()
