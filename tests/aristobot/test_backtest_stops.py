"""One stop guards all of a position: in a backtest as at work, whatever a strategy names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.backtest.lane import guarding, stops_of
from aristobot.backtest.units import Units
from aristobot.money import ZERO
from aristobot.orders import OrderType, Side
from aristobot.strategy import Strategy
from aristobot.strategy_orders import Decision, Intent, Level
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


PRICES = st.floats(50, 99, allow_nan=False).map(lambda value: round(value, 3))
LEVELS = st.lists(st.builds(Level, PRICES, st.floats(0.001, 5)), max_size=4)
SELLS = st.lists(st.builds(Intent, st.just(Side.SELL), st.just(OrderType.STOP_LOSS), st.floats(0.001, 5), PRICES), max_size=3)


@given(stops=st.none() | LEVELS, sells=st.none() | SELLS)
def test_a_backtest_guards_at_the_price_at_which_the_house_would(stops: list[Level] | None, sells: list[Intent] | None) -> None:
    instrument = an_instrument()
    decision = Decision(stops=None if stops is None else tuple(stops), exits=None if sells is None else tuple(sells), targets=())
    kept = ExitPlan(instrument.tick)  # a stop that stands already
    wanted = stops_of(decision)
    units = Units(instrument, ZERO, ZERO)
    guards = guarding(wanted or (), 0, units)
    live = moved_plan(decision, instrument.lot * 1000, instrument, kept)
    there = kept.stop if live is None else live.stop
    here = (
        kept.stop
        if wanted is None
        else next((instrument.price(instrument.tick * round(one.price * 100)) for one in guards), ZERO)
    )
    assert here == there
    assert [one.lots for one in guards] in ([], [-1])
