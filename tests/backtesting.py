"""Candles, instruments and strategies for tests of strategies and backtests: name only what matters."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from aristobot.backtest.history import History
from aristobot.backtest.result import BacktestResult
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.market import Instrument, Timeframe
from aristobot.strategy import Strategy

#: 2024-01-01 00:00 UTC
START = 1_704_067_200_000
CANDLES = Path(__file__).parent / "aristobot" / "candles"
FREE = Costs(maker=Decimal(0), taker=Decimal(0))


def an_instrument(symbol: str = "BTC/USDT", tick: str = "0.01", lot: str = "0.001", **rules: Any) -> Instrument:
    """An instrument without minimums, at a fee of 0.1 %."""
    base, _, quote = symbol.partition("/")
    return Instrument("binance", symbol, base, quote, Decimal(tick), Decimal(lot), **rules)


def a_history(
    rows: Iterable[Sequence[float]], timeframe: Timeframe = Timeframe.M1, symbol: str = "BTC/USDT", start: int = START
) -> History:
    """Candles from rows of open, high, low, close, one after the other."""
    figures = np.array([tuple(row) for row in rows], dtype=float).reshape(-1, 4)
    times = start + np.arange(len(figures)) * timeframe.seconds * 1000.0
    opens, highs, lows, closes = figures.T
    return History.of(symbol, timeframe, np.column_stack([times, opens, closes, highs, lows, np.ones(len(figures))]))


def closes_at(*closes: float) -> History:
    """Candles that open and close at the same price."""
    return a_history([(close, close, close, close) for close in closes])


def real_history(pair: str, timeframe: Timeframe = Timeframe.H4) -> History:
    """500 real candles of 4 hours, early 2024: SOLUSDT or BTCUSDT."""
    with gzip.open(CANDLES / f"{pair}_4h.csv.gz", "rt") as file:
        rows = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    return History.of(f"{pair[:3]}/{pair[3:]}", Timeframe.H4, rows[:, [0, 1, 4, 2, 3, 5]]).resampled(timeframe)


def played(
    kind: type[Strategy], history: History, costs: Costs = FREE, *, instrument: Instrument | None = None, **options: Any
) -> BacktestResult:
    """The backtest of one strategy. Options of Entrant and of Setup alike."""
    of_entrant = {name: options.pop(name) for name in ("parameters", "detail", "allotted") if name in options}
    entrant = Entrant(kind, history, instrument or an_instrument(history.symbol), **of_entrant)
    return backtest(Setup((entrant,), costs=costs, **{"warmup": 0, "checks": 0, **options}))


class Buyer(Strategy):
    """Buys once, at candle `at`, as its class says."""

    at: ClassVar[int] = 0
    order: ClassVar[Any] = (1.0, None)
    stop: ClassVar[Any] = None
    target: ClassVar[Any] = None
    leave_at: ClassVar[int] = 10**9

    def should_long(self) -> bool:
        return self.index == self.at

    def go_long(self) -> None:
        quantity, price = self.order
        self.buy = quantity, price or self.price
        self.stop_loss = None if self.stop is None else (quantity, self.stop)
        self.take_profit = None if self.target is None else (quantity, self.target)

    def should_exit(self) -> bool | str:
        return "time" if self.index >= self.leave_at else False


def buyer(**said: Any) -> type[Buyer]:
    """A buyer with other orders."""
    return type("OneBuyer", (Buyer,), said)
