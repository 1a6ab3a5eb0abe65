"""What the palette knows: the pages on the menu, the actions of the house, the symbols of the user's exchanges."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nicegui import ui

from aristobot.kinds import HaltScope
from aristobot.language import _
from aristobot.store import brokers, instruments
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from components.alert_timeline import show_path
from components.connection_dialog import try_broker
from components.menu import pages
from components.shortcuts import show_shortcuts
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

Do = Callable[[], Awaitable[object] | object]

MOST_SYMBOLS = 12
SYMBOL = "symbol:"
_TRACE = re.compile(r"[0-9a-f]{32}")
#: The button in the bar knows what stands still, what to ask, and who may.
_PRESS_KILL_SWITCH = "document.querySelector('.kill')?.click()"


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette: what it is called, what it is, what it does; `also` are words that find it too."""

    id: str
    icon: str
    label: str
    kind: str
    do: Do
    also: str = ""


async def commands_of(app: App, viewer: Viewer, text: str) -> list[Command]:
    """Pages and actions for this user, as things stand now; the path of an alert when `text` is its trace."""
    mine = await app.db.read(viewer.id, brokers.mine)
    tests = [_broker_test(app, viewer, one) for one in mine]
    return [*_pages(), *_actions(app, viewer), *tests, *_path_of(app, viewer, text)]


async def looked_up(app: App, viewer: Viewer, text: str, recent: list[str]) -> list[Command]:
    """Symbols that contain `text` at the user's exchanges; without text those that were used lately."""
    mine: list[Broker] = await app.db.read(viewer.id, brokers.mine)
    exchanges = list(dict.fromkeys(one.exchange for one in mine)) or [app.settings.market_exchange]
    lately = [tuple(one.removeprefix(SYMBOL).split(":", 1)) for one in recent if one.startswith(SYMBOL)]
    wanted = "".join(text.upper().split())

    def work(session: GuardedSession) -> list[tuple[str, str]]:
        found = [pair for pair in lately if len(pair) == 2 and pair[0] in exchanges and instruments.get(session, *pair)]
        for exchange in exchanges if len(wanted) > 1 else ():
            if (joined := app.catalog.known(exchange, wanted)) is not None:
                found.append((exchange, joined))
            found += [(exchange, one.symbol) for one in instruments.search(session, exchange, "", wanted, MOST_SYMBOLS)]
        return list(dict.fromkeys(found))

    return [_symbol(*pair, several=len(exchanges) > 1) for pair in await app.db.read(SYSTEM, work)]


def _path_of(app: App, viewer: Viewer, text: str) -> list[Command]:
    trace = text.strip().lower()
    if not _TRACE.fullmatch(trace):
        return []
    label = _("Path of the alert {trace}", trace=trace)
    return [Command(f"trace:{trace}", "route", label, _("Action"), partial(show_path, app, viewer, trace))]


def _pages() -> list[Command]:
    kind = _("Page")
    return [
        Command(f"page:{one.route}", one.icon, _(one.title), kind, partial(ui.navigate.to, one.route), f"{one.title} {one.route}")
        for one in pages()
        if not one.fault
    ]


def _actions(app: App, viewer: Viewer) -> list[Command]:
    kind = _("Action")
    found = [
        Command("action:keys", "keyboard", _("Show the keys"), kind, show_shortcuts, "shortcuts raccourcis clavier aide help")
    ]
    if viewer.may_trade:
        stopped = any((halt.scope, halt.scope_id) in _own(viewer) for halt in app.kill_switch.active())
        words, icon = (_("Resume trading"), "play_arrow") if stopped else (_("Stop everything"), "power_settings_new")
        also = "kill switch halt stop urgence emergency"
        found.append(Command("action:kill", icon, words, kind, lambda: ui.run_javascript(_PRESS_KILL_SWITCH), also))
    other, name = ("en", "English") if viewer.login.language == "fr" else ("fr", "Français")

    async def speak() -> None:
        await app.accounts.profiles.update(viewer.id, {"language": other}, viewer.actor)

    async def leave() -> None:
        await app.accounts.sign_in.log_out(viewer.login)

    language = _("Language: {name}", name=name)
    found.append(
        Command("action:language", "translate", language, kind, speak, "language langue english français anglais french")
    )
    found.append(Command("action:leave", "logout", _("Log out"), kind, leave, "log out sign out quitter déconnexion"))
    return found


def _own(viewer: Viewer) -> tuple[tuple[HaltScope, object], ...]:
    return (HaltScope.ALL, None), (HaltScope.USER, viewer.id)


def _broker_test(app: App, viewer: Viewer, broker: Broker) -> Command:
    words = _("Test the connection: {name}", name=broker.name)
    test = partial(try_broker, app, viewer, broker)
    return Command(f"test:{broker.id.hex}", "network_check", words, _("Action"), test, f"test connection {broker.exchange}")


def _symbol(exchange: str, symbol: str, *, several: bool) -> Command:
    target = "/manual-trading?" + urlencode({"exchange": exchange, "symbol": symbol})
    label = f"{symbol} · {exchange.capitalize()}" if several else symbol
    joined = symbol.replace("/", "")
    return Command(
        f"{SYMBOL}{exchange}:{symbol}", "candlestick_chart", label, _("Symbol"), partial(ui.navigate.to, target), joined
    )
