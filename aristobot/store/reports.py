"""What a start found: one report per user and start, shown until it is put away."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.kinds import WebhookStatus
from aristobot.store.monitor_tables import RestartReport
from aristobot.store.tables import CandleRow
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Webhook


def newest(session: GuardedSession) -> RestartReport | None:
    """The report of the last start."""
    return session.exec(select(RestartReport).order_by(col(RestartReport.at).desc()).limit(1)).first()


def put_away(session: GuardedSession, report_id: uuid.UUID, now: datetime) -> None:
    """It was read; a second time changes nothing."""
    unread = sa.update(RestartReport).where(col(RestartReport.id) == report_id, col(RestartReport.seen_at).is_(None))
    session.exec(unread.values(seen_at=now))


def add_items(session: GuardedSession, at: datetime, items: list[dict[str, Any]]) -> None:
    """Add to the report of the start at this moment; what was read before is to be read again then."""
    row = newest(session)
    if items and row is not None and row.at == at:
        row.items, row.seen_at = [*(row.items or ()), *items], None
        session.add(row)


def last_candle_before(session: GuardedSession, moment: datetime) -> datetime | None:
    """When the house last had a candle of its own before this moment: until then it was awake."""
    wanted = select(sa.func.max(CandleRow.received_at)).where(col(CandleRow.received_at) < moment, col(CandleRow.live))
    return session.exec(wanted).one()


def repaired_candles(session: GuardedSession, since: datetime, started: datetime) -> dict[str, int]:
    """Candles that closed while the house was away and were fetched after its start, by symbol and timeframe."""
    wanted = (
        select(CandleRow.symbol, CandleRow.timeframe, sa.func.count())
        .where(
            col(CandleRow.live).is_(False),
            CandleRow.close_time > since,
            CandleRow.close_time <= started,
            CandleRow.received_at >= started,
        )
        .group_by(col(CandleRow.symbol), col(CandleRow.timeframe))
    )
    return {f"{symbol} {timeframe}": count for symbol, timeframe, count in session.exec(wanted)}


def missed_alerts(session: GuardedSession, since: datetime, until: datetime) -> list[Webhook]:
    """Alerts that were waiting when the house fell, and those that never came, oldest first."""
    waiting = col(Webhook.status).in_((WebhookStatus.RECEIVED, WebhookStatus.PROCESSING))
    absent = sa.and_(col(Webhook.status) == WebhookStatus.MISS, col(Webhook.received_at) >= since)
    wanted = select(Webhook).where(col(Webhook.received_at) < until, sa.or_(waiting, absent))
    return list(session.exec(wanted.order_by(col(Webhook.received_at)).limit(100)))
