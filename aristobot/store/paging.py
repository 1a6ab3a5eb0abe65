"""One way to page: newest first, continuing after the moment and the id of the last row seen."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

Place = tuple[datetime, uuid.UUID]


def newest(wanted: SelectOfScalar[Any], moment: Any, key: Any, limit: int | None, before: Place | None) -> Any:
    """The statement, ordered by `moment` and `key` from new to old, at most `limit` rows (None: all), after `before`."""
    wanted = wanted.order_by(col(moment).desc(), col(key).desc()).limit(limit)
    if before is None:
        return wanted
    last_moment, last_key = before
    older = sa.and_(col(moment) == last_moment, col(key) < last_key)
    return wanted.where(sa.or_(col(moment) < last_moment, older))
