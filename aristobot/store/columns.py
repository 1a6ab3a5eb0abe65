"""Column shorthands of the schema, and the mixin of everything that belongs to somebody."""

import uuid
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field, SQLModel

from aristobot.money import ZERO
from aristobot.store.types import Amount, Json, UtcDateTime, enum_type

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
#: Rows are never validated by Pydantic: what it would do that with takes every process a twentieth of a second to make.
SQLModel.model_config["defer_build"] = True


@event.listens_for(sa.ForeignKeyConstraint, "after_parent_attach")
def _check_at_commit(reference: sa.ForeignKeyConstraint, table: sa.Table) -> None:
    """Check references at the commit: a session writes what it collected in no order that we could rely on."""
    if table.metadata is SQLModel.metadata:
        reference.deferrable, reference.initially = True, "DEFERRED"


def row_id() -> Any:
    """A UUID made in Python: known before the row is stored, never used twice."""
    return Field(default_factory=uuid.uuid4, primary_key=True)


def amount_column() -> Any:
    """An exact amount, zero until somebody knows better."""
    return Field(default=ZERO, sa_type=Amount)


def moment_column(*, index: bool = False) -> Any:
    """A moment that is always known."""
    return Field(sa_type=UtcDateTime, index=index)


def maybe_moment_column() -> Any:
    """A moment that may not have come."""
    return Field(default=None, sa_type=UtcDateTime, nullable=True)


def enum_column(kind: type[StrEnum], default: StrEnum | None = None) -> Any:
    """One word of a closed list, kept by a CHECK."""
    return Field(sa_type=enum_type(kind)) if default is None else Field(default=default, sa_type=enum_type(kind))


def json_column() -> Any:
    """A small JSON document, or nothing."""
    return Field(default=None, sa_type=Json, nullable=True)


def same_owner(column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    """A reference that must stay within one user: (user_id, column) → (user_id, id)."""
    referred = [f"{target}.user_id", f"{target}.id"]
    return sa.ForeignKeyConstraint(["user_id", column], referred, ondelete="CASCADE" if cascade else None)


def one_open(*columns: str) -> sa.Index:
    """At most one row per combination whose status is `open`; closing it frees the place."""
    still_open = sa.text("status = 'open'")
    return sa.Index(None, *columns, unique=True, sqlite_where=still_open, postgresql_where=still_open)


def one_living(*columns: str) -> sa.Index:
    """At most one row per combination that is not archived."""
    living = sa.text("archived_at IS NULL")
    return sa.Index(None, *columns, unique=True, sqlite_where=living, postgresql_where=living)


def index_of_some(name: str, condition: str, *columns: str) -> sa.Index:
    """An index of those rows alone for which `condition` holds; a statement that wants it says the condition word for word."""
    some = sa.text(condition)
    return sa.Index(name, *columns, sqlite_where=some, postgresql_where=some)


class Owned(SQLModel):
    """Belongs to one user: the session filters on it, and refuses what it cannot filter."""

    user_id: uuid.UUID = Field(foreign_key="users.id", nullable=False)
