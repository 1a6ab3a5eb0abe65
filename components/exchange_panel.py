"""How each exchange fares: can it be reached, how fast and how often it answers, what may still be asked of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.events import CatalogProgressed, ExchangeHealthChanged, ExchangeMeasured
from aristobot.language import _, explain
from components import formats
from components.live import Live
from components.live_grid import LiveGrid, chip, column
from components.page_head import panel

if TYPE_CHECKING:
    from services.app import App


class ExchangePanel:
    """One row per exchange; it follows what the gateway measures."""

    def __init__(self, app: App, live: Live) -> None:
        self._app = app
        with panel(_("Exchanges")) as head:
            exchanges = app.gateway.exchanges()
            self._place = ui.element("div").style(f"height: {40 + 40 * len(exchanges)}px")
            with ui.element("div").classes("panel-foot"):
                title = app.settings.market_exchange.capitalize()
                ui.label(
                    _(
                        "Orders are always checked against the prices of the exchange where they go. The heartbeat, and alerts "
                        "for a pair that an exchange does not list, use the prices of {exchange}.",
                        exchange=title,
                    )
                )
        with head:
            ui.label(_("since the start")).classes("muted small")
        self._grid: LiveGrid | None = None
        live.latest(ExchangeMeasured, ExchangeHealthChanged, CatalogProgressed, do=self._changed, max_fps=4)

    def fill(self) -> None:
        """Draw the rows; until then their room is kept."""
        with self._place:
            self._grid = LiveGrid(self._columns(), name=_("Exchanges")).style("height: 100%")
        self._grid.fill(self._row(name) for name in self._app.gateway.exchanges())

    def _changed(self, event: ExchangeMeasured | ExchangeHealthChanged | CatalogProgressed) -> None:
        if self._grid is not None:
            self._grid.upsert(self._row(event.exchange))

    @staticmethod
    def _columns() -> list[dict[str, Any]]:
        return [
            column("exchange", _("Exchange"), 92, grows=1),
            chip("state", _("State"), 108),
            column("requests", _("Requests"), 92, number=True, least=560, grows=1),
            column("success", _("Answered"), 86, number=True),
            column("mean", _("Mean"), 78, number=True, least=376, grows=1),
            column("p99", "p99", 78, number=True, least=440, grows=1),
            column("left", _("Weight left"), 116, number=True, least=700, grows=1),
            column("reconnects", _("Reconnections"), 112, number=True, least=820, grows=1),
            column("clock", _("Clock"), 90, number=True, least=900, grows=1),
            column("pairs", _("Pairs"), 76, number=True, least=640, grows=1),
        ]

    def _row(self, exchange: str) -> dict[str, Any]:
        health = self._app.gateway.health(exchange)
        stats, answered = health.stats, health.stats.requests > health.stats.failures
        word, tone = _state(health.reachable)
        left = f"{formats.number(stats.weight_left)} / {formats.number(stats.weight_limit)}"
        return {
            "id": exchange,
            "exchange": exchange.capitalize(),
            "state": word,
            "state_tone": tone,
            "state_tip": explain(f"error.{health.detail}") if health.detail else "",
            "requests": formats.number(stats.requests),
            "success": formats.percent(Decimal(str(stats.success_percent)), 2) if stats.requests else formats.NOTHING,
            "mean": _milliseconds(stats.mean_ms) if answered else formats.NOTHING,
            "p99": _milliseconds(stats.p99_ms) if answered else formats.NOTHING,
            "left": left if stats.weight_limit else formats.NOTHING,
            "reconnects": formats.number(stats.reconnects),
            "clock": f"{formats.signed(health.clock_offset_ms)}\u00a0ms" if health.reachable else formats.NOTHING,
            "pairs": formats.number(self._app.catalog.state(exchange).total),
        }


def _state(reachable: bool | None) -> tuple[str, str]:
    if reachable is None:
        return _("Not asked yet"), "quiet"
    return (_("Reachable"), "good") if reachable else (_("Unreachable"), "bad")


def _milliseconds(value: float) -> str:
    return f"{formats.number(Decimal(str(round(value, 1))), 0, 1 if value < 10 else 0)}\u00a0ms"
