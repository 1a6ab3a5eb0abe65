"""An order placed elsewhere, in the shape of one of ours: what only ours have is empty."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from aristobot.kinds import OrderRole
from aristobot.language import _, use_language
from aristobot.money import ZERO
from aristobot.orders import Side, TimeInForce
from aristobot.store import orders, strangers
from aristobot.store.monitor_tables import Stranger
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order


class Foreign:
    """Reads like the row of an order. Its role is said by its side: it belongs to no position of ours."""

    time_in_force = TimeInForce.GTC
    quote_quantity = ZERO
    position_id: uuid.UUID | None = None
    webhook_id: uuid.UUID | None = None
    reason = ""
    reason_facts: dict[str, Any] | None = None
    dry_run = False
    trace_id = ""
    sent_at: datetime | None = None

    def __init__(self, row: Stranger, language: str) -> None:
        self._row = row
        self.id, self.created_at = row.id, row.created_at
        self.role = OrderRole.ENTRY if row.side is Side.BUY else OrderRole.EXIT
        with use_language(language):
            self.shown_note = _("Added by the monitor")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def recent_of_all(session: GuardedSession, language: str, wanted: dict[str, Any]) -> list[Order | Foreign]:
    """Ours and those placed elsewhere, newest first, at most `limit`; `wanted` as `orders.recent` takes it."""
    both: list[Order | Foreign] = [*orders.recent(session, **wanted)]
    both += [Foreign(one, language) for one in strangers.recent(session, **wanted)]
    return sorted(both, key=lambda row: (row.created_at, row.id), reverse=True)[: wanted["limit"]]


def one_of_all(session: GuardedSession, language: str, order_id: uuid.UUID) -> Order | Foreign:
    """The order of this id, ours or not; NotFound."""
    ours = orders.find(session, order_id)
    return ours if ours is not None else Foreign(strangers.get(session, order_id), language)
