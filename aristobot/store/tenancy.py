"""Whose rows are these: a session that adds its owner to every statement and refuses what it cannot guard."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapper, ORMExecuteState, configure_mappers, with_loader_criteria
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.sql.selectable import TextualSelect
from sqlmodel import Session, SQLModel, col

from aristobot.store.columns import Owned
from aristobot.store.limits import check_texts
from aristobot.store.tables import AuditEntry, Halt, User
from aristobot.store.whole import all_tables


class System(Enum):
    """The scope of the services that work for everybody."""

    SYSTEM = "system"


SYSTEM: Final = System.SYSTEM
Scope = uuid.UUID | System

#: Given with this very object, a statement of the store's own has already been checked: no filter is added.
CHECKED: Final[Mapping[str, object]] = {"tenancy_checked": object()}

#: Of a statement that is made once and asked again and again, each time with its parameters: its guard is made once, too.
ASKED_AGAIN: Final[Mapping[str, object]] = {"asked_again": True}

_WITHOUT_MODELS = "only statements on models can be guarded: no text(), no bare tables"
#: Tables without an owner in which a user's session may still write: its own deeds, and the emergency brake.
_WRITTEN_BY_USERS = (AuditEntry, Halt)


class TenantError(RuntimeError):
    """A statement that could touch another user's rows: a mistake in our code, never a situation."""


