"""What a broker holds, and all brokers together: free, locked, and its worth in the quote and in euros."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import BalancesChanged, BrokerUpdated, OrderUpdated, PricesUpdated
from aristobot.language import _, explain
from aristobot.money import ZERO
from components import formats
from components.dust_fold import dust_fold, dust_reason, dust_title
from components.empty_state import empty_state, waiting_lines
from components.live import Live
from components.notice import notice
from components.page_head import panel
from components.trading_beside import beside
from components.viewer import Viewer
from components.words import Words, labelled
from services.portfolio import together

if TYPE_CHECKING:
    from services.app import App
    from services.portfolio import Holding, Holdings

HERE, EVERYWHERE = "here", "everywhere"
MOST = 40


#: Which lines a broker has: drawn anew only when there are others.
Outline = tuple[uuid.UUID, bool, tuple[tuple[str, bool], ...]]


class PortfolioPanel:
    """Balances follow the account's stream, values follow the prices."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user, self._live = app, user, live
        self._broker_id: uuid.UUID | None = None
        self._wanted = self._quote = "USDT"
        self._found: list[Holdings] = []
        self._asking = self._asked = False
        self._drawn: list[Outline] | None = None
        self._lines: dict[tuple[uuid.UUID, str], tuple[Words, Words, Words]] = {}
        with panel(_("Portfolio"), "portfolio") as head:
            with head:
                choices = {HERE: _("This broker"), EVERYWHERE: _("All")}
                self._scope = ui.toggle(choices, value=HERE).props("no-caps unelevated").classes("small-toggle")
                labelled(self._scope, _("Whose portfolio")).mark("portfolio-scope").on_value_change(self._draw)
            with ui.element("div").classes("portfolio-total"):
                self._total = Words("span", formats.NOTHING, "portfolio-worth")
                self._euros = Words("span", "", "muted")
            with ui.element("div").classes("portfolio-list") as self._place:
                waiting_lines()
        live.latest(BalancesChanged, OrderUpdated, BrokerUpdated, do=self._changed, max_fps=1)
        live.latest(PricesUpdated, do=self._priced, max_fps=1)

    async def show(self, broker_id: uuid.UUID, quote: str) -> None:
        """Show the portfolio of this broker (or go on showing all), valued in `quote`."""
        self._broker_id, self._wanted = broker_id, quote
        if self._found:
            self._draw()
        await self._read()

    async def _read(self) -> None:
        """One question at a time; what changes while it is asked makes one more."""
        self._asked = True
        if self._asking:
            return
        self._asking = True
        try:
            while self._asked:
                self._asked = False
                await self._ask()
        finally:
            self._asking = False

    async def _ask(self) -> None:
        quote = self._wanted
        try:
            found = await self._app.portfolio.of_user(self._user.id, quote)
        except AristobotError as error:
            self._place.clear()
            self._drawn = None
            with self._place:
                notice(explain(error), "bad")
            return
        self._found, self._quote = found, quote
        self._draw()

    def _changed(self, _event: object) -> None:
        if self._broker_id is not None:
            beside(self._live, self._read)

    def _priced(self, event: PricesUpdated) -> None:
        if any(one.broker.exchange == event.exchange for one in self._found):
            self._found = [self._app.portfolio.repriced(one, self._quote) for one in self._found]
            self._draw()

    def _draw(self, _event: object = None) -> None:
        shown = [one for one in self._found if self._scope.value == EVERYWHERE or one.broker.id == self._broker_id]
        self._write_total(shown)
        plan = [_outline(one) for one in shown]
        if plan != self._drawn:
            self._drawn = plan
            self._build(shown)
        for one in shown:
            for holding in one.holdings[:MOST]:
                self._write(self._lines[one.broker.id, holding.balance.asset], holding)

    def _write_total(self, shown: list[Holdings]) -> None:
        """What nobody could read is not worth nothing: it is not known, and neither is a sum with it."""
        euros = together(one.euros for one in shown) if shown else None
        self._total.set_text(formats.money(together(one.total for one in shown) if shown else None, self._quote))
        self._euros.set_text("≈ " + formats.money(euros, "EUR") if euros is not None else "")

    def _build(self, shown: list[Holdings]) -> None:
        """Draw the lines anew: only when there are others."""
        self._place.clear()
        self._lines.clear()
        with self._place:
            for one in shown:
                if len(shown) > 1:
                    Words("h3", one.broker.name, "portfolio-broker")
                self._broker(one)
            if not shown:
                empty_state("account_balance_wallet", _("No broker with keys"), _("Add one on the Account page."))

    def _broker(self, found: Holdings) -> None:
        if found.error is not None:
            notice(explain(found.error), "warn")
            return
        if not found.holdings:
            empty_state("savings", _("Nothing is held here"))
        listed = found.holdings[:MOST]
        for one in listed:
            if one.dust is None:
                self._line(found, one)
        dust = [one for one in listed if one.dust is not None]
        if dust:
            with dust_fold() as fold:
                fold.text = dust_title(len(dust), formats.money(sum((one.value or ZERO for one in dust), ZERO), self._quote))
                for one in dust:
                    self._line(found, one)
        if len(found.holdings) > MOST:
            Words("div", _("and {count} smaller ones", count=len(found.holdings) - MOST), "faint small portfolio-more")

    def _line(self, found: Holdings, one: Holding) -> None:
        with ui.element("div").classes("holding"):
            Words("span", one.balance.asset, "holding-asset")
            value, parts = Words("span", "", "holding-value"), Words("span", "", "muted small")
            self._lines[found.broker.id, one.balance.asset] = (value, parts, Words("span", "", "muted small holding-value"))
            if one.dust is not None:
                Words("span", dust_reason(*one.dust), "faint small dust-why")

    def _write(self, line: tuple[Words, Words, Words], one: Holding) -> None:
        value, parts, euros = line
        free = _("free {amount}", amount=formats.quantity(one.balance.free))
        locked = _("locked {amount}", amount=formats.quantity(one.balance.locked))
        value.set_text(formats.money(one.value, self._quote))
        parts.set_text(f"{free} · {locked}" if one.balance.locked else free)
        euros.set_text(formats.money(one.euros, "EUR"))


def _outline(found: Holdings) -> Outline:
    lines = tuple((one.balance.asset, one.dust is not None) for one in found.holdings[:MOST])
    return found.broker.id, found.error is None, lines
