"""How many candles a strategy waits for: as many as its slowest indicator, whatever an indicator leaves out."""

from __future__ import annotations

import pytest

from aristobot.backtest.settings import Costs
from aristobot.indicators import ta
from aristobot.strategy import Strategy
from tests.backtesting import played, real_history


class Slow(Strategy):
    """Asks for an average of 60 and one of the levels of the candle's pivot."""

    def should_long(self) -> bool:
        return bool(self.price > ta.sma(self.candles, 60) > ta.pivot(self.candles).s1)


class Position(Slow):
    """Asks for its slowest indicator only once it holds something."""

    def should_exit(self) -> bool:
        return bool(self.price < ta.sma(self.candles, 90))


class Larger(Slow):
    """Asks for an average of ten days; of the first day its candles have only a part."""

    def should_exit(self) -> bool:
        return bool(self.price < ta.sma(self.get_candles(self.exchange, self.symbol, "1d"), 10))


@pytest.mark.parametrize(("kind", "warmup"), [(Slow, 60), (Position, 90), (Larger, 64)])
def test_a_strategy_waits_for_its_slowest_indicator(kind: type[Strategy], warmup: int) -> None:
    result = played(kind, real_history("SOLUSDT"), Costs(), warmup=None)
    assert result.warmup == warmup, "every indicator has a value there and one candle before"
    assert result.fills
