"""Orders by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/manual-trading", title="Manual trading", icon="swap_horiz", order=30)
def manual_trading(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Manual trading"),
        _("Orders by hand, with the same checks as every other order."),
        icon="swap_horiz",
        abilities=[
            ("account_balance_wallet", _("Balances and portfolio"), _("What each broker holds, valued at the last price.")),
            ("calculate", _("Order ticket"), _("Market, limit, stop and target orders, rounded to the rules of the exchange.")),
            ("verified", _("Two steps"), _("A preview with fees and refusals, then 15 seconds to confirm.")),
            ("receipt_long", _("Open orders"), _("Change or cancel what rests at the exchange.")),
        ],
    )
