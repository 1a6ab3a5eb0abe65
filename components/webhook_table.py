"""The alerts of a user, newest first: pushed as they change, a hundred at a time."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aristobot.errors import AristobotError, NotFound
from aristobot.events import SignalReceived, WebhookUpdated
from aristobot.language import _
from aristobot.store import webhooks
from aristobot.store.trading_tables import Webhook
from components.live import Live
from components.live_grid import LiveGrid, chip, column
from components.page_head import panel
from components.pager import Pager
from components.stateful_list import StatefulList
from components.viewer import Viewer
from components.webhook_rows import webhook_row
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

ROWS = 100
Cursor = tuple[datetime, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page shows: how far back, of which broker (None: all), and the exchange of each broker."""

    period: timedelta
    broker_id: uuid.UUID | None = None
    exchanges: dict[uuid.UUID, str] = field(default_factory=dict)

    def since(self, now: datetime) -> datetime:
        """The moment at which the period begins."""
        return now - self.period


class WebhookTable:
    """The panel with the table and its pages; only the newest page is live."""

    def __init__(self, app: App, user: Viewer, live: Live, on_open: Callable[[str], Awaitable[None]]) -> None:
        self._app = app
        self._user = user
        self._choice = Choice(timedelta(days=1))
        self._trail: list[Cursor | None] = [None]
        self._last: Cursor | None = None
        with panel(_("Alerts received"), "tall") as head:
            self._list = StatefulList(
                icon="webhook",
                empty=_("No alert in this period"),
                empty_words=_("As soon as TradingView sends one, it appears here by itself."),
            )
            self._grid = self._list.hold(lambda: LiveGrid(_columns(), name=_("Alerts received"), most=ROWS, on_open=on_open))
            self._pager = Pager(_("Newer alerts"), _("Older alerts"), on_newer=self._to_newer, on_older=self._to_older)
        with head:
            self._live_tag = Words("span", _("Live"), "tag good")
        live.each(SignalReceived, WebhookUpdated, do=self._changed)

    async def show(self, choice: Choice) -> None:
        """Show the newest page of another choice."""
        self._choice, self._trail = choice, [None]
        await self._load()

    async def _load(self) -> None:
        choice, before = self._choice, self._trail[-1]
        since = choice.since(self._app.clock.now())
        try:
            found = await self._app.db.read(
                self._user.id, lambda s: webhooks.recent(s, choice.broker_id, since, ROWS + 1, before)
            )
        except AristobotError as error:
            self._list.failed(error, self._load)
            return
        if choice is not self._choice or before != self._trail[-1]:
            return  # the user has already asked for something else
        shown = found[:ROWS]
        self._last = (shown[-1].received_at, shown[-1].id) if len(found) > ROWS else None
        self._grid.fill(self._row(one) for one in shown)
        self._list.show(self._grid)
        self._tell()

    async def _changed(self, event: SignalReceived | WebhookUpdated) -> None:
        choice = self._choice
        if len(self._trail) > 1 or choice.broker_id not in (None, event.broker_id):
            return
        try:
            webhook = await self._app.db.read(self._user.id, lambda s: webhooks.get(s, event.webhook_id))
        except NotFound:
            return
        self._grid.upsert(self._row(webhook))
        self._list.show(self._grid)
        self._tell()

    def _row(self, webhook: Webhook) -> dict[str, object]:
        return webhook_row(webhook, self._choice.exchanges, self._app.clock.now())

    def _tell(self) -> None:
        first = (len(self._trail) - 1) * ROWS
        shown = len(self._grid.rows)
        told = _("{first} to {last}, newest first", first=first + 1, last=first + shown) if shown else ""
        self._pager.tell(told, newer=len(self._trail) > 1, older=self._last is not None)
        self._live_tag.set_visibility(len(self._trail) == 1)

    async def _to_older(self) -> None:
        if self._last is not None:
            self._trail.append(self._last)
            await self._load()

    async def _to_newer(self) -> None:
        if len(self._trail) > 1:
            self._trail.pop()
            await self._load()


def _columns() -> list[dict[str, object]]:
    return [
        column("at", _("Date"), 62, grows=2),
        column("exchange", _("Exchange"), 70, grows=2, least=530),
        column("symbol", _("Symbol"), 77, grows=2),
        chip("action", _("Action"), 86, grows=2),
        column("price", _("Price"), 71, grows=2, number=True, least=440),
        column("percent", "%", 48, grows=1, number=True, least=500),
        chip("status", _("Status"), 98, grows=2),
        column("order", _("Order"), 90, grows=2, least=596) | {"tooltipField": "order_tip"},
    ]
