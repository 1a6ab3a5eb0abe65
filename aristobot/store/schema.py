"""What a database really is, compared with what the models say: everything that can be reflected, on both databases."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from aristobot.store.whole import METADATA

#: Plain values by table; nobody changes them.
Snapshot = Mapping[str, Mapping[str, Any]]

_NOT_OURS = frozenset({"alembic_version", "sqlite_sequence"})
_MASTER = sa.table("sqlite_master", sa.column("type"), sa.column("name"), sa.column("sql"))
_EVERYTHING = sa.select(_MASTER.c.type, _MASTER.c.name, _MASTER.c.sql).order_by(_MASTER.c.type, _MASTER.c.name)
#: On SQLite all that is reflected stands in the statements that made it: what was read of the same ones is known.
_READ: dict[tuple[tuple[str, str, str | None], ...], Snapshot] = {}
_MOST_READ = 8


def snapshot(connection: sa.Connection, schema: str | None = None) -> Snapshot:
    """Columns, keys, checks, index conditions and automatic numbering of every table, as plain values."""
    if connection.dialect.name != "sqlite":
        return _reflected(connection, schema)
    statements = tuple((row[0], row[1], row[2]) for row in connection.execute(_EVERYTHING))
    read = _READ.get(statements)
    if read is None:
        read = _reflected(connection, schema)
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        _READ[statements] = read
    return read


def _reflected(connection: sa.Connection, schema: str | None) -> Snapshot:
    inspector = sa.inspect(connection)
    names = sorted(set(inspector.get_table_names(schema)) - _NOT_OURS)
    return {name: _describe(connection, inspector, name, schema) for name in names}


def expected(connection: sa.Connection) -> Snapshot:
    """The snapshot of a database that the models themselves would make, on the same kind of database.

    On PostgreSQL it is made in a schema of its own inside the transaction, and undone.
    """
    if connection.dialect.name == "sqlite":
        return _by_the_models()
    trial = f"aristobot_trial_{uuid.uuid4().hex[:12]}"
    with connection.begin_nested() as undone:
        connection.execute(sa.schema.CreateSchema(trial))
        connection.execution_options(schema_translate_map={None: trial})
        METADATA.create_all(connection, checkfirst=False)
        connection.execution_options(schema_translate_map=None)
        described = snapshot(connection, trial)
        undone.rollback()
    return described


@cache
def _by_the_models() -> Snapshot:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as fresh:
        METADATA.create_all(fresh)
        described = snapshot(fresh)
    engine.dispose()
    return described


def differences(found: Snapshot, wanted: Snapshot) -> list[str]:
    """One line for each thing that differs; empty when the database is what the models say."""
    lines = [f"{name}: missing" for name in sorted(wanted.keys() - found.keys())]
    for name in sorted(wanted.keys() & found.keys()):
        for part, value in wanted[name].items():
            if found[name][part] != value:
                lines.append(f"{name}.{part}: {json.dumps(found[name][part])} instead of {json.dumps(value)}")
    return lines


def _describe(connection: sa.Connection, inspector: sa.Inspector, table: str, schema: str | None) -> dict[str, Any]:
    primary = inspector.get_pk_constraint(table, schema)
    where = f"{connection.dialect.name}_where"
    return {
        "columns": {column["name"]: _column(column) for column in inspector.get_columns(table, schema)},
        "primary_key": [primary["name"], *primary["constrained_columns"]],
        "foreign_keys": sorted(
            [str(key["name"]), *key["constrained_columns"], "→", key["referred_table"], *key["referred_columns"]]
            + [f"{option}={value}" for option, value in sorted(key["options"].items())]
            for key in inspector.get_foreign_keys(table, schema)
        ),
        "unique": sorted(
            [str(unique["name"]), *unique["column_names"]] for unique in inspector.get_unique_constraints(table, schema)
        ),
        "checks": sorted(
            [str(check["name"]), " ".join(check["sqltext"].split())] for check in inspector.get_check_constraints(table, schema)
        ),
        "indexes": sorted(
            [str(index["name"]), str(bool(index["unique"])), str(index.get("dialect_options", {}).get(where, ""))]
            + [str(column) for column in index["column_names"]]
            for index in inspector.get_indexes(table, schema)
        ),
        "numbered": _never_reuses_numbers(connection, table),
    }


def _column(column: Any) -> list[str]:
    default = str(column.get("default")).split("'")
    return [
        str(column["type"]),
        "null" if column["nullable"] else "not null",
        default[0],
        str(column.get("identity") is not None),
    ]


def _never_reuses_numbers(connection: sa.Connection, table: str) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    ddl = connection.scalar(sa.select(_MASTER.c.sql).where(_MASTER.c.name == table))
    return "AUTOINCREMENT" in str(ddl)
