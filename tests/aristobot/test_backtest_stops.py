"""The exits of a position in a backtest and at work: one stop guards all of it, targets are shares of what is held."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.backtest.account import Account, Purse
from aristobot.backtest.exits import armed, guarding
from aristobot.backtest.settings import FeeAsset
from aristobot.backtest.units import Units
from aristobot.money import HUNDRED, ZERO
from aristobot.orders import OrderType, Side
from aristobot.strategy import Strategy
from aristobot.strategy_orders import Decision, Intent, Level, as_shares, exits_of
from services.exit_plan import ExitPlan
from services.strategy_plans import moved_plan
from tests.backtesting import a_history, an_instrument, played

CALM = (100.0, 101.0, 99.0, 100.0)
FALLS = [CALM, CALM, CALM, (100.0, 100.0, 96.0, 97.0), (97.0, 97.0, 90.0, 91.0)]


class Ladder(Strategy):
    """Buys two, and names stops as its tests say."""

    def should_long(self) -> bool:
        return self.index == 0

    def go_long(self) -> None:
        self.buy = 2.0, self.price

    def should_exit(self) -> bool:
        return False


class InAList(Ladder):
    def go_long(self) -> None:
        super().go_long()
        self.stop_loss = [(1.0, 95.0), (0.5, 98.0)]


class AsShares(Ladder):
    def stop_loss_price(self) -> Any:
        return [(0.25, 95.0), (0.25, 98.0)]

    def go_long(self) -> None:
        super().go_long()
        self.stop_loss = [(0.5, 95.0), (0.5, 98.0)]


class AsSells(Ladder):
    def update_position(self) -> None:
        if self.index == 1:
            self.sell = [(0.5, 98.0), (1.0, 95.0), (1.0, 140.0)]


class OverWhatWasAdded(Ladder):
    max_position_adjustments = 1

    def go_long(self) -> None:
        self.buy = 1.0, self.price
        self.stop_loss = 1.0, 98.0

    def update_position(self) -> None:
        if self.index == 1:
            self.buy = 1.0, self.price


@pytest.mark.parametrize("kind", [InAList, AsShares, AsSells, OverWhatWasAdded])
def test_the_highest_of_several_stops_sells_everything(kind: type[Strategy]) -> None:
    result = played(kind, a_history(FALLS))
    sold = [(one.candle, one.price, one.quantity, one.tag) for one in result.fills if one.side == "sell"]
    assert sold == [(3, 98.0, 2.0, "stop_loss")]
    assert "One stop guards all of a position: of several that are named the highest." in result.rules


def test_sells_of_its_own_that_take_no_stop_leave_the_stop_where_it_is() -> None:
    class SellsAbove(InAList):
        def update_position(self) -> None:
            if self.index == 1:
                self.sell = 0.5, 140.0

    sold = [(one.price, one.quantity) for one in played(SellsAbove, a_history(FALLS)).fills if one.side == "sell"]
    assert sold == [(98.0, 2.0)]


RISES = [CALM, CALM, CALM, (100.0, 106.0, 100.0, 105.0), (105.0, 116.0, 105.0, 115.0), (115.0, 126.0, 115.0, 125.0)]


class Halves(Ladder):
    """Two targets of a half each."""

    def go_long(self) -> None:
        super().go_long()
        self.take_profit = [(1.0, 110.0), (1.0, 120.0)]


def sales(kind: type[Strategy]) -> list[tuple[float, float, str]]:
    return [(one.price, one.quantity, one.tag) for one in played(kind, a_history(RISES)).fills if one.side == "sell"]


def test_a_limit_sell_of_its_own_takes_the_place_of_the_targets_that_stood() -> None:
    class Sells(Halves):
        def update_position(self) -> None:
            if self.index == 1:
                self.sell = 0.5, 105.0

    assert sales(Sells) == [(105.0, 0.5, "take_profit")]


def test_targets_and_sells_of_one_decision_sell_what_is_held_once_the_nearest_first() -> None:
    class Both(Ladder):
        def update_position(self) -> None:
            if self.index == 1:
                self.take_profit = 2.0, 120.0
                self.sell = 0.5, 105.0

    assert sales(Both) == [(105.0, 0.5, "take_profit"), (120.0, 1.5, "take_profit")]


def test_targets_grow_with_what_is_added_and_shrink_with_what_is_sold_otherwise() -> None:
    class Adds(Halves):
        max_position_adjustments = 1

        def update_position(self) -> None:
            if self.index == 1:
                self.buy = 2.0, self.price

    class Reduces(Halves):
        def update_position(self) -> None:
            if self.index == 1:
                self.sell = 1.0, self.price

    assert sales(Adds) == [(110.0, 2.0, "take_profit"), (120.0, 2.0, "take_profit")]
    assert sales(Reduces) == [(100.0, 1.0, "sell"), (110.0, 0.5, "take_profit"), (120.0, 0.5, "take_profit")]


def test_of_a_ladder_of_entries_each_step_is_sold_at_the_targets_of_all_of_them() -> None:
    class Steps(Ladder):
        def go_long(self) -> None:
            self.buy = [(1.0, self.price), (1.0, 50.0)]
            self.take_profit = [(1.0, 110.0), (1.0, 120.0)]

    assert sales(Steps) == [(110.0, 0.5, "take_profit"), (120.0, 0.5, "take_profit")]


PRICES = st.floats(50, 99, allow_nan=False).map(lambda value: round(value, 3))
LEVELS = st.lists(st.builds(Level, PRICES, st.floats(0.001, 5)), max_size=4)
SELLS = st.lists(
    st.builds(Intent, st.just(Side.SELL), st.sampled_from([OrderType.STOP_LOSS, OrderType.LIMIT]), st.floats(0.001, 5), PRICES),
    max_size=4,
)
INSTRUMENT = an_instrument(lot="0.00000001")
HELD = 3


@given(stops=st.none() | LEVELS, targets=st.none() | LEVELS, sells=st.none() | SELLS)
def test_a_backtest_guards_and_aims_at_the_prices_at_which_the_house_would(
    stops: list[Level] | None, targets: list[Level] | None, sells: list[Intent] | None
) -> None:
    decision = Decision(
        exits=None if sells is None else tuple(sells),
        stops=None if stops is None else tuple(stops),
        targets=None if targets is None else tuple(targets),
    )
    kept = ExitPlan(INSTRUMENT.tick, ((HUNDRED, Decimal(200)),))  # what stands already
    live = moved_plan(decision, Decimal(HELD), INSTRUMENT, kept) or kept
    units = Units(INSTRUMENT, ZERO, ZERO)
    account = Account(units, Purse(Decimal(10**6), units.money_places), FeeAsset.QUOTE, None)
    account.buy(1, HELD * 10**8, 0)
    wanted_stops, wanted_targets = exits_of(decision)
    guards = guarding(wanted_stops or (), 0, units)
    assert (kept.stop if wanted_stops is None else _at(guards[0].price) if guards else ZERO) == live.stop
    assert [one.lots for one in guards] in ([], [-1])
    if wanted_targets is None:
        assert live.targets == kept.targets
        return
    goals = armed(as_shares(wanted_targets, HELD), 0, account)
    assert [_at(one.price) for one in goals] == [price for _, price in live.targets]
    sold = 0
    for one, (share, _) in zip(goals, live.targets, strict=True):
        lots = account.lots - sold if one.lots < 0 else one.lots
        assert lots == pytest.approx(float(share) / 100 * account.lots, abs=account.lots * 2e-6)
        sold += lots
    assert sold <= account.lots


def _at(price: float) -> Decimal:
    return INSTRUMENT.price(INSTRUMENT.tick * round(price * 100))
