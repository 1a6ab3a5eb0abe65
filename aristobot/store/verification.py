"""Is the memory what it should be? A report for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import StoreDamaged
from aristobot.kinds import LotStatus
from aristobot.money import kept
from aristobot.store import audit, bookkeeping, positions, schema
from aristobot.store.database import is_sqlite, make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.migrate import head, revision_of
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import FillRow, Order, PositionRow

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One question, and what speaks against a yes."""

    name: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Report:
    """All questions that could be asked."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether all passed."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return {"passed": self.passed, "checks": [asdict(check) | {"passed": check.passed} for check in self.checks]}


def verify(url: str, audit_key: bytes | None = None) -> Report:
    """Look at the whole database; changes nothing. StoreError when it cannot be reached.

    Integrity, references, revision, schema against the models, seals of the audit (with its key), and what must hold of
    orders, fills and positions. The last three are asked only of a database at the newest revision.
    """
    engine = make_engine(url, readonly=is_sqlite(url))  # PostgreSQL makes the models' own schema for comparison, and undoes it
    try:
        with in_our_words(), engine.connect() as connection:
            checks = [_integrity(connection), _references(connection), _revision(connection)]
            if all(check.passed for check in checks):
                checks.append(_schema(connection))
                with GuardedSession(connection, scope=SYSTEM) as session:
                    checks += _content(session, audit_key)
            return Report(tuple(checks))
    except StoreDamaged as damage:
        return Report((Check("integrity", (str(damage),)),))
    finally:
        engine.dispose()


def _integrity(connection: sa.Connection) -> Check:
    if connection.dialect.name != "sqlite":
        return Check("integrity")
    answers = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})")]
    return Check("integrity", () if answers == ["ok"] else tuple(answers))


def _references(connection: sa.Connection) -> Check:
    if connection.dialect.name != "sqlite":
        return Check("references")
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    return Check("references", tuple(f"{row[0]} row {row[1]} → {row[2]}" for row in broken))


def _revision(connection: sa.Connection) -> Check:
    found, wanted = revision_of(connection), head()
    return Check("revision", () if found == wanted else (f"{found or 'none'} instead of {wanted}",))


def _schema(connection: sa.Connection) -> Check:
    return Check("schema", tuple(schema.differences(schema.snapshot(connection), schema.expected(connection)))[:_SHOWN])


def _content(session: GuardedSession, audit_key: bytes | None) -> list[Check]:
    checks = []
    if audit_key is not None:
        chain = audit.verify(session, audit_key)
        checks.append(Check("audit", () if chain.whole else (f"entry {chain.broken_at} is not what was written",)))
    questions: dict[str, Callable[[GuardedSession], Iterable[str]]] = {
        "fills_within_orders": _overfilled,
        "one_open_position": _doubled_positions,
        "no_negative_position": _negative_positions,
        "positions_of_their_fills": _untold_positions,
        "one_default_broker": _doubled_defaults,
    }
    return checks + [Check(name, tuple(question(session))) for name, question in questions.items()]


def _overfilled(session: GuardedSession) -> Iterable[str]:
    executed = sa.func.sum(col(FillRow.quantity))
    wanted = (
        sa.select(col(Order.id), col(Order.quantity), executed)
        .join(FillRow, col(FillRow.order_id) == col(Order.id))
        .where(col(Order.quantity) > 0)
        .group_by(col(Order.id), col(Order.quantity))
        .having(executed > col(Order.quantity))
    )
    return [f"order {row[0]}: {row[2]} of {row[1]}" for row in session.execute(wanted.limit(_SHOWN))]


def _doubled_positions(session: GuardedSession) -> Iterable[str]:
    key = (col(PositionRow.user_id), col(PositionRow.broker_id), col(PositionRow.symbol), col(PositionRow.owner))
    wanted = sa.select(*key).where(col(PositionRow.status) == LotStatus.OPEN).group_by(*key)
    doubled = wanted.having(sa.func.count() > 1).limit(_SHOWN)
    return [f"broker {row[1]} {row[2]} of {row[3]}" for row in session.execute(doubled)]


def _negative_positions(session: GuardedSession) -> Iterable[str]:
    wanted = select(PositionRow).where(PositionRow.quantity < 0)
    return [f"position {row.id}: {row.quantity}" for row in session.exec(wanted.limit(_SHOWN))]


def _untold_positions(session: GuardedSession) -> Iterable[str]:
    """Open positions that hold something else than what was executed for them."""
    found = []
    for row in positions.open_ones(session):
        told = kept(bookkeeping.told_by_fills(session, row).quantity)
        if told != row.quantity:
            found.append(f"position {row.id}: {row.quantity}, its executions say {told}")
    return found[:_SHOWN]


def _doubled_defaults(session: GuardedSession) -> Iterable[str]:
    wanted = sa.select(col(Broker.user_id)).where(col(Broker.is_default), col(Broker.deleted_at).is_(None))
    doubled = wanted.group_by(col(Broker.user_id)).having(sa.func.count() > 1)
    return [f"user {row[0]}" for row in session.execute(doubled.limit(_SHOWN))]
