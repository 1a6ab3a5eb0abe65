"""Rows by one value: what each order asks dozens of times."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession

Row = TypeVar("Row", bound=SQLModel)


def row_where(session: GuardedSession, model: type[Row], column: str, value: object) -> Row | None:
    """The row of a model whose column, of which there is one of each, has this value.

    None when there is none, or when it belongs to somebody else.
    """
    return _by(model, column).first(session, value=value)


@cache
def _by(model: type[Any], column: str) -> Question[Any]:
    return Question(select(model).where(getattr(model, column) == sa.bindparam("value")))
