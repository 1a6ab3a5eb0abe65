"""What happened while the house was away, above the first page that is opened after a start, until it is put away."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui

from aristobot.errors import AristobotError
from aristobot.events import RestartReported
from aristobot.language import _
from aristobot.money import amount
from components import formats
from components.buttons import quiet_button
from components.confirm import complain
from components.live import Live
from components.viewer import Viewer, viewing
from components.words import Words, labelled
from services.restart_report import ALERT, CANCELLED, DOUBTFUL, FILLED, UNLISTED, Told

if TYPE_CHECKING:
    from services.app import App

#: Lines shown; the rest is counted.
_MOST = 8


def restart_notice(app: App, viewer: Viewer) -> None:
    """Put the notice here; it is read behind the page's back, so that no page waits for it."""
    drawn = RestartNotice(app, viewer)
    background_tasks.create(drawn.show(), name="restart report", context=drawn.parent_slot)


class RestartNotice(ui.element):
    """Empty until there is something to say; speaks up also when the start ends while the page is open."""

    def __init__(self, app: App, viewer: Viewer) -> None:
        super().__init__("div")
        self._app = app
        self._viewer = viewer
        self.style("display: contents").mark("restart-report")
        with self:
            live = Live(app.bus, viewer)
            self._body = ui.element("div")
            self._body.set_visibility(False)
        live.each(RestartReported, do=lambda _event: self.show())

    async def show(self) -> None:
        """Read the report anew."""
        with viewing(self._viewer):
            await self._show()

    async def _show(self) -> None:
        try:
            told = await self._app.monitor.reports.newest(self._viewer.id)
            names = {one.id: one.name for one in await self._app.brokers.mine(self._viewer.id)}
        except AristobotError:
            return  # the log has it; a page without this notice is still a page
        if self.is_deleted:
            return
        self._body.clear()
        self._body.set_visibility(told is not None and told.worth_showing)
        if told is not None and told.worth_showing:
            with self._body:
                self._draw(told, {str(key): name for key, name in names.items()})

    def _draw(self, told: Told, names: dict[str, str]) -> None:
        tone = "warn" if told.closed else ""
        with labelled(ui.element("section").classes(f"notice restart-notice {tone}"), _("While Aristobot was away")):
            ui.icon("restart_alt").props("aria-hidden=true")
            with ui.element("div").classes("item-words"):
                Words("h2", _title(told), "item-title")
                items = told.row.items or []
                for item in items[:_MOST]:
                    ui.label(_sentence(item, names)).classes("small")
                if len(items) > _MOST:
                    ui.label(_("and {count} more", count=len(items) - _MOST)).classes("small muted")
                if told.candles:
                    ui.label(_("Candles fetched afterwards: {count}", count=sum(told.candles.values()))).classes("small")
                for broker in told.closed:
                    words = _("{name} could not be compared with its exchange yet: no entry until it answers.", name=broker.name)
                    ui.label(words).classes("small")
            button = quiet_button(_("Put away"), "check", lambda: self._put_away(told.row.id))
            button.mark("restart-put-away")

    async def _put_away(self, report_id: uuid.UUID) -> None:
        try:
            await self._app.monitor.reports.put_away(self._viewer.id, report_id)
        except AristobotError as error:
            complain(error)


def _title(told: Told) -> str:
    if told.row.away_since is None:
        return _("While Aristobot was away")
    return _("While Aristobot was away, since {moment}", moment=formats.day_and_hour(told.row.away_since))


def _sentence(item: dict[str, Any], names: dict[str, str]) -> str:
    """One item in the user's words."""
    broker, symbol = names.get(str(item.get("broker_id")), "–"), str(item.get("symbol") or "–")
    if item["kind"] == ALERT:
        moment = formats.day_and_hour(datetime.fromisoformat(item["at"]))
        return _(
            "Alert not dealt with: {action} {symbol}, {moment} ({broker})",
            action=item["action"] or "–",
            symbol=symbol,
            moment=moment,
            broker=broker,
        )
    facts = {"role": _role(item), "quantity": formats.quantity(amount(item["quantity"])), "symbol": symbol, "broker": broker}
    return {
        FILLED: _("Filled: {role} of {quantity} {symbol} ({broker})", **facts),
        CANCELLED: _("Cancelled at the exchange: {role} of {quantity} {symbol} ({broker})", **facts),
        DOUBTFUL: _("Being checked: {role} of {quantity} {symbol} ({broker})", **facts),
        UNLISTED: _("Unknown, its market is listed no more: {role} of {quantity} {symbol} ({broker})", **facts),
    }[item["kind"]]


def _role(item: dict[str, Any]) -> str:
    return {"stop": _("stop-loss"), "target": _("take-profit"), "exit": _("sale")}.get(item["role"], _("entry"))
