"""Orders by hand: pairs and portfolio on the left, chart and positions in the middle, the order form on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.events import BrokerUpdated
from aristobot.language import _
from components.buttons import main_button
from components.empty_state import empty_state
from components.live import Live
from components.page_head import page_head
from components.shell import page
from components.trading_desk import TradingDesk
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/manual-trading", title="Manual trading", icon="swap_horiz", order=30)
async def manual_trading(app: App, user: Viewer, live: Live, exchange: str = "", symbol: str = "") -> None:
    """Show one broker and one pair; the address may say which."""
    with page_head(_("Manual trading"), _("What you validate is what is sent, within fifteen seconds.")) as head:
        pass  # it leaves for the browser while the brokers are read
    known = [one for one in await app.brokers.mine(user.id) if one.key_last_four]
    if not known:
        with ui.element("section").classes("panel"):
            empty = empty_state("account_balance_wallet", _("No broker with keys"), _("Add one on the Account page."))
        with empty:
            main_button(_("Open the Account page"), on_click=lambda: ui.navigate.to("/account"))
        live.each(BrokerUpdated, do=lambda _event: ui.navigate.reload())
        return
    first = next((one for one in known if one.exchange == exchange), known[0])
    await TradingDesk(app, user, live, known, head).choose(first, symbol)
