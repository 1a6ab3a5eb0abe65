"""An order placed elsewhere, in the shape of one of ours: what only ours have is empty."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from aristobot.kinds import OrderRole
from aristobot.language import _, use_language
from aristobot.money import ZERO
from aristobot.orders import Side, TimeInForce
from aristobot.store.monitor_tables import Stranger


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
