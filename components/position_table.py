"""The positions that alerts have opened: their exits, their present price, what they would bring."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated, PositionUpdated, PricesUpdated
from aristobot.kinds import LotStatus, Protection
from aristobot.language import _
from aristobot.money import HUNDRED, divided, times
from aristobot.orders import Side
from aristobot.store import brackets, positions
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import WebhookState
from components import formats
from components.live import Live
from components.live_grid import LiveGrid, chip, column, toned
from components.page_head import panel
from components.stateful_list import StatefulList
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

MOST = 100


class PositionTable:
    """The panel with the open positions; rows follow the market and vanish when they close."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._broker_id: uuid.UUID | None = None
        self._exchanges: dict[uuid.UUID, str] = {}
        self._states: dict[uuid.UUID, WebhookState] = {}
        self._protections: dict[uuid.UUID, Protection] = {}
        with panel(_("Open positions"), "tall"):
            self._list = StatefulList(
                icon="account_balance_wallet",
                empty=_("No open position"),
                empty_words=_("What an alert buys stands here until it is sold."),
            )
            self._grid = self._list.hold(lambda: LiveGrid(_columns(), name=_("Open positions"), most=MOST))
        live.each(PositionUpdated, do=self._changed)
        live.latest(OrderUpdated, do=self._order_changed, max_fps=2)
        live.latest(PricesUpdated, do=self._priced, max_fps=4)

    async def show(self, broker_id: uuid.UUID | None, exchanges: dict[uuid.UUID, str]) -> None:
        """Show the positions of one broker, or of all."""
        self._broker_id, self._exchanges = broker_id, exchanges
        found = await self._read()
        if found is not None:
            self._states = {one.id: one for one in found}
            self._grid.fill(self._row(one) for one in found)
            self._list.show(self._grid)

    async def _read(self) -> list[WebhookState] | None:
        broker_id = self._broker_id

        def work(session: GuardedSession) -> tuple[list[WebhookState], dict[uuid.UUID, Protection]]:
            dust = positions.dust(session)
            states = [one for one in positions.states(session, broker_id, LotStatus.OPEN, MOST) if one.position_id not in dust]
            return states, brackets.protections(session, [one.position_id for one in states if one.position_id])

        try:
            states, self._protections = await self._app.db.read(self._user.id, work)
            return states
        except AristobotError as error:
            self._list.failed(error, lambda: self.show(broker_id, self._exchanges))
            return None

    async def _changed(self, event: PositionUpdated) -> None:
        if self._broker_id in (None, event.broker_id):
            await self._read_again()

    async def _order_changed(self, event: OrderUpdated) -> None:
        """An exit that came to rest, or left, changes who guards its position."""
        if any((one.broker_id, one.symbol) == (event.broker_id, event.symbol) for one in self._states.values()):
            await self._read_again()

    async def _read_again(self) -> None:
        found = await self._read()
        if found is None:
            return
        now_open = {one.id: one for one in found}
        for gone in self._states.keys() - now_open.keys():
            self._grid.remove_row(str(gone))
        self._states = now_open
        for one in reversed(found):
            self._grid.upsert(self._row(one))
        self._list.show(self._grid)

    def _priced(self, event: PricesUpdated) -> None:
        for state in self._states.values():
            price = event.prices.get(state.symbol)
            if price is not None and self._exchanges.get(state.broker_id) == event.exchange:
                state.current_price = price
                self._grid.upsert(self._row(state))

    def _row(self, state: WebhookState) -> dict[str, Any]:
        return position_row(state, self._protections.get(state.position_id) if state.position_id else None)


def position_row(state: WebhookState, protection: Protection | None) -> dict[str, Any]:
    """One row. The gain is what selling now would bring over the entry, fees aside, in quote and in per cent."""
    quote = state.symbol.partition("/")[2]
    gain = _gain(state)
    cost = times(state.entry_price, state.quantity)
    percent = divided(times(gain, HUNDRED), cost) if gain is not None and cost else None
    buys = state.side is Side.BUY
    guard, guard_tone, guard_tip = protection_words(protection)
    return {
        "id": str(state.id),
        "symbol": state.symbol,
        "side": _("Long") if buys else _("Short"),
        "side_tone": "good" if buys else "bad",
        "quantity": formats.quantity(state.quantity),
        "entry": formats.price(state.entry_price),
        "current": formats.price(state.current_price),
        "stop": formats.price(state.stop_loss),
        "target": formats.price(state.take_profit),
        "gain": formats.gain(gain, quote),
        "gain_tone": formats.tone(gain),
        "guard": guard,
        "guard_tone": guard_tone,
        "guard_tip": guard_tip,
        "gain_tip": f"{formats.money(gain, quote, signed=True)} ({formats.percent(percent, 2, signed=True)})",
    }


def protection_words(protection: Protection | None) -> tuple[str, str, str]:
    """Who sees to the exits: one word, its tone, and what that means."""
    if protection is None:
        return formats.NOTHING, "quiet", _("No stop and no target were asked for.")
    return {
        Protection.EXCHANGE: (
            _("Exchange"),
            "good",
            _("The exits rest at the exchange: they act even while Aristobot is off."),
        ),
        Protection.HALF: (
            _("Half"),
            "primary",
            _("Half of the exits rests at the exchange; Aristobot watches the other half and must keep running for it."),
        ),
        Protection.BOT: (
            _("Bot only"),
            "warn",
            _("Nothing rests at the exchange: Aristobot alone watches the exits and must keep running."),
        ),
    }[protection]


def _gain(state: WebhookState) -> Decimal | None:
    if not state.current_price or not state.entry_price:
        return None
    moved = state.current_price - state.entry_price
    return times(moved if state.side is Side.BUY else -moved, state.quantity)


def _columns() -> list[dict[str, Any]]:
    return [
        column("symbol", _("Symbol"), 76, grows=2),
        chip("guard", _("Guarded by"), 76, grows=1, least=300),
        chip("side", _("Side"), 56, grows=1, least=600),
        column("quantity", _("Quantity"), 62, grows=2, number=True, least=440),
        column("entry", _("Entry"), 66, grows=2, number=True, least=372),
        column("current", _("Price"), 66, grows=2, number=True),
        column("stop", "SL", 66, grows=2, number=True, least=538),
        column("target", "TP", 66, grows=2, number=True, least=538),
        toned(column("gain", _("Gain"), 58, grows=2, number=True)) | {"tooltipField": "gain_tip"},
    ]
