"""An alert for one market is carried out on another: what is two per cent below the one is two per cent below the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import RiskRefused
from aristobot.signals import Action, PriceSpec, Signal, Target
from services.quote_remap import Remap, needs_prices, remapped, symbol_in
from tests.builders import an_instrument

D = Decimal
ONE = D(1)


def an_alert(action: Action = Action.BUY_MARKET, **differences: Any) -> Signal:
    """Buy bitcoin drawn at 60,000 dollars, stop at 58,800, target at 63,000."""
    wanted: dict[str, Any] = {"symbol_text": "BTCUSDT", "price": D(60000), "stop_loss": PriceSpec(D(58800))}
    wanted["take_profit"] = (Target(D(100), PriceSpec(D(63000))),)
    return Signal(action, **wanted | differences)


def markets(alerts: str = "60000", ours: str = "60012", symbol: str = "BTC/USDC", **differences: Any) -> Remap:
    """BTC/USDT beside another market."""
    return Remap("BTC/USDT", D(alerts), an_instrument(symbol), D(ours), **differences)


def in_euros(**differences: Any) -> Remap:
    """BTC/EUR at 55,000, where a euro is worth 1.0909 dollars."""
    return markets(ours="55000", symbol="BTC/EUR", **differences)


def test_the_other_market_is_the_one_of_the_same_base() -> None:
    assert symbol_in("BTC/USDT", "EUR") == "BTC/EUR"


def test_exits_lie_as_far_from_the_other_markets_price() -> None:
    made = remapped(an_alert(), in_euros(), ONE)
    assert made.stop_loss == PriceSpec(D(53900))
    assert made.take_profit == (Target(D(100), PriceSpec(D(57750))),)


def test_percentages_stay_as_they_are() -> None:
    alert = an_alert(stop_loss=PriceSpec(D(-2), relative=True), take_profit=())
    assert remapped(alert, in_euros(), ONE).stop_loss == alert.stop_loss
    assert not needs_prices(alert)
    assert needs_prices(an_alert())


def test_a_stop_is_rounded_up_a_target_up_and_a_limit_never_pays_more() -> None:
    remap = Remap("BTC/USDT", D(60000), an_instrument("BTC/EUR", tick=D(10)), D("55003"))
    alert = an_alert(Action.BUY_LIMIT, price=D(59990))
    made = remapped(alert, remap, ONE)
    assert (made.stop_loss, made.price) == (PriceSpec(D(53910)), D(54990))
    assert made.take_profit[0].price == PriceSpec(D(57760))


def test_an_alert_drawn_far_from_its_own_market_is_refused() -> None:
    with pytest.raises(RiskRefused) as refused:
        remapped(an_alert(price=D(61000)), in_euros(), ONE)
    assert (refused.value.code, refused.value.facts["percent"]) == ("remap_diverged", "1.6666")


def test_two_coins_of_one_money_that_have_come_apart_are_refused() -> None:
    with pytest.raises(RiskRefused, match="remap_diverged"):
        remapped(an_alert(), markets(ours="61000"), ONE)
    assert remapped(an_alert(), markets(ours="61000"), D(2)).stop_loss == PriceSpec(D(59780))


def test_coins_of_two_moneys_are_held_against_the_rate_between_them_where_it_is_known() -> None:
    assert remapped(an_alert(), in_euros(cross=D("1.09")), ONE).stop_loss == PriceSpec(D(53900))
    with pytest.raises(RiskRefused, match="remap_diverged"):
        remapped(an_alert(), in_euros(cross=D("1.15")), ONE)


@pytest.mark.parametrize(
    ("field", "exits"),
    [
        ("stop_loss", {"stop_loss": PriceSpec(D(60500))}),
        ("stop_loss", {"stop_loss": PriceSpec(D(60000))}),
        ("take_profit", {"take_profit": (Target(D(100), PriceSpec(D(59000))),)}),
    ],
)
def test_an_exit_on_the_wrong_side_is_refused(field: str, exits: dict[str, Any]) -> None:
    for action in (Action.BUY_MARKET, Action.MOVE):
        with pytest.raises(RiskRefused) as refused:
            remapped(an_alert(action, **exits), in_euros(), ONE)
        assert (refused.value.code, refused.value.facts["field"]) == ("remap_wrong_side", field)


def test_the_exits_of_a_limit_entry_are_counted_from_its_limit() -> None:
    alert = an_alert(Action.BUY_LIMIT, price=D(58000), stop_loss=PriceSpec(D(58500)))
    with pytest.raises(RiskRefused, match="remap_wrong_side"):
        remapped(alert, in_euros(), ONE)


def test_a_market_without_a_price_converts_nothing() -> None:
    with pytest.raises(RiskRefused, match="remap_no_price"):
        remapped(an_alert(), markets(ours="0"), ONE)


def test_a_sale_at_the_market_is_never_refused() -> None:
    sale = an_alert(Action.SELL_MARKET, stop_loss=None, take_profit=(), price=D(90000))
    assert remapped(sale, markets(ours="0"), ONE) == sale


prices = st.decimals(D("0.01"), D(100_000), places=4).filter(bool)


@given(theirs=prices, ours=prices, below=st.decimals(D("0.5"), D(90), places=2), above=st.decimals(D("0.5"), D(900), places=2))
def test_whatever_the_two_prices_the_distances_stay_the_same_within_a_tick(
    theirs: Decimal, ours: Decimal, below: Decimal, above: Decimal
) -> None:
    tick = D("0.000001")
    stop, target = theirs * (100 - below) / 100, theirs * (100 + above) / 100
    alert = an_alert(price=theirs, stop_loss=PriceSpec(stop), take_profit=(Target(D(100), PriceSpec(target)),))
    made = remapped(alert, Remap("ETH/USDT", theirs, an_instrument("ETH/EUR", tick=tick), ours), ONE)
    assert made.stop_loss is not None
    assert 0 <= made.stop_loss.value - ours * (100 - below) / 100 < 2 * tick
    assert -tick < made.take_profit[0].price.value - ours * (100 + above) / 100 < 2 * tick
    assert made.stop_loss.value < ours < made.take_profit[0].price.value
