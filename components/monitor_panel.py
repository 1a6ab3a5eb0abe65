"""The order monitor at work: what each round over a broker looked at, and the orders it found that are not ours."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aristobot.errors import AristobotError
from aristobot.events import OrdersCompared, StrangersChanged
from aristobot.language import _, explain
from aristobot.store import strangers
from aristobot.store.monitor_tables import Stranger
from aristobot.store.tables import Broker
from components import formats
from components.live import Live
from components.live_grid import LiveGrid, chip, column
from components.order_words import order_status_words, type_words
from components.page_head import panel
from components.stateful_list import StatefulList
from components.viewer import Viewer
from services.monitor_rounds import BrokerRounds

if TYPE_CHECKING:
    from services.app import App

MOST = 100


class MonitorPanel:
    """Two tables: rounds by broker, and strangers."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._brokers: dict[uuid.UUID, Broker] = {}
        with panel(_("Order monitor"), "rounds"):
            self._rounds_list = StatefulList(
                icon="monitor_heart",
                empty=_("No broker with keys"),
                empty_words=_("Every ten seconds the orders of each broker are compared with its exchange."),
            )
            self._rounds = self._rounds_list.hold(lambda: LiveGrid(round_columns(), name=_("Order monitor"), most=MOST))
        with panel(_("Orders placed elsewhere"), "strangers"):
            self._list = StatefulList(
                icon="person_search",
                empty=_("No order placed elsewhere"),
                empty_words=_("What is ordered on the exchange's own site is shown here, and never touched."),
            )
            self._grid = self._list.hold(lambda: LiveGrid(stranger_columns(), name=_("Orders placed elsewhere"), most=MOST))
        live.latest(OrdersCompared, do=self._compared, max_fps=2)
        live.latest(StrangersChanged, do=lambda _event: self.show(), max_fps=1)

    async def show(self) -> None:
        """Read everything anew."""
        try:
            mine = await self._app.brokers.mine(self._user.id)
            found = await self._app.db.read(self._user.id, lambda s: strangers.recent(s, limit=MOST))
        except AristobotError as error:
            self._rounds_list.failed(error, self.show)
            self._list.failed(error, self.show)
            return
        self._brokers = {one.id: one for one in mine if one.api_key_sealed}
        self._rounds.fill(self._round(one) for one in self._brokers.values())
        self._rounds_list.show(self._rounds)
        self._grid.fill(stranger_row(one, self._name_of(one.broker_id)) for one in found)
        self._list.show(self._grid)

    def _compared(self, event: OrdersCompared) -> None:
        broker = self._brokers.get(event.broker_id)
        if broker is not None:
            self._rounds.upsert(self._round(broker))
            self._rounds_list.show(self._rounds)

    def _round(self, broker: Broker) -> dict[str, Any]:
        open_for_trading = broker.id in self._app.floor.reconciled
        return round_row(broker, self._app.monitor.rounds.of(broker.id), reconciled=open_for_trading)

    def _name_of(self, broker_id: uuid.UUID) -> str:
        broker = self._brokers.get(broker_id)
        return broker.name if broker is not None else formats.NOTHING


def round_row(broker: Broker, rounds: BrokerRounds | None, *, reconciled: bool) -> dict[str, Any]:
    """One broker's line: its last round, and what all of them changed."""
    state, tone, tip = _state(rounds, reconciled=reconciled)
    row: dict[str, Any] = {"id": str(broker.id), "broker": broker.name, "state": state, "state_tone": tone, "state_tip": tip}
    figures = ("looked", "changed", "imported", "failures", "ms", "weight", "at")
    if rounds is None:
        return row | dict.fromkeys(figures, formats.NOTHING)
    last = rounds.last
    counts = (last.looked_at, rounds.changed, rounds.imported, rounds.failures, round(last.ms), last.weight)
    told = [formats.number(one) for one in counts]
    return row | dict(zip(figures, [*told, formats.day_short(last.at)], strict=True))


def stranger_row(row: Stranger, broker: str) -> dict[str, Any]:
    """One order of somebody else."""
    status, tone = order_status_words(row.status)
    return {
        "id": str(row.id),
        "at": formats.day_and_hour(row.created_at),
        "broker": broker,
        "symbol": row.symbol,
        "what": f"{_('Buy') if row.side.value == 'buy' else _('Sell')} · {type_words(row.type)}",
        "quantity": formats.quantity(row.quantity),
        "price": formats.price(row.price or row.stop_price),
        "filled": formats.quantity(row.filled),
        "status": status,
        "status_tone": tone,
        "note": _("Added by the monitor"),
    }


def _state(rounds: BrokerRounds | None, *, reconciled: bool) -> tuple[str, str, str]:
    if not reconciled:
        return _("Read only"), "warn", _("Not compared with its exchange yet: no entry until it answers.")
    if rounds is not None and rounds.last.failure:
        return _("Failing"), "bad", explain(rounds.last.failure)
    return _("Compared"), "good", _("Our orders and the exchange's agree.")


def round_columns() -> list[dict[str, Any]]:
    """What is told of each broker's rounds."""
    return [
        column("broker", _("Broker"), 90, grows=2),
        chip("state", _("State"), 96, grows=1),
        column("looked", _("Looked at"), 76, grows=1, number=True, least=388),
        column("changed", _("Changed"), 76, grows=1, number=True, least=480),
        column("imported", _("Imported"), 76, grows=1, number=True, least=480),
        column("failures", _("Failures"), 76, grows=1, number=True, least=400),
        column("ms", _("Time, ms"), 76, grows=1, number=True, least=600),
        column("weight", _("Weight"), 70, grows=1, number=True, least=680),
        column("at", _("Last round"), 104, grows=1, number=True),
    ]


def stranger_columns() -> list[dict[str, Any]]:
    """What is told of somebody else's order."""
    return [
        column("at", _("Placed"), 104, grows=2, least=560),
        column("broker", _("Broker"), 80, grows=1, least=760),
        column("symbol", _("Symbol"), 84, grows=1),
        column("what", _("Order"), 110, grows=2),
        column("quantity", _("Quantity"), 74, grows=1, number=True, least=382),
        column("price", _("Price"), 74, grows=1, number=True, least=440),
        column("filled", _("Filled"), 74, grows=1, number=True, least=520),
        chip("status", _("State"), 92, grows=1),
        column("note", _("Note"), 150, grows=2, least=900),
    ]
