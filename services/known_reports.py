"""What was last believed of each order, so that a report which adds nothing costs no transaction.

The same thing is said twice as a rule: by the answer of a call and by the private stream.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from aristobot.money import ZERO
from aristobot.orders import OrderReport, OrderState, merge
from aristobot.store.bookkeeping import EXITS, Recorded

#: Orders whose last report is kept in memory.
_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class _Known:
    recorded: Recorded
    fill_ids: frozenset[str]

    def covers(self, report: OrderReport) -> bool:
        """Whether the report says nothing new."""
        order = self.recorded.order
        state = OrderState(order.status, order.filled, order.quote_filled, order.exchange_order_id)
        same = merge(state, report) == state and all(fill.trade_id in self.fill_ids for fill in report.fills)
        sized = order.role not in EXITS or report.quantity in (ZERO, order.quantity)
        return same and sized and not (report.list_client_id and not order.list_client_id)


class KnownReports:
    """The newest orders, by broker and client order id."""

    def __init__(self) -> None:
        self._known: dict[tuple[uuid.UUID, str], _Known] = {}

    def find(self, broker_id: uuid.UUID, report: OrderReport) -> Recorded | None:
        """What is believed already when the report adds nothing to it, as an outcome without change; else None."""
        known = self._known.get((broker_id, report.client_order_id))
        if known is None or not known.covers(report):
            return None
        return replace(known.recorded, changed=False, position_changed=False, fresh_fills=0)

    def remember(self, recorded: Recorded, report: OrderReport) -> None:
        """Note what a report led to."""
        key = (recorded.order.broker_id, recorded.order.client_order_id)
        before = self._known.pop(key, None)
        told = {fill.trade_id for fill in report.fills} | (before.fill_ids if before is not None else set())
        self._known[key] = _Known(recorded, frozenset(told))
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def forget(self, broker_id: uuid.UUID, client_order_id: str) -> None:
        """The row was changed by other means than a report."""
        self._known.pop((broker_id, client_order_id), None)
