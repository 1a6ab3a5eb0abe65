"""The bar on top of every page: how old the last candle is, who answers, what runs, and the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from aristobot.events import CandleUpdated, ExchangeHealthChanged, ServiceStateChanged, UserChanged
from aristobot.language import _
from components.kill_button import KillButton
from components.lamps import AgeLamp, Lamp
from components.live import Live
from components.notification_bell import NotificationBell
from components.viewer import Viewer
from components.words import Words, labelled
from services.rights import role_names

if TYPE_CHECKING:
    from services.app import App

#: What of a profile shows on every page.
_EVERYWHERE = frozenset({"language", "timezone", "cost_method"})
TOGGLE_MENU = "() => document.body.classList.toggle('nav-open')"


def status_bar(app: App, viewer: Viewer) -> None:
    """Draw the bar; it stays while the pages inside the frame change."""
    with ui.element("header").classes("bar"):
        live = Live(app.bus, viewer)
        toggle = ui.button(icon="menu").props("flat round dense color=white").classes("nav-toggle").mark("menu")
        labelled(toggle, _("Open the menu")).on("click", js_handler=TOGGLE_MENU)
        with ui.element("div").classes("bar-group"):
            _heartbeat(app, live)
            _exchanges(app, live)
            _services(app, live)
        with ui.element("div").classes("bar-end"):
            _badges(app)
            KillButton(app, viewer, live)
            NotificationBell(app, viewer, live)
            _person(app, viewer)
        live.each(UserChanged, do=_begin_anew)


def _heartbeat(app: App, live: Live) -> None:
    lamp = AgeLamp(_("Candles"))
    lamp.tooltip(_("Age of the last candle received from the market stream"))
    heard = app.heartbeat.status().last_word_at
    lamp.since((app.clock.now() - heard).total_seconds() if heard else None)

    def beat(event: CandleUpdated) -> None:
        if (event.exchange, event.candle.symbol) == (app.heartbeat.exchange, app.heartbeat.symbol):
            lamp.since((app.clock.now() - event.received_at).total_seconds())

    live.latest(CandleUpdated, do=beat, max_fps=1)


def _exchanges(app: App, live: Live) -> None:
    lamps: dict[str, Lamp] = {}

    def show(exchange: str, reachable: bool | None, detail: str) -> None:
        tone = "" if reachable is None else "good" if reachable else "bad"
        lamps[exchange].show("" if reachable is not False else _("unreachable"), tone)
        lamps[exchange].tooltip(detail) if detail else None

    for exchange in app.gateway.exchanges():
        lamps[exchange] = Lamp(exchange.capitalize())
        health = app.gateway.health(exchange)
        show(exchange, health.reachable, "")

    def changed(event: ExchangeHealthChanged) -> None:
        if event.exchange in lamps:
            show(event.exchange, event.reachable, "")

    live.latest(ExchangeHealthChanged, do=changed)


def _services(app: App, live: Live) -> None:
    with ui.element("button").classes("lamp-more").props("type=button"):
        lamp = Lamp(_("Services"))
        with ui.menu() as menu:
            listed = ui.element("div").classes("panel-body service-list")
    listed.style(f"--services: {len(app.supervisor.states())}")

    def draw() -> None:
        """One by one they are told to who has opened the list."""
        listed.clear()
        with listed:
            for one in app.supervisor.states() if menu.value else ():
                Lamp(one.name.replace("_", " "), one.detail, {"running": "good", "fallen": "bad"}.get(one.state, ""))

    def show(event: ServiceStateChanged | None = None) -> None:
        states = app.supervisor.states()
        running = sum(one.state == "running" for one in states)
        fallen = any(one.state == "fallen" for one in states)
        lamp.show(f"{running}/{len(states)}", "bad" if fallen else "good" if running == len(states) else "warn")
        if menu.value:
            draw()

    menu.on_value_change(draw)
    live.latest(ServiceStateChanged, do=show, max_fps=2)
    show()


def _badges(app: App) -> None:
    settings = app.settings
    if settings.demo:
        Words("span", "DEMO", "tag primary").tooltip(_("Play money on the built-in exchange simulator"))
    if settings.debug:
        Words("span", "DEBUG", "tag bad").tooltip(_("Anybody on this machine is logged in as the user dev"))
    if settings.no_orders:
        Words("span", "DRY-RUN", "tag warn").tooltip(_("No order leaves: each is only recorded"))
    if settings.exchange_urls and not settings.demo:
        names = ", ".join(sorted(settings.exchange_urls))
        Words("span", "TEST", "tag bad").tooltip(_("Not the official address: {names}", names=names))


def _begin_anew(event: UserChanged) -> None:
    """Every word, moment and figure of an open page is written in the user's way: after a change it is loaded again."""
    if _EVERYWHERE.intersection(event.fields):
        ui.navigate.reload()


def _person(app: App, viewer: Viewer) -> None:
    def leave() -> None:
        background_tasks.create(app.accounts.sign_in.log_out(viewer.login), name="sign out")

    button = ui.button(icon="account_circle").props("flat round color=white").mark("person")
    with labelled(button, _("Signed in as {name}", name=viewer.name)), ui.menu():
        with ui.element("div").classes("person"):
            ui.label(viewer.name)
            ui.label(role_names()[viewer.login.role.value]).classes("muted small")
        with ui.item(on_click=leave).mark("logout"):
            with ui.item_section().props("avatar"):
                ui.icon("logout").props("aria-hidden=true")
            ui.item_section(_("Log out"))
