"""Which fees a run counts with when its form names none, and those of the user's own account, to be taken over."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.exchange import Fees
from aristobot.language import _, typed
from components.backtest_fields import CostFields, SeriesFields, pair_of
from components.formats import percent
from components.viewer import Viewer
from services.known_fees import KnownFees, known_fees

if TYPE_CHECKING:
    from services.app import App


class FeeOffer:
    """A line below the costs that follows exchange and pair, and a button where the exchange has told the account's fees."""

    def __init__(self, app: App, user: Viewer, series: SeriesFields, costs: CostFields, mark: str) -> None:
        self._app, self._user, self._series, self._costs = app, user, series, costs
        self._own: Fees | None = None
        self._line = ui.label(_("Without a fee, the pair’s own is taken.")).classes("small muted").mark(f"{mark}-fees")
        self._take = ui.button("", icon="account_balance_wallet", on_click=self._taken).props("flat dense no-caps")
        self._take.classes("bt-add-leg").mark(f"{mark}-own-fees").set_visibility(False)
        for name in ("exchange", "symbol"):
            series.fields[name].on_value_change(self.tell)

    async def tell(self, _event: object = None) -> None:
        """Say which fees there are of what the form names now."""
        exchange, symbol = str(self._series.exchange.value), pair_of(self._series.symbol.value)
        found = await known_fees(self._app.floor, self._user.id, exchange, symbol)
        if (exchange, symbol) != (str(self._series.exchange.value), pair_of(self._series.symbol.value)):
            return  # somebody went on typing: another answer is on its way
        self._line.set_text(_words(found))
        self._own = found.own
        self._take.set_visibility(found.own is not None and found.own != found.pair)
        if found.own is not None:
            maker, taker = (_shown(one) for one in _counted(found.own))
            words = _("Take those of {broker}: {maker} / {taker}", broker=found.broker, maker=maker, taker=taker)
            self._take.set_text(words)

    def _taken(self) -> None:
        if self._own is not None:
            for name, value in zip(("maker", "taker"), _counted(self._own), strict=True):
                self._costs.fields[name].set_value(typed(value * 100))


def _words(found: KnownFees) -> str:
    if found.pair is None:
        return _("No fees are known of this pair: without a fee, none is counted.")
    maker, taker = _shown(found.pair.maker), _shown(found.pair.taker)
    return _("Without a fee, the pair’s own is taken: {maker} resting, {taker} taking.", maker=maker, taker=taker)


def _counted(fees: Fees) -> tuple[Decimal, Decimal]:
    """The maker's and the taker's as a run counts them: it knows no rebate."""
    return max(fees.maker, Decimal(0)), max(fees.taker, Decimal(0))


def _shown(fee: Decimal) -> str:
    return percent(fee * 100, 3)
