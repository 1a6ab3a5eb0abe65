"""On which database the journeys are walked: a file, or with `ARISTOBOT_TEST_DATABASE=postgresql` one of a PostgreSQL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.postgres import a_server


@contextmanager
def a_database(options: list[str]) -> Iterator[dict[str, str]]:
    """The environment that leads a house to an empty database, gone afterwards; nothing where `options` say which, or for a file."""
    if os.environ.get("ARISTOBOT_TEST_DATABASE") != "postgresql" or "--database-url" in options:
        yield {}
        return
    with a_server() as url:
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with an_empty_database(server) as address:
            yield {"ARISTOBOT_DATABASE_URL": address}


@contextmanager
def an_empty_database(server: sa.Engine) -> Iterator[str]:
    """The address of a database of one's own on this server."""
    name = f"aristobot_journey_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
