"""How the heart of each exchange beats: now, and when it started and stopped. Written by SYSTEM, read by everybody."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import func, select

from aristobot.store.lookups import row_where
from aristobot.store.paging import Place, newest
from aristobot.store.tables import HeartbeatEvent, HeartbeatStatus
from aristobot.store.tenancy import GuardedSession

STARTED = "started"
STOPPED = "stopped"
KILLED = "killed"


def started(session: GuardedSession, exchange: str, now: datetime, reason: str = "") -> HeartbeatStatus:
    """It beats from now on."""
    row = _row(session, exchange)
    row.connected, row.last_start = True, now
    session.add(HeartbeatEvent(exchange=exchange, kind=STARTED, reason=reason, at=now))
    return row


def stopped(session: GuardedSession, exchange: str, now: datetime, reason: str = "") -> HeartbeatStatus:
    """It stopped. Saying so twice is noted once."""
    row = _row(session, exchange)
    if row.connected or row.last_stop is None:
        session.add(HeartbeatEvent(exchange=exchange, kind=STOPPED, reason=reason, at=now))
        row.connected, row.last_stop = False, now
    return row


def abandoned(session: GuardedSession, exchange: str) -> None:
    """Note the stop that nobody could note: the process was killed while it beat. It is dated by the last sign of life."""
    row = _row(session, exchange)
    if row.connected and row.last_start is not None:
        stopped(session, exchange, max(row.last_start, row.last_candle_at or row.last_start), KILLED)


def candle_closed(session: GuardedSession, exchange: str, at: datetime) -> None:
    """Note the close of the newest candle that came."""
    row = _row(session, exchange)
    row.last_candle_at = max(at, row.last_candle_at or at)


def status(session: GuardedSession, exchange: str) -> HeartbeatStatus | None:
    """How it is; None before its first start."""
    return row_where(session, HeartbeatStatus, "exchange", exchange)


def history(session: GuardedSession, exchange: str, limit: int = 100, before: Place | None = None) -> list[HeartbeatEvent]:
    """Its starts and stops, the newest first."""
    wanted = select(HeartbeatEvent).where(HeartbeatEvent.exchange == exchange)
    return list(session.exec(newest(wanted, HeartbeatEvent.at, HeartbeatEvent.id, limit, before)))


def stops(session: GuardedSession, exchange: str, since: datetime) -> int:
    """How often it stopped since then."""
    counted = select(func.count()).where(HeartbeatEvent.exchange == exchange, HeartbeatEvent.kind == STOPPED)
    return session.exec(counted.where(HeartbeatEvent.at >= since)).one()


def _row(session: GuardedSession, exchange: str) -> HeartbeatStatus:
    row = status(session, exchange)
    if row is None:
        row = HeartbeatStatus(exchange=exchange)
        session.add(row)
        session.flush()
    return row
