"""Rounds that never change: four strategies over real candles, every price and profit as backtesting.py has them as well.

The rounds were compared one by one with backtesting.py 0.6.6 (tests/benchmarks/backtest_duels.py does it again).
"""

from __future__ import annotations

import json

import pytest

from aristobot.strategy import Strategy
from tests.backtesting import CANDLES, real_history
from tests.benchmarks.backtest_duels import Breakout, Cross, Reversal, Reversion, ours, rounds_of

GOLDEN = json.loads((CANDLES / "golden_rounds.json").read_text("utf-8"))


@pytest.mark.parametrize("pair", ["SOLUSDT", "BTCUSDT"])
@pytest.mark.parametrize("kind", [Cross, Reversal, Breakout, Reversion])
def test_the_rounds_over_real_candles_are_those_that_were_checked(kind: type[Strategy], pair: str) -> None:
    expected = GOLDEN[f"{pair} {kind.__name__}"]
    found = [list(one) for one in rounds_of(ours(kind, real_history(pair)))]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9)
