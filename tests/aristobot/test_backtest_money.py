"""The money of a backtest: whatever a strategy wants, it adds up to the last unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.backtest.history import History
from aristobot.backtest.runner import backtest
from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, FeeAsset, Setup
from aristobot.strategy import Strategy
from tests.backtesting import a_history, an_instrument


class Gambler(Strategy):
    """Wants anything, by what its seed says; orders of every kind, several at once, far too large ones."""

    max_position_adjustments = 3
    entry_timeout_candles = 2

    def hyperparameters(self) -> list[dict[str, Any]]:
        return [{"name": "seed", "type": int, "default": 0}]

    def _roll(self, salt: int) -> float:
        return float((self.index * 7919 + salt * 104729 + self.hp["seed"] * 1299709) % 1000) / 1000

    def should_long(self) -> bool:
        return self._roll(1) < 0.5

    def go_long(self) -> None:
        money = self.balance * self._roll(2) * 1.3
        prices = [self.price * (0.97 + 0.06 * self._roll(number)) for number in (3, 4)]
        self.buy = [(money / self.price / 2, price) for price in prices]
        self.stop_loss = money / self.price, self.price * (0.95 + 0.04 * self._roll(5))
        self.take_profit = [(money / self.price / 2, self.price * (1.01 + 0.04 * self._roll(number))) for number in (6, 7)]

    def should_exit(self) -> bool | str:
        return "luck" if self._roll(8) < 0.1 else False

    def update_position(self) -> None:
        if self._roll(9) < 0.2:
            self.buy = self.balance / self.price * self._roll(10), self.price
        if self._roll(11) < 0.2:
            self.sell = self.position.qty * self._roll(12), self.price * (0.98 + 0.04 * self._roll(13))
        if self._roll(14) < 0.2:
            self.stop_loss = self.position.qty, self.price * 0.98


def walk(seed: int, count: int = 150) -> History:
    """A seeded walk of candles on the tick."""
    dice = np.random.default_rng(seed)
    closes = np.round(100 * np.exp(np.cumsum(dice.normal(0, 0.012, count))), 2)
    opens = np.round(np.append(100.0, closes[:-1]) * (1 + dice.normal(0, 0.003, count)), 2)
    highs = np.round(np.maximum(opens, closes) * (1 + np.abs(dice.normal(0, 0.006, count))), 2)
    lows = np.round(np.minimum(opens, closes) * (1 - np.abs(dice.normal(0, 0.006, count))), 2)
    return a_history(zip(opens, highs, lows, closes, strict=True))


def setups() -> st.SearchStrategy[Setup]:
    return st.builds(
        lambda seed, fee, base, bps, latency, lot, notional, count: Setup(
            tuple(
                Entrant(
                    Gambler,
                    walk(seed + number),
                    an_instrument(lot=lot, min_notional=Decimal(notional)),
                    parameters={"seed": seed + number},
                )
                for number in range(count)
            ),
            costs=Costs(Decimal(fee), Decimal(fee) * 2, FeeAsset.BASE if base else FeeAsset.QUOTE, bps, 0.0, latency),
            warmup=1,
            checks=0,
            seed=seed,
        ),
        st.integers(0, 10_000),
        st.sampled_from(["0", "0.001", "0.00075", "0.0026"]),
        st.booleans(),
        st.sampled_from([0.0, 5.0]),
        st.sampled_from([0.0, 20.0, 90.0]),
        st.sampled_from(["0.001", "0.5", "1"]),
        st.sampled_from([0, 10]),
        st.integers(1, 2),
    )


@settings(max_examples=60, deadline=None)
@given(setups())
def test_cash_is_never_negative_quantities_lie_on_the_lot_and_the_money_adds_up(setup: Setup) -> None:
    session = Session(setup)
    session.play()
    assert not [player.lane.run.memory.stopped for player in session.players if player.lane.run.memory.stopped]
    total = 0
    for player in session.players:
        lane = player.lane
        units, in_base = lane.units, setup.costs.fee_asset is FeeAsset.BASE
        cash = held = 0
        for _, _, buying, price, lots, fee, maker, _, after, held_after in lane.fills:
            rate = units.maker if maker else units.taker
            assert lots > 0
            assert lots % units.lot == 0
            assert price % units.tick == 0
            assert price * lots >= units.notional
            assert fee == price * lots * rate
            sign = -1 if buying else 1
            cash += sign * price * lots * units.fees - (0 if buying and in_base else fee)
            held += -sign * lots * units.fees - (lots * rate if buying and in_base else 0)
            assert (cash, held) == (after, held_after)
            assert held >= 0
        assert lane.account.held == held
        total += cash * lane.account.factor
        if not lane.account.lots:
            assert sum(row[9] for row in lane.closed) == cash
    assert session.purse.cash == int(setup.cash * session.purse.scale) + total
    assert 0 <= session.purse.reserved <= session.purse.cash


@settings(max_examples=25, deadline=None)
@given(setups())
def test_equity_is_cash_and_holdings_at_every_close_and_a_run_repeats_itself(setup: Setup) -> None:
    result, again = backtest(setup), backtest(setup)
    assert result.as_json() == again.as_json()
    cash, held = float(setup.cash), dict.fromkeys(range(len(setup.entrants)), 0.0)
    lanes = Session(setup)
    lanes.play()
    for candle in range(len(result.times)):
        worth = 0.0
        cash = float(setup.cash)
        for number, player in enumerate(lanes.players):
            units = player.lane.units
            known = [row for row in player.lane.fills if row[0] <= candle]
            if known:
                cash += known[-1][8] / 10**units.money_places
                held[number] = known[-1][9] / (units.quantities * units.fees)
            worth += held[number] * player.history.candles[candle, 2]
        assert result.equity[candle] == pytest.approx(cash + worth, abs=1e-6)
        assert cash >= -1e-9
