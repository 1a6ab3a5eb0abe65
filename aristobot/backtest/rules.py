"""The rules of a run in words, as its report states them."""

from __future__ import annotations

from aristobot.backtest.settings import FeeAsset, Setup

_ALWAYS = (
    "What is decided at a close is executed at the next open.",
    "A limit order must be traded through: touching its price is not enough.",
    "Of a stop and a target inside one candle the stop comes first.",
    "One stop guards all of a position: of several that are named the highest.",
    "When a candle opens beyond an order's price, the order is executed at the open.",
    "Quantities are rounded down to the lot; what is below the exchange's minimum is refused and listed.",
)
_DETAIL = "Orders are executed along the smaller candles inside each candle."
_BASE_FEE = "The fee of a purchase is taken from the coins bought."
_SLIPPAGE = "Orders that take are executed at a worse price, by the slippage that was asked for."
_LATENCY = "Orders reach the exchange later, by the latency that was asked for."
_SHARED = "All strategies share one balance."


def rules_of(setup: Setup) -> tuple[str, ...]:
    """What was assumed, as English sentences that the language files know."""
    costs = setup.costs
    given = {
        _DETAIL: any(one.detail for one in setup.entrants),
        _BASE_FEE: costs.fee_asset is FeeAsset.BASE,
        _SLIPPAGE: bool(costs.slippage_bps or costs.slippage_range),
        _LATENCY: bool(costs.latency),
        _SHARED: len(setup.entrants) > 1,
    }
    return (*_ALWAYS, *(sentence for sentence, holds in given.items() if holds))
