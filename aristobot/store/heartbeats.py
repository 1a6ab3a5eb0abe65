"""How the heart of each exchange beats: now, and when it started and stopped. Written by SYSTEM, read by everybody."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from aristobot.store.tables import HeartbeatEvent, HeartbeatStatus
from aristobot.store.tenancy import GuardedSession

STARTED = "started"
STOPPED = "stopped"


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


def candle_closed(session: GuardedSession, exchange: str, at: datetime) -> None:
    """Note the close of the newest candle that came."""
    row = _row(session, exchange)
    row.last_candle_at = max(at, row.last_candle_at or at)


def status(session: GuardedSession, exchange: str) -> HeartbeatStatus | None:
    """How it is; None before its first start."""
    return session.exec(select(HeartbeatStatus).where(HeartbeatStatus.exchange == exchange)).one_or_none()


def history(session: GuardedSession, exchange: str, limit: int = 100) -> list[HeartbeatEvent]:
    """Its starts and stops, the newest first."""
    wanted = select(HeartbeatEvent).where(HeartbeatEvent.exchange == exchange)
    return list(session.exec(wanted.order_by(col(HeartbeatEvent.at).desc()).limit(limit)))


def _row(session: GuardedSession, exchange: str) -> HeartbeatStatus:
    row = status(session, exchange)
    if row is None:
        row = HeartbeatStatus(exchange=exchange)
        session.add(row)
        session.flush()
    return row
