"""Questions that every order asks dozens of times: put into SQL once, for those who only read answered without the object mapper.

    _ALIVE = Question[Order](select(Order).where(col(Order.status).in_(ALIVE), Order.broker_id == sa.bindparam("broker_id")))
    resting = _ALIVE.all(session, broker_id=broker.id)

SQLAlchemy takes four times as long for a row as finding it and turning its columns into values does. Where a session may write,
and on PostgreSQL, whose server is what takes long, it answers: rows that may be changed must be known to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from aristobot.store.prepared import maker
from aristobot.store.tenancy import ASKED_AGAIN, SYSTEM, GuardedSession, guarded

Answer = TypeVar("Answer")
_Decode = Callable[[Any], Any] | None
_OWNER = "owner_of_the_rows"
#: Values that an IN has places for; those left over hold NULL, which is equal to nothing.
MANY = 16


def several(name: str, kind: sa.types.TypeEngine[Any]) -> list[sa.BindParameter[Any]]:
    """The places of an IN, for MANY values at most."""
    return [sa.bindparam(f"{name}_{place}", type_=kind) for place in range(MANY)]


def given(name: str, values: Collection[object]) -> dict[str, object]:
    """The parameters that fill such places."""
    return dict(zip((f"{name}_{place}" for place in range(MANY)), [*values, *[None] * (MANY - len(values))], strict=True))


class Question(Generic[Answer]):
    """A SELECT with the parameters that change as `bindparam`s: of one model, of columns, or of both.

    An answer is a row of the model, or the value of the one column; a tuple of them where several are asked for. Only rows of
    the session's user are found. Lists cannot be parameters: an IN has `several` places, and who needs more asks an ordinary
    statement.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement.execution_options(**ASKED_AGAIN)
        self._of_everybody: _Prepared | None = None
        self._of_one: _Prepared | None = None

    def all(self, session: GuardedSession, **values: object) -> list[Answer]:
        """All answers, in the order that the statement names."""
        if not session.only_reads_sqlite:
            return self._by_mapper(session, values)
        if session.scope is SYSTEM:
            self._of_everybody = prepared = self._of_everybody or _prepared(self._statement)
            return prepared.answers(session, values)
        if self._of_one is None:
            self._of_one = _prepared(guarded(self._statement, sa.bindparam(_OWNER, type_=sa.Uuid())))
        return self._of_one.answers(session, {**values, _OWNER: session.scope})

    def first(self, session: GuardedSession, **values: object) -> Answer | None:
        """The first answer, or None."""
        answers = self.all(session, **values)
        return answers[0] if answers else None

    def _by_mapper(self, session: GuardedSession, values: Mapping[str, object]) -> list[Answer]:
        result = session.execute(self._statement, dict(values))
        if len(self._statement.column_descriptions) == 1:
            return list(result.scalars())
        return [tuple(row) for row in result]  # type: ignore[misc]  # the tuple is the answer


class _Part(NamedTuple):
    """Columns of the result that make one row of a model, or, without a model, the one column that is a value."""

    start: int
    names: tuple[str, ...]
    decode: tuple[_Decode, ...]
    model: type[SQLModel] | None

    def of(self, found: Sequence[Any]) -> Any:
        """The row, as if it had been loaded in a session that is closed; or the value."""
        if self.model is None:
            (decode,) = self.decode
            value = found[self.start]
            return value if decode is None else decode(value)
        row = maker(self.model)()
        values = found[self.start : self.start + len(self.names)]
        row.__dict__.update(
            zip(self.names, [one if way is None else way(one) for one, way in zip(values, self.decode, strict=True)], strict=True)
        )
        mapper, state = _mapper(self.model), sa.inspect(row)
        state.key = mapper.identity_key_from_primary_key([row.__dict__[name] for name in _keys(self.model)])
        return row


class _Prepared(NamedTuple):
    """A statement in SQLite's words: its places (a parameter's name, or None and a constant), and what its columns mean."""

    sql: str
    places: tuple[tuple[str | None, Any], ...]
    parts: tuple[_Part, ...]

    def answers(self, session: GuardedSession, values: Mapping[str, object]) -> list[Any]:
        parameters = [fixed if name is None else _encoded(fixed, values[name]) for name, fixed in self.places]
        found = session.driver().execute(self.sql, parameters).fetchall()
        if len(self.parts) == 1:
            part = self.parts[0].of
            return [part(one) for one in found]
        return [tuple(part.of(one) for part in self.parts) for one in found]


def _encoded(encode: Callable[[Any], Any] | None, value: object) -> Any:
    return value if encode is None else encode(value)


def _prepared(statement: Any) -> _Prepared:
    """Put into SQL with all that does not change, as SQLAlchemy puts it before it asks."""
    dialect = _dialect()
    compiled: Any = statement.compile(dialect=dialect)
    asked = {name: one for name, one in compiled.binds.items() if one.required or one.key == _OWNER}
    whole = compiled.construct_expanded_state(dict.fromkeys(asked))
    encode = {**compiled._bind_processors, **whole.processors}
    places = tuple(
        (asked[name].key, encode.get(name)) if name in asked else (None, _encoded(encode.get(name), whole.parameters[name]))
        for name in whole.positiontup
    )
    decode = [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in compiled._result_columns]
    return _Prepared(whole.statement, places, tuple(_parts(statement, decode)))


def _parts(statement: Any, decode: Sequence[_Decode]) -> Iterator[_Part]:
    start = 0
    for told in statement.column_descriptions:
        model = told["type"] if isinstance(told["type"], type) and issubclass(told["type"], SQLModel) else None
        names = tuple(one.key for one in _mapper(model).column_attrs) if model else ("",)
        yield _Part(start, names, tuple(decode[start : start + len(names)]), model)
        start += len(names)


@cache
def _mapper(model: type[SQLModel]) -> Any:
    return sa.inspect(model)


@cache
def _keys(model: type[SQLModel]) -> tuple[str, ...]:
    mapper = _mapper(model)
    return tuple(mapper.get_property_by_column(one).key for one in mapper.primary_key)


@cache
def _dialect() -> sa.Dialect:
    return sa.make_url("sqlite://").get_dialect()()
