"""The chart of the chosen pair with the user's own orders, entries, exits and executions drawn on it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aristobot.events import OrderUpdated, PositionUpdated
from aristobot.kinds import OrderRole
from aristobot.language import _
from aristobot.market import Symbol
from aristobot.orders import Side
from aristobot.store import orders, positions
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import FillRow, Order, PositionRow
from components import formats
from components.candle_panel import CandlePanel
from components.chart_marks import FillMark, LineKind, PriceLine
from components.live import Live
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

MOST_FILLS = 60


class TradingChart:
    """A candle panel that knows whose marks to draw."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._symbol: Symbol = ""
        self.panel = CandlePanel(app, live, classes="trading-chart")
        live.latest(OrderUpdated, PositionUpdated, do=self._changed, max_fps=4)

    async def show(self, broker_id: uuid.UUID, exchange: str, symbol: Symbol) -> None:
        """Show a pair with what this broker does on it."""
        self._broker_id, self._symbol = broker_id, symbol
        self.panel.frame(exchange, symbol)
        await self._mark()
        await self.panel.show(exchange, symbol)

    async def _changed(self, event: OrderUpdated | PositionUpdated) -> None:
        if (event.broker_id, event.symbol) == (self._broker_id, self._symbol):
            await self._mark()

    async def _mark(self) -> None:
        broker_id, symbol = self._broker_id, self._symbol

        def work(session: GuardedSession) -> tuple[list[Order], list[PositionRow], list[FillRow]]:
            alive = [one for one in orders.alive(session, broker_id) if one.symbol == symbol]
            held = [one for one in positions.open_ones(session, broker_id) if one.symbol == symbol]
            return alive, held, orders.recent_fills(session, broker_id, symbol, MOST_FILLS)

        alive, held, fills = await self._app.db.read(self._user.id, work)
        if (broker_id, symbol) == (self._broker_id, self._symbol):
            lines = [line for line in (_line(one) for one in alive) if line is not None]
            self.panel.annotate(symbol, [*(_entry(one) for one in held), *lines], [_fill(one) for one in fills])


def _entry(row: PositionRow) -> PriceLine:
    return PriceLine(LineKind.ENTRY, row.entry, _("Entry {quantity}", quantity=formats.quantity(row.quantity)))


def _line(row: Order) -> PriceLine | None:
    price = row.stop_price or row.price
    if not row.status.is_working or not price:
        return None
    if row.role is OrderRole.STOP:
        return PriceLine(LineKind.STOP, price, "SL")
    if row.role is OrderRole.TARGET:
        return PriceLine(LineKind.TARGET, price, "TP")
    bought = row.side is Side.BUY
    words = f"{_('Buy') if bought else _('Sell')} {formats.quantity(row.quantity - row.filled)}"
    return PriceLine(LineKind.BUY if bought else LineKind.SELL, price, words)


def _fill(row: FillRow) -> FillMark:
    side = _("Buy") if row.side is Side.BUY else _("Sell")
    return FillMark(row.side, row.at, row.price, f"{side} {formats.quantity(row.quantity)} @ {formats.price(row.price)}")
