"""What a user chooses for themselves: language, time zone, default broker, and how costs are told."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from nicegui import ui

from aristobot.events import BrokerUpdated
from aristobot.kinds import CostMethod
from aristobot.language import _
from aristobot.store.tables import Broker, User
from components.buttons import main_button
from components.confirm import say
from components.form import submitting
from components.live import Live
from components.page_head import Part, panel
from components.viewer import Viewer, for_traders
from components.words import Words
from services.rights import role_names

if TYPE_CHECKING:
    from services.app import App

NO_BROKER = ""


class ProfileCard(Part[tuple[list[Broker], User]]):
    """The panel. What is saved is seen at once: every open page of the user is loaded anew."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._known: dict[str, Any] = {}
        with panel(_("Profile")) as head, ui.element("div").classes("panel-body"):
            ui.label(_("Signed in as {name}", name=user.name)).classes("muted")
            with ui.element("div").classes("fields"):
                self._language = ui.select(language_names(), value=user.login.language, label=_("Language"))
                self._language.props("outlined options-dense").mark("language")
                mine = user.login.timezone
                self._zone = ui.select([mine], value=mine, label=_("Time zone"), with_input=True).mark("timezone")
                self._zone.props("outlined options-dense").on("popup-show", self._offer_zones)
                self._broker = for_traders(ui.select({}, label=_("Default broker")), user)
                self._broker.props("outlined options-dense").mark("default-broker")
                self._costs = for_traders(ui.select(_methods(), label=_("How costs are told")), user)
                self._costs.props("outlined options-dense").mark("cost-method")
            words = _("The default broker is proposed wherever one is chosen. Costs decide what a sale is said to have brought.")
            ui.label(words).classes("muted small")
            with ui.element("div").classes("line"):
                self._button = main_button(_("Save"), on_click=self._save).mark("save-profile")
        with head:
            Words("span", role_names()[user.login.role.value], "tag quiet")
        live.latest(BrokerUpdated, do=lambda _event: self.show(), max_fps=2)

    @classmethod
    async def read(cls, app: App, user: Viewer) -> tuple[list[Broker], User]:
        """The brokers that may be proposed, and what is kept."""
        return await app.brokers.mine(user.id), await app.accounts.household.get(user.id)

    def draw(self, found: tuple[list[Broker], User]) -> None:
        """Fill in what is kept."""
        brokers, row = found
        default = next((str(one.id) for one in brokers if one.is_default), NO_BROKER)
        self._broker.set_options({NO_BROKER: _("None")} | {str(one.id): one.name for one in brokers}, value=default)
        self._costs.set_value(row.cost_method.value)
        self._known = {"language": row.language, "timezone": row.timezone}
        self._known |= {"default_broker_id": default, "cost_method": row.cost_method.value}

    def _offer_zones(self) -> None:
        """All of them, when somebody looks: half a thousand are more than the rest of the page."""
        if len(self._zone.options) == 1:
            self._zone.set_options(_zones(self._zone.value))

    async def _save(self) -> None:
        fields = {"language": self._language, "timezone": self._zone, "cost_method": self._costs}
        async with submitting(self._button, fields):
            chosen = self._chosen()
            changes: dict[str, Any] = {name: value for name, value in chosen.items() if self._known.get(name) != value}
            if "default_broker_id" in changes:
                changes["default_broker_id"] = uuid.UUID(changes["default_broker_id"]) if changes["default_broker_id"] else None
            if changes:
                await self._app.accounts.profiles.update(self._user.id, changes, self._user.actor)
            self._known = chosen
            say(_("Saved."))

    def _chosen(self) -> dict[str, Any]:
        return {
            "language": self._language.value,
            "timezone": self._zone.value,
            "default_broker_id": self._broker.value,
            "cost_method": self._costs.value,
        }


def language_names() -> dict[str, str]:
    """The languages, each in its own words."""
    return {"fr": "Français", "en": "English"}


def _methods() -> dict[str, str]:
    return {
        CostMethod.AVERAGE.value: _("Average cost"),
        CostMethod.FIFO.value: _("First in, first out"),
    }


def _zones(mine: str) -> list[str]:
    """The zones that people choose, those with a continent and UTC, and the one that is kept."""
    known = {one for one in available_timezones() if "/" in one and not one.startswith(("Etc/", "posix", "right"))}
    return ["UTC", *sorted((known | {mine}) - {"UTC"})]
