"""What text a column takes, checked before either database sees it.

PostgreSQL refuses text that is too long or holds a NUL; SQLite takes both and gives them back later, or cut.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, class_mapper
from sqlmodel.sql.sqltypes import AutoString

from aristobot.errors import DataError


@cache
def _text_columns(model: Hashable) -> tuple[tuple[str, int], ...]:
    mapper: Mapper[Any] = class_mapper(cast(type[object], model))
    columns = ((attribute.key, attribute.columns[0]) for attribute in mapper.column_attrs)
    return tuple(
        (key, getattr(column.type, "length", None) or 1_000_000)
        for key, column in columns
        if isinstance(column.type, AutoString | sa.String) and not isinstance(column.type, sa.Enum)
    )


def check_texts(row: object) -> None:
    """Raise DataError for the first text of the row that is too long for its column or holds a NUL."""
    known = vars(row)
    for name, longest in _text_columns(cast(Hashable, type(row))):
        value = known[name] if name in known else getattr(row, name)
        if isinstance(value, str):
            if len(value) > longest:
                raise DataError("text_too_long", field=name, length=len(value), limit=longest)
            if "\x00" in value:
                raise DataError("text_not_storable", field=name)
