"""The doctor for the way of alerts: every thing between TradingView and the house, looked at while the user watches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import BrokerUpdated
from aristobot.language import _, explain
from components import formats
from components.buttons import main_button
from components.confirm import complain
from components.live import Live
from components.page_head import Part, panel
from components.viewer import Viewer
from components.words import Words
from services.public_address import Check, State
from services.reachability import NAMES

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App

_SIGNS = {
    State.OK: ("check_circle", "gain"),
    State.BROKEN: ("cancel", "loss"),
    State.UNKNOWN: ("help_outline", "warned"),
}


def _names() -> dict[str, str]:
    return {
        "address": _("Public address"),
        "dns": _("Name (DNS)"),
        "port": _("Connection"),
        "tls": _("Certificate (TLS)"),
        "token": _("Webhook token"),
        "answer_time": _("Time to answer"),
        "clock": _("Clock of this machine"),
        "genuine": _("Last call of TradingView"),
    }


class ReachabilityPanel(Part[list["Broker"]]):
    """One line per check; the lines stand from the start, so that nothing moves while they fill."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Can TradingView reach this house?")) as head:
            body = ui.element("div").classes("panel-body stack").mark("reachability")
        with head:
            self._of = ui.select({}, label=_("Broker")).props("outlined dense").classes("filter push").mark("reach-broker")
            self._begin = main_button(_("Examine"), "troubleshoot", self._examine).mark("examine")
            self._begin.set_enabled(False)
        with body:
            self._words = ui.label(_("Eight things are looked at, from the address to the last call; it takes some seconds."))
            self._words.classes("muted").props("role=status")
            self._lines = {name: _Line(words) for name, words in _names().items()}
        live.latest(BrokerUpdated, do=self._offer_anew, max_fps=1)

    @classmethod
    async def read(cls, app: App, user: Viewer) -> list[Broker]:
        """The brokers as they are now."""
        return await app.brokers.mine(user.id)

    def draw(self, found: list[Broker], *, anew: bool = False) -> None:
        """Whose address can be examined. What was said of an examination stays when it is drawn anew."""
        known = {str(one.id): one.name for one in found}
        kept = self._of.value if self._of.value in known else next(iter(known), None)
        self._of.set_options(known, value=kept)
        self._of.set_visibility(len(found) > 1)
        self._begin.set_enabled(bool(found) and self._user.may_trade)
        if not found:
            self._words.set_text(_("Add a broker first: its webhook address is what is examined."))
        elif not anew or not self._of.value:
            self._words.set_text(_("Eight things are looked at, from the address to the last call; it takes some seconds."))

    async def _offer_anew(self, _event: BrokerUpdated) -> None:
        self.draw(await self.read(self._app, self._user), anew=True)

    async def _examine(self) -> None:
        broker = next((one for one in await self._app.brokers.mine(self._user.id) if str(one.id) == self._of.value), None)
        if broker is None:
            return
        self._begin.props("loading")
        self._words.set_text(_("Looking …"))
        for line in self._lines.values():
            line.wait()
        states: list[State] = []
        try:
            async for check in self._app.reachability.examine(self._user.id, broker.id):
                if self._words.is_deleted:
                    return
                states.append(check.state)
                self._lines[check.name].show(check)
                if len(states) < len(NAMES):
                    self._lines[NAMES[len(states)]].work()
        except AristobotError as error:
            complain(error)
        finally:
            if not self._begin.is_deleted:
                self._begin.props(remove="loading")
        self._words.set_text(_verdict(states))


def _verdict(states: list[State]) -> str:
    broken = states.count(State.BROKEN)
    if broken:
        return _("Something is broken; the lines in red say what, and how to cure it.")
    if State.UNKNOWN in states:
        return _("Nothing is broken. Some things cannot be told from here.")
    return _("Everything works: TradingView reaches this house.")


class _Line(ui.element):
    """A sign, the name of the check, and its sentence."""

    def __init__(self, name: str) -> None:
        super().__init__("div")
        self.classes("step reach-step")
        with self:
            self._sign = ui.icon("radio_button_unchecked").classes("faint").props("aria-hidden=true")
            with ui.element("div").classes("item-words"):
                Words("span", name)
                self._said = Words("span", "", "muted small")

    def wait(self) -> None:
        """Before its turn."""
        self._draw("radio_button_unchecked", "faint", "")

    def work(self) -> None:
        """While it is looked at."""
        self._draw("pending", "muted", _("Looking …"))

    def show(self, check: Check) -> None:
        """How it ended."""
        icon, tone = _SIGNS[check.state]
        self._draw(icon, tone, explain(check.reason, _shown(check.facts)))

    def _draw(self, icon: str, tone: str, words: str) -> None:
        self._sign.props(f"name={icon}").classes(replace=tone)
        self._said.set_text(words)
        self._said.classes(replace=f"small {'muted' if tone in ('gain', 'faint') else tone}")


def _shown(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: formats.whole_moment(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()}
