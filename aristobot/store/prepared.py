"""Rows as a driver takes them: for the two places where the object mapper would cost more than the commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar, overload

import sqlalchemy as sa
from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

from aristobot.store.types import Amount, UtcDateTime, amount_text, moment_text

#: At most so many rows in one statement: databases limit the number of parameters.
LARGEST_INSERT = 64
Row = TypeVar("Row", bound=SQLModel)
#: Types of ours whose values go to SQLite the same way through these, without the layers of their own.
_QUICKER: dict[type, Callable[[Any], Any]] = {
    UtcDateTime: moment_text,
    Amount: amount_text,
    sa.Uuid: attrgetter("hex"),
    sa.Enum: attrgetter("_value_"),
}
_INSERT = "INSERT INTO $table ($names) VALUES $rows"


class Column(NamedTuple):
    """A column's name, its default, how a value goes to the driver (None: as it is), and how the default does."""

    name: str
    default: Any
    encode: Callable[[Any], Any] | None
    encoded_default: Any

    def encoded(self, values: Mapping[str, Any]) -> Any:
        """The column's value among `values`, else its default, as the driver wants it."""
        value = values.get(self.name, self.default)
        if value is self.default:
            return self.encoded_default
        return value if value is None or self.encode is None else self.encode(value)


class Columns(Sequence[Column]):
    """Columns of one table in their order."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._each = tuple(columns)
        self._defaults = {one.name: one.default for one in self._each}
        self._values: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*self._defaults)
        self._coded = tuple(
            (place, one.default, one.encode, one.encoded_default)
            for place, one in enumerate(self._each)
            if one.encode is not None
        )

    @overload
    def __getitem__(self, index: int) -> Column: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Column]: ...
    def __getitem__(self, index: int | slice) -> Column | Sequence[Column]:
        return self._each[index]

    def __len__(self) -> int:
        return len(self._each)

    def encoded(self, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
        """All values of all rows, one after the other, as `Column.encoded` gives them: a call for each would cost half of it."""
        encoded: list[Any] = []
        for row in rows:
            values = list(self._values({**self._defaults, **row}))
            for place, default, encode, encoded_default in self._coded:
                if (value := values[place]) is default:
                    values[place] = encoded_default
                elif value is not None:
                    values[place] = encode(value)
            encoded += values
        return encoded


@cache
def columns(model: type[SQLModel], on_sqlite: bool, without: frozenset[str] = frozenset()) -> Columns:
    """The columns of a model but those named, encoded exactly as the model writes them."""
    dialect = sa.make_url("sqlite://" if on_sqlite else "postgresql+psycopg://").get_dialect()()
    return Columns(
        _column(one, model.model_fields[one.name].default, dialect)
        for one in sa.inspect(model).columns
        if one.name not in without
    )


def _column(column: sa.Column[Any], default: Any, dialect: sa.Dialect) -> Column:
    encode: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    if dialect.name == "sqlite" and (quicker := _QUICKER.get(type(column.type))) is not None:
        encode = quicker
    if default is None or default is PydanticUndefined or encode is None:
        return Column(column.name, default, encode, default)
    return Column(column.name, default, encode, encode(default))


def places(count: int, on_sqlite: bool) -> str:
    """Parameter places in brackets: `(?, ?)`."""
    return f"({', '.join(['?' if on_sqlite else '%s'] * count)})"


def insert_sql(table: str, names: tuple[str, ...], rows: int, on_sqlite: bool) -> str:
    """An INSERT of so many rows."""
    rows_of_places = ", ".join([places(len(names), on_sqlite)] * rows)
    return _INSERT.replace("$table", table).replace("$names", ", ".join(names)).replace("$rows", rows_of_places)


def key_of(value: uuid.UUID, on_sqlite: bool) -> str | uuid.UUID:
    """An id as the driver takes it."""
    return value.hex if on_sqlite else value


def read_key(value: str | uuid.UUID) -> uuid.UUID:
    """An id as the driver gives it back."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def new_row(model: type[Row], values: Mapping[str, Any]) -> Row:
    """A row of a model from values that need no check; what is left out has its default.

    The model's own constructor sets each of its columns through three layers, which for an order costs more than its commit.
    """
    row: Row = maker(model)()
    row.__dict__.update(_defaults(model))
    row.__dict__.update(values)
    for name in ("__pydantic_extra__", "__pydantic_private__"):
        object.__setattr__(row, name, None)
    object.__setattr__(row, "__pydantic_fields_set__", set(values))
    return row


@cache
def maker(model: type[Row]) -> Callable[[], Row]:
    """What makes an empty row of the model, as the object mapper does before it fills one."""
    made: Callable[[], Row] = sa.inspect(model).class_manager.new_instance
    return made


@cache
def _defaults(model: type[SQLModel]) -> Mapping[str, Any]:
    """Defaults that are values; a column whose default is made anew for each row has to be given."""
    fields = {name: model.model_fields[name] for name in (one.key for one in sa.inspect(model).column_attrs)}
    return {
        name: one.default for name, one in fields.items() if one.default_factory is None and one.default is not PydanticUndefined
    }
