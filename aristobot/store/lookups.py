"""Rows by one value. What each order asks dozens of times is put into a statement once, and guarded once for each user."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, select
from sqlmodel.sql.expression import SelectOfScalar

from aristobot.store.tenancy import ASKED_AGAIN, GuardedSession

Row = TypeVar("Row", bound=SQLModel)


def row_where(session: GuardedSession, model: type[Row], column: str, value: object) -> Row | None:
    """The row of a model whose column has this value; None when there is none, or when it belongs to somebody else."""
    return session.exec(_by(model, column), params={"value": value}).one_or_none()


@cache
def _by(model: type[Any], column: str) -> SelectOfScalar[Any]:
    return select(model).where(getattr(model, column) == sa.bindparam("value")).execution_options(**ASKED_AGAIN)
