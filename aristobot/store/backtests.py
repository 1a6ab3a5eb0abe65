"""Backtests: asked for, under way, done."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import BacktestStatus
from aristobot.store.backtest_tables import Backtest, BacktestReport
from aristobot.store.paging import Place, newest
from aristobot.store.tenancy import GuardedSession

_UNDER_WAY = (BacktestStatus.QUEUED, BacktestStatus.RUNNING)


def add(session: GuardedSession, row: Backtest) -> Backtest:
    """Remember what was asked."""
    session.add(row)
    session.flush()
    return row


def get(session: GuardedSession, backtest_id: uuid.UUID) -> Backtest:
    """One run; NotFound when there is none, and when it is another user's."""
    row = session.exec(select(Backtest).where(Backtest.id == backtest_id, ~col(Backtest.pruned))).one_or_none()
    if row is None:
        raise NotFound(kind="backtest")
    return row


def recent(session: GuardedSession, limit: int = 50, before: Place | None = None) -> list[Backtest]:
    """Runs, the newest first."""
    return list(
        session.exec(newest(select(Backtest).where(~col(Backtest.pruned)), Backtest.created_at, Backtest.id, limit, before))
    )


def under_way(session: GuardedSession) -> list[Backtest]:
    """Those that wait or run, the oldest first."""
    wanted = select(Backtest).where(col(Backtest.status).in_(_UNDER_WAY))
    return list(session.exec(wanted.order_by(col(Backtest.created_at), col(Backtest.id))))


def tried(session: GuardedSession, row: Backtest) -> int:
    """How many different texts and parameters have been tried on this pair and timeframe, this run's among them."""
    wanted = select(Backtest.fingerprint).where(
        Backtest.user_id == row.user_id,
        Backtest.strategy == row.strategy,
        Backtest.exchange == row.exchange,
        Backtest.symbol == row.symbol,
        Backtest.timeframe == row.timeframe,
        col(Backtest.status).in_((BacktestStatus.DONE, *_UNDER_WAY)),
    )
    return len({row.fingerprint, *session.exec(wanted.distinct())})


def begin(session: GuardedSession, backtest_id: uuid.UUID, now: datetime) -> bool:
    """From waiting to running; False when it does not wait any more."""
    change = sa.update(Backtest).where(col(Backtest.id) == backtest_id, col(Backtest.status) == BacktestStatus.QUEUED)
    done: Any = session.exec(change.values(status=BacktestStatus.RUNNING, started_at=now))
    return bool(done.rowcount)


def finish(
    session: GuardedSession, backtest_id: uuid.UUID, status: BacktestStatus, now: datetime, told: Mapping[str, Any] | None = None
) -> bool:
    """End a run that waits or runs, with what is `told` of it (columns); False when it was over already."""
    change = sa.update(Backtest).where(col(Backtest.id) == backtest_id, col(Backtest.status).in_(_UNDER_WAY))
    done: Any = session.exec(change.values(status=status, finished_at=now, **(told or {})))
    return bool(done.rowcount)


def keep_report(session: GuardedSession, row: Backtest, packed: bytes) -> None:
    """Put the report beside its run."""
    session.add(BacktestReport(user_id=row.user_id, backtest_id=row.id, packed=packed))
    session.flush()


def report(session: GuardedSession, backtest_id: uuid.UUID) -> bytes:
    """The packed report; NotFound when there is no such run, Conflict `backtest_without_report` when it has none."""
    row = get(session, backtest_id)
    found = session.exec(select(BacktestReport).where(BacktestReport.backtest_id == row.id)).one_or_none()
    if found is None:
        raise Conflict("backtest_without_report", status=row.status.value)
    return found.packed


def pin(session: GuardedSession, backtest_id: uuid.UUID, pinned: bool) -> Backtest:
    """Keep a run whatever comes after it, or not any more. Raises NotFound."""
    row = get(session, backtest_id)
    row.pinned = pinned
    session.flush()
    return row


def prune(session: GuardedSession, keep: int, looked_at: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Forget the runs that are over beyond the newest `keep`, but for those pinned or looked at; which ones.

    Text and report go; the fingerprint stays, because whoever reads a later run is told how many variants were tried.
    """
    usual = select(Backtest.id).where(~col(Backtest.pruned), ~col(Backtest.pinned), col(Backtest.status).not_in(_UNDER_WAY))
    found = session.exec(usual.order_by(col(Backtest.created_at).desc(), col(Backtest.id).desc()).offset(keep).limit(1000))
    gone = [one for one in found if one not in looked_at]
    if gone:
        session.exec(sa.delete(BacktestReport).where(col(BacktestReport.backtest_id).in_(gone)))
        change = sa.update(Backtest).where(col(Backtest.id).in_(gone))
        session.exec(change.values(pruned=True, code="", parameters=None, further=None, summary=None))
    return gone


def delete(session: GuardedSession, backtest_id: uuid.UUID) -> None:
    """Forget a run that is over, and its report. Raises NotFound, and Conflict `backtest_under_way`."""
    row = get(session, backtest_id)
    if not row.status.is_over:
        raise Conflict("backtest_under_way")
    session.exec(sa.delete(BacktestReport).where(col(BacktestReport.backtest_id) == row.id))
    session.exec(sa.delete(Backtest).where(col(Backtest.id) == row.id))
