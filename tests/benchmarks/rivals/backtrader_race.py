"""backtrader as its handbook shows it, without its observers: `python -m tests.benchmarks.rivals.backtrader_race CANDLES`."""

from __future__ import annotations

import importlib
from typing import Any

from tests.benchmarks.rivals.stopwatch import CASH, FAST, FEE, SLOW, Rounds, frame_of, race

backtrader = importlib.import_module("backtrader")


class Cross(backtrader.Strategy):  # type: ignore[name-defined, misc] # a package without types
    """The same rules as ours: orders meet the next open."""

    def __init__(self) -> None:
        self.fast = backtrader.indicators.SMA(self.data.close, period=FAST)
        self.slow = backtrader.indicators.SMA(self.data.close, period=SLOW)
        self.rounds: Rounds = []
        self.entry = (0, 0.0)

    def next(self) -> None:
        """At every close."""
        if self.position:
            if self.fast[0] < self.slow[0] and self.fast[-1] >= self.slow[-1]:
                self.close()
        elif self.fast[0] > self.slow[0] and self.fast[-1] <= self.slow[-1]:
            self.buy(size=1)

    def notify_order(self, order: Any) -> None:
        """Write a fill down."""
        if order.status != order.Completed:
            return
        candle, price = len(self.data) - 1, order.executed.price
        if order.isbuy():
            self.entry = (candle, price)
        else:
            self.rounds.append((self.entry[0], candle, self.entry[1], price))


def run(frame: Any) -> Rounds:
    """One backtest."""
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=FEE)
    cerebro.adddata(backtrader.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Cross)
    found: Rounds = cerebro.run()[0].rounds
    return found


if __name__ == "__main__":
    race(lambda candles: frame_of(candles, named="").tz_localize(None), run)
