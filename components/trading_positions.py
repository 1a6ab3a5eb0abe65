"""Everything that is held through our orders, whoever bought it: what guards it, what selling now would bring, and *Close*."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated, PositionUpdated, PricesUpdated
from aristobot.kinds import Protection
from aristobot.language import _
from aristobot.money import HUNDRED, divided, times
from aristobot.store import brackets, positions
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, PositionRow
from components import formats
from components.confirm import complain, confirm, say
from components.empty_state import empty_state
from components.handlers import within
from components.live import Live
from components.page_head import panel
from components.position_table import protection_words
from components.trading_toasts import why_refused
from components.viewer import Viewer
from components.words import Words, labelled
from services.manual_trading import REFUSED

if TYPE_CHECKING:
    from services.app import App


@dataclass(frozen=True, slots=True)
class _Held:
    row: PositionRow
    protection: Protection | None
    bracket: Bracket | None


class TradingPositions:
    """The panel with the open positions of one broker; gains follow the prices."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._exchange = ""
        self._held: list[_Held] = []
        self._drawn = False
        self._gains: dict[uuid.UUID, Words] = {}
        with panel(_("Positions"), "positions") as self._head:
            with self._head:
                self._all = ui.button(_("Close all"), icon="logout", on_click=within(self._head, self._close_all))
                self._all.props("flat dense no-caps color=negative").classes("warned-button").mark("close-all")
                self._all.set_visibility(False)
            self._place = labelled(ui.element("div").classes("order-list"), _("Positions"))
        live.latest(PositionUpdated, OrderUpdated, do=self._changed, max_fps=4)
        live.latest(PricesUpdated, do=self._priced, max_fps=2)

    async def show(self, broker_id: uuid.UUID, exchange: str) -> None:
        """Show what is held at this broker."""
        self._broker_id, self._exchange = broker_id, exchange
        await self._read()

    async def _changed(self, event: PositionUpdated | OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            await self._read()

    async def _read(self) -> None:
        broker_id = self._broker_id

        def work(session: GuardedSession) -> list[_Held]:
            rows = positions.open_ones(session, broker_id)
            guards = brackets.protections(session, [one.id for one in rows])
            return [_Held(one, guards.get(one.id), positions.bracket_of(session, one.id)) for one in reversed(rows)]

        held = await self._app.db.read(self._user.id, work)
        if broker_id != self._broker_id or (self._drawn and held == self._held):
            return
        self._held, self._drawn = held, True
        self._app.prices.watch(self._exchange, {one.row.symbol for one in held})
        self._all.set_visibility(self._user.may_trade and bool(held))
        self._place.clear()
        self._gains.clear()
        with self._place:
            for one in held:
                self._line(one)
            if not held:
                empty_state("account_balance_wallet", _("No open position"), _("What you buy stands here until it is sold."))

    def _line(self, one: _Held) -> None:
        row = one.row
        guard, tone, tip = protection_words(one.protection)
        with ui.element("div").classes("item order-line"):
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", row.symbol)
                    if one.protection is not None:
                        Words("span", guard, f"chip {tone}").props["title"] = tip
                    else:
                        Words("span", _("Unguarded"), "chip quiet").props["title"] = tip
                Words("div", _figures(one), "small number-line")
            self._gains[row.id] = Words("div", "", "gain-cell")
            self._write(row)
            if self._user.may_trade:
                close = ui.button(_("Close out"), on_click=within(self._head, partial(self._close, row)))
                close.props("outline dense no-caps").classes("close-out")
                labelled(close, _("Close the position in {symbol}", symbol=row.symbol))

    def _write(self, row: PositionRow) -> None:
        price = self._app.prices.last(self._exchange, row.symbol) or row.current_price
        gain = times(row.quantity, price) - row.cost if price and row.cost else None
        percent = divided(times(gain, HUNDRED), row.cost) if gain is not None else None
        words = f"{formats.money(gain, row.quote, signed=True)} ({formats.percent(percent, 2, signed=True)})"
        label = self._gains[row.id]
        label.set_text(words if gain is not None else formats.NOTHING)
        label.classes(replace=f"gain-cell number {formats.tone(gain)}")

    def _priced(self, event: PricesUpdated) -> None:
        if event.exchange == self._exchange:
            for one in self._held:
                self._write(one.row)

    async def _close(self, row: PositionRow) -> None:
        cause = uuid.uuid4()
        what = f"{formats.quantity(row.quantity)} {row.base}"
        words = _("{what} is sold at the market, at once; its stop and target are taken back first.", what=what)
        if not await confirm(_("Close {symbol}?", symbol=row.symbol), words, _("Close out")):
            return
        try:
            sold = await self._app.hand.close_position(self._user.id, row.id, cause)
            if sold.status in REFUSED:
                complain(why_refused(sold))
        except AristobotError as error:
            complain(error)

    async def _close_all(self) -> None:
        cause = uuid.uuid4()
        words = _("{count} positions are sold at the market, at once; their stops and targets are taken back first.")
        if not await confirm(_("Close every position?"), words.format(count=len(self._held)), _("Close all")):
            return
        done = await self._app.hand.close_all(self._user.id, self._broker_id, cause)
        for one in done:
            if one.error is not None:
                complain(one.error)
        say(_("{count} positions sold", count=sum(one.error is None for one in done)))


def _figures(one: _Held) -> str:
    row = one.row
    parts = [f"{formats.quantity(row.quantity)} {row.base}", _("entry {price}", price=formats.price(row.entry))]
    if one.bracket is not None and one.bracket.stop_price:
        parts.append(f"SL {formats.price(one.bracket.stop_price)}")
    if one.bracket is not None and one.bracket.targets:
        parts.append(f"TP {formats.price(Decimal(one.bracket.targets[0][1]))}")
    return " · ".join(parts)
