"""Alembic's environment: called by the application with its connection, or by the command line with `-x url=…`."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel.sql.sqltypes import AutoString

from aristobot.errors import ConfigurationError
from aristobot.store.database import make_engine
from aristobot.store.types import DECIMALS, TEXT_WIDTH, WHOLE_DIGITS, Amount, UtcDateTime
from aristobot.store.whole import METADATA


def frozen_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write plain types into the scripts: history must not change when a class of ours does."""
    if kind != "type":
        return False
    if isinstance(item, Amount):
        return f'sa.Numeric({WHOLE_DIGITS + DECIMALS}, {DECIMALS}).with_variant(sa.String({TEXT_WIDTH}), "sqlite")'
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, AutoString):
        return f"sa.String({item.length})"
    if isinstance(item, sa.Enum):
        words = ", ".join(repr(word) for word in item.enums)
        return f"sa.Enum({words}, name={item.name!r}, native_enum=False, create_constraint=True, length={item.length})"
    if isinstance(item, sa.JSON):
        return 'sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")'
    return False


def migrate(connection: sa.Connection) -> None:
    """Run the scripts inside the transaction that is open, all or none; SQLite's tables are rebuilt where it cannot alter."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        render_item=frozen_type,
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_from_command_line() -> None:
    """`alembic -x url=sqlite:///… revision --autogenerate -m "…"`."""
    url = context.get_x_argument(as_dictionary=True).get("url")
    if url is None or context.is_offline_mode():
        raise ConfigurationError("migrations_need_a_database", cure="alembic -x url=sqlite:///…")
    engine = make_engine(url, foreign_keys=False)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    migrate_from_command_line()