class GuardedSession(Session):
    """A session bound to one user (`scope` is their id), or to SYSTEM. Rows keep their values after the commit."""

    def __init__(self, bind: sa.Engine | sa.Connection, *, scope: Scope, only_reads: bool = False) -> None:
        if not isinstance(scope, uuid.UUID | System):
            raise TenantError(f"a session is for a user's id or for SYSTEM, not for {scope!r}")
        super().__init__(bind, expire_on_commit=False)
        self.scope: Scope = scope
        #: Whether nothing that is found here can be changed here, and no server is asked (questions.py).
        self.only_reads_sqlite = only_reads and bind.dialect.name == "sqlite"

    def _refuse_bulk(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TenantError("bulk operations pass by the guard: use add_all, insert_once or update()")

    def connection(self, *args: Any, **kwargs: Any) -> sa.Connection:
        """The bare connection, for SYSTEM alone: nothing guards what is done with it."""
        if self.scope is not SYSTEM:
            raise TenantError("the bare connection cannot be guarded")
        return super().connection(*args, **kwargs)

    def driver(self) -> Any:
        """The driver's own connection, in this session's transaction: for statements of the store's that have been guarded."""
        return super().connection().connection.driver_connection

    bulk_save_objects = _refuse_bulk
    bulk_insert_mappings = _refuse_bulk
    bulk_update_mappings = _refuse_bulk


def owner_of(session: GuardedSession) -> uuid.UUID:
    """The user whom this session serves; TenantError when it serves everybody."""
    if isinstance(session.scope, System):
        raise TenantError("this needs the session of one user")
    return session.scope


@event.listens_for(GuardedSession, "do_orm_execute")
def _guard_statement(state: ORMExecuteState) -> None:
    session = state.session
    if not isinstance(session, GuardedSession) or isinstance(session.scope, System):
        return
    if state.execution_options.get("tenancy_checked") is CHECKED["tenancy_checked"]:
        return
    if not state.is_orm_statement:
        raise TenantError(_WITHOUT_MODELS)
    if state.is_insert:
        raise TenantError("insert() cannot be guarded: use session.add or insert_once")
    if state.is_update or state.is_delete:
        _refuse_wide_writes(state)
    if state.is_column_load:
        return  # a refresh of a row that this session already holds
    guard = _guarded_once if state.execution_options.get("asked_again") else guarded
    state.statement = guard(state.statement, session.scope)


def guarded(statement: Any, user_id: Any) -> Any:
    """The statement, which finds rows of this user (or of whom a `bindparam` names) alone in every table that has owners.

    Raises TenantError for what cannot be guarded.
    """
    if statement._propagate_attrs.get("compile_state_plugin") != "orm":
        raise TenantError(_WITHOUT_MODELS)
    tables, simple = _guarded_tables(statement)
    if simple:  # a criterion that SQLAlchemy puts wherever a model may turn up costs half as much again as the question
        return statement.where(_owner_of_rows(tables[0]) == user_id)
    return statement.options(*(_own_rows_only(user_id, name) for name in tables)) if tables else statement


#: Of a statement that is made once and asked again with other parameters, this too need be worked out once.
_guarded_once = lru_cache(maxsize=2048)(guarded)


def _refuse_wide_writes(state: ORMExecuteState) -> None:
    mapper = state.bind_mapper
    if mapper is None or not (_has_owner(mapper.class_) or mapper.class_ is User):
        raise TenantError("a table without an owner is written by SYSTEM alone")
    if state.is_update and isinstance(state.parameters, list | tuple):
        raise TenantError("an update by a list of keys has no WHERE to extend")
    statement = state.statement
    changed: Collection[Any] = (getattr(statement, "_values", None) or {}) if isinstance(statement, sa.Update) else ()
    if any(getattr(column, "key", column) == "user_id" for column in changed):
        raise TenantError("the owner of a row never changes")


def _guarded_tables(statement: Any) -> tuple[list[str], bool]:
    """The tables with an owner in a statement, by name; and whether it is one SELECT from one table and nothing else.

    A text(), or a table that one of the statement's SELECTs uses without its model, would escape the filter: TenantError.
    """
    selects, found, sources = [statement], set[str](), set[int]()
    while selects:
        bare: dict[int, str] = {}
        through_model: set[int] = set()
        for part in _parts_of(selects.pop()):
            if isinstance(part, sa.TextClause | TextualSelect):
                raise TenantError("text() cannot be guarded")
            if isinstance(part, sa.SelectBase):
                selects.append(part)
                continue
            source = part.table if isinstance(part, sa.Column) else part
            if isinstance(source, sa.FromClause):
                sources.add(hash(source))  # with or without annotations, a table's hash is the same
            if (name := _guarded_name(source)) is None:
                continue
            if "parententity" in part._annotations:
                through_model.add(hash(source))
            else:
                bare[hash(source)] = name
            found.add(name)
        if escaped := sorted(name for key, name in bare.items() if key not in through_model):
            raise TenantError(f"{', '.join(escaped)} without its model")
    own = {hash(_model_of(name).__table__) for name in found}
    # In an order, so that equal statements are put into SQL once.
    return sorted(found), isinstance(statement, sa.Select) and len(sources) == 1 and own == sources


def _parts_of(select: Any) -> Iterator[Any]:
    """Everything in one SELECT (or UPDATE, or DELETE); of those nested in it, only that they are there."""
    waiting = list(select.get_children())
    while waiting:
        part = waiting.pop()
        yield part
        if not isinstance(part, sa.SelectBase) and _guarded_name(part) is None:
            waiting.extend(part.get_children())


def _guarded_name(source: Any) -> str | None:
    """The name of the table, when this is one with an owner, or an alias of one."""
    table = source.element if isinstance(source, sa.Alias) else source
    if not isinstance(table, sa.Table):
        return None
    return table.name if table.name == User.__tablename__ or "user_id" in table.c else None


@cache
def guarded_classes() -> tuple[type[Any], ...]:
    """Every model whose rows belong to somebody, the users themselves included. TenantError when one was forgotten."""
    configure_mappers()
    mappers: list[Mapper[Any]] = list(SQLModel._sa_registry.mappers)
    guarded = [mapper for mapper in mappers if _has_owner(mapper.class_) or mapper.class_ is User]
    unguarded = {table for table in all_tables() if "user_id" in table.c} - {mapper.local_table for mapper in guarded}
    if unguarded:
        raise TenantError(f"tables with an owner, but without a guard: {', '.join(sorted(table.name for table in unguarded))}")
    return tuple(sorted((mapper.class_ for mapper in guarded), key=lambda model: str(model.__name__)))


@lru_cache(maxsize=2048)
def _own_rows_only(user_id: Any, table: str) -> Any:
    """The criterion of one class: pydantic hides the attribute on the mixin, so the mixin itself cannot be named."""
    return with_loader_criteria(_model_of(table), _owner_of_rows(table) == user_id, include_aliases=True)


@cache
def _owner_of_rows(table: str) -> Any:
    """The column that says whose a row is."""
    model = _model_of(table)
    return col(User.id) if model is User else model.user_id


@cache
def _model_of(table: str) -> Any:
    return next(one for one in guarded_classes() if one.__tablename__ == table)


def _has_owner(model: type[Any]) -> bool:
    return issubclass(model, Owned | AuditEntry)


@event.listens_for(GuardedSession, "before_flush")
def _guard_flush(session: PlainSession, _context: Any, _instances: Any) -> None:
    if not isinstance(session, GuardedSession):
        return
    for row in session.new:
        _claim(row, session.scope)
    for row in (*session.new, *session.dirty):
        check_texts(row)
    if isinstance(session.scope, System):
        return
    for row in (*session.dirty, *session.deleted):
        if _has_owner(type(row)):
            past = sa.inspect(row).attrs.user_id.history
            if {*(past.added or ()), *(past.deleted or ()), *(past.unchanged or ())} - {session.scope}:
                raise TenantError(f"this {type(row).__name__} belongs to another user")
        elif not isinstance(row, (User, *_WRITTEN_BY_USERS)):
            raise TenantError(f"{type(row).__name__} is written by SYSTEM alone")


def _claim(row: Any, scope: Scope) -> None:
    """Give a new row its owner, or refuse it."""
    if isinstance(scope, System):
        if isinstance(row, Owned) and row.user_id is None:
            raise TenantError(f"a {type(row).__name__} without an owner")
    elif isinstance(row, Owned | AuditEntry):
        if row.user_id is None:
            row.user_id = scope
        elif row.user_id != scope:
            raise TenantError(f"this {type(row).__name__} is for another user")
    elif not isinstance(row, _WRITTEN_BY_USERS):
        raise TenantError(f"{type(row).__name__} is written by SYSTEM alone")


def insert_once(session: GuardedSession, model: type[SQLModel], values: Mapping[str, Any], conflict: Sequence[str]) -> Any:
    """Insert one row unless one with the same `conflict` columns is there; its key, or None when it was there.

    Defaults of the model fill what `values` leaves out. The statement goes out at once, and the transaction lives on.
    """
    row = model(**values)
    _claim(row, session.scope)
    check_texts(row)
    session.flush()  # what waits in the session comes first
    mapper = sa.inspect(model)
    statement = (
        _insert_for(session, model)
        .values({attribute.key: getattr(row, attribute.key) for attribute in mapper.column_attrs})
        .on_conflict_do_nothing(index_elements=list(conflict))
        .returning(*mapper.primary_key)
    )
    inserted = session.execute(statement, execution_options=CHECKED).one_or_none()
    return inserted if inserted is None or len(inserted) > 1 else inserted[0]


def insert_many_once(
    session: GuardedSession, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], conflict: Sequence[str]
) -> int:
    """Insert rows of a table without an owner, all columns given, but those already there; how many were new."""
    if _has_owner(model) or not isinstance(session.scope, System):
        raise TenantError("only SYSTEM inserts many at once, and only what belongs to nobody")
    if not rows:
        return 0
    table = sa.inspect(model).local_table  # not through the model: its bulk insert does not tell how many were new
    statement = _insert_for(session, table).on_conflict_do_nothing(index_elements=list(conflict))
    return session.exec(statement, params=list(rows), execution_options={**CHECKED, "preserve_rowcount": True}).rowcount


def _insert_for(session: GuardedSession, target: Any) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(target) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(target)


def one_at_a_time(session: GuardedSession, name: str) -> None:
    """Hold the named lock until this transaction ends. SQLite has a single writer, so there it is always held."""
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(uuid.uuid5(uuid.NAMESPACE_OID, name).bytes[:8], "big", signed=True)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)), execution_options=CHECKED)
