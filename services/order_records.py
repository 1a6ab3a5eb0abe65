"""Where reports become rows: one way in, whoever brings the report (answer of a call, private stream, monitor, resolver)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock, iso_milliseconds
from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated, PositionUpdated
from aristobot.logs import log_context
from aristobot.money import plain
from aristobot.orders import OrderReport, OrderStatus
from aristobot.risk import Activity
from aristobot.store import bookkeeping, orders
from aristobot.store.database import Database
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services.account_book import AccountBook
from services.broker_book import Account
from services.market_catalog import MarketCatalog
from services.order_beliefs import OrderBeliefs


class OrderRecords:
    """Applies reports and verdicts to orders, and tells the bus."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, catalog: MarketCatalog, accounts: AccountBook) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._catalog = catalog
        self._accounts = accounts
        self._beliefs = OrderBeliefs(db, clock)
        self._doubtful: dict[uuid.UUID, tuple[uuid.UUID, str]] = {}
        self._activity: dict[uuid.UUID, Activity] = {}

    def activity(self, broker_id: uuid.UUID) -> Activity:
        """What the broker did lately, for the limits."""
        known = self._activity.get(broker_id)
        return self.new_activity(broker_id) if known is None else known

    def in_doubt(self, broker_id: uuid.UUID, symbol: str) -> bool:
        """Whether an order of this broker on this symbol is being looked for."""
        return (broker_id, symbol) in self._doubtful.values()

    def doubt(self, order: Order) -> None:
        """Nobody can tell what became of this order: nothing is bought on its symbol."""
        self._doubtful[order.id] = (order.broker_id, order.symbol)

    def believe_again(self, order: Order) -> None:
        """What is known of this order is what its row says."""
        self._note_doubt(order)

    def new_activity(self, broker_id: uuid.UUID) -> Activity:
        """Begin to count anew."""
        self._activity[broker_id] = Activity()
        return self._activity[broker_id]

    async def apply(self, account: Account, report: OrderReport) -> bookkeeping.Recorded | None:
        """Believe a report about one of our orders; None when the order is a stranger."""
        instrument = await self._catalog.instrument(account.broker.exchange, report.symbol)
        recorded = await self._beliefs.believe(account, report, instrument)
        if recorded is None:
            return None
        if recorded.changed:
            self._announce(recorded.order)
            if recorded.position_id is not None and (recorded.position_changed or _left_its_post(recorded.order)):
                self.tell_position(recorded.order, recorded.position_id)
        return recorded

    async def settle(self, order: Order, status: OrderStatus, error: AristobotError | None = None) -> Order:
        """End an order by our own knowledge, or put it in doubt; what it has become meanwhile wins."""
        now = self._clock.now()

        def work(session: GuardedSession) -> tuple[Order, bool]:
            row = orders.get(session, order.id)
            changed = bookkeeping.settle(session, row, status, now, error.code if error else "")
            if changed and error is not None:
                row.reason_facts = {name: str(value)[:200] for name, value in error.facts.items()}
            return row, changed

        self._beliefs.forget(order.broker_id, order.client_order_id)
        row, changed = await self._db.write(order.user_id, work)
        if changed:
            self._announce(row)
        self._note_doubt(row)
        return row

    async def sent_again(self, rows: Sequence[Order], fence_at: datetime) -> None:
        """These orders are about to be sent once more: what is not found before the new fence may still appear."""
        now = self._clock.now()

        def work(session: GuardedSession) -> None:
            for row in rows:
                kept = orders.get(session, row.id)
                kept.sent_at, kept.fence_at = now, fence_at
                session.add(kept)

        await self._db.write(rows[0].user_id, work)

    def announce_new(self, order: Order) -> None:
        """Tell the bus of an order just written."""
        self._announce(order)

    def tell_position(self, order: Order, position_id: uuid.UUID) -> None:
        """Tell the bus that a position changed because of an order."""
        self._bus.publish(
            PositionUpdated(
                at=self._clock.now(),
                trace_id=order.trace_id,
                user_id=order.user_id,
                position_id=position_id,
                broker_id=order.broker_id,
                symbol=order.symbol,
            )
        )

    def _note_doubt(self, order: Order) -> None:
        if order.status is OrderStatus.UNKNOWN:
            self.doubt(order)
        else:
            self._doubtful.pop(order.id, None)

    def _announce(self, order: Order) -> None:
        self._note_doubt(order)
        if order.status.is_final or order.status.is_working:
            self._accounts.settle(order.broker_id, order.id, had_effect=not order.status.is_refused)
            self.activity(order.broker_id).ended(order.status, order.list_client_id)
        with log_context(trace_id=order.trace_id, user_id=order.user_id):
            at = iso_milliseconds(order.updated_at)
            told = logger.bind(step="order", order=order.id.hex, status=order.status.value, at=at)
            words = "Order {} {} {} is {} (filled {})"
            told.info(words, order.id.hex, order.side, order.symbol, order.status, plain(order.filled))
        self._bus.publish(
            OrderUpdated(
                at=self._clock.now(),
                trace_id=order.trace_id,
                user_id=order.user_id,
                order_id=order.id,
                broker_id=order.broker_id,
                symbol=order.symbol,
                status=order.status.value,
            )
        )


def _left_its_post(order: Order) -> bool:
    """Whether an exit that guarded a position is gone: whoever keeps the position must look."""
    return order.role in bookkeeping.EXITS and order.status.is_final
