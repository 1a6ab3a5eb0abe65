"""One engine, one strategy, one run, in a process of its own: `python -m tests.benchmarks.backtest_racers ENGINE CANDLES`.

SMA 20/50 cross on closes, long only, one coin a time, fee 0.1 % a side. Every open is the close before it, so that engines that
fill at the close and at the next open pay the same. Prints one line of JSON; `trades` are entry candle, exit candle and prices.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from aristobot.backtest.history import History
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Entrant, Setup
from aristobot.figures.table import figures_of
from aristobot.indicators import ta
from aristobot.market import Instrument, Timeframe
from aristobot.strategy import Strategy

FAST, SLOW, FEE, CASH = 20, 50, 0.001, 10_000
START = 1_640_995_200_000
Rounds = list[tuple[int, int, float, float]]


def walk(count: int) -> Any:
    """A seeded walk around 100, four decimals: time, open, close, high, low, volume."""
    dice = np.random.default_rng(7)
    closes = np.round(100 * np.exp(np.cumsum(dice.normal(0, 0.0006, count))), 4)
    opens = np.append(100.0, closes[:-1])
    highs = np.round(np.maximum(opens, closes) * (1 + np.abs(dice.normal(0, 0.0003, count))), 4)
    lows = np.round(np.minimum(opens, closes) * (1 - np.abs(dice.normal(0, 0.0003, count))), 4)
    times = START + np.arange(count) * 60_000.0
    return np.asfortranarray(np.column_stack([times, opens, closes, highs, lows, dice.uniform(1, 50, count)]))


class Cross(Strategy):
    """Two hooks in Python, asked at every candle."""

    def indicators(self) -> dict[str, Any]:
        return {
            "fast": ta.sma(self.candles, FAST, sequential=True),
            "slow": ta.sma(self.candles, SLOW, sequential=True),
        }

    def should_long(self) -> bool:
        return bool(self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2])

    def should_exit(self) -> bool | str:
        return bool(self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2])

    def calculate_position_size(self) -> float:
        return 1.0


class Arrays(Cross):
    """The same as two whole arrays."""

    def indicators(self) -> dict[str, Any]:
        return {}

    def signals(self) -> tuple[Any, Any]:
        fast = ta.sma(self.candles, FAST, sequential=True)
        slow = ta.sma(self.candles, SLOW, sequential=True)
        entries, exits = np.zeros(len(fast), bool), np.zeros(len(fast), bool)
        entries[1:] = (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1])
        exits[1:] = (fast[1:] < slow[1:]) & (fast[:-1] >= slow[:-1])
        return entries, exits


def ours(candles: Any, kind: type[Strategy], checks: int = 0) -> Rounds:
    """Our engine with everything a report needs: exact money, equity, every figure, the fingerprint of the data."""
    instrument = Instrument("binance", "BTC/USDT", "BTC", "USDT", Decimal("0.0001"), Decimal("0.001"))
    result = backtest(Setup((Entrant(kind, History("BTC/USDT", Timeframe.M1, candles), instrument),), checks=checks))
    if result.record is not None:
        figures_of(result.record)
    return [(one.entry_bar, one.exit_bar, one.entry_price, one.exit_price) for one in result.closed]


def backtesting_py(candles: Any) -> Rounds:
    """backtesting.py with its own helpers."""
    package, pandas = importlib.import_module("backtesting"), importlib.import_module("pandas")
    package.backtesting._tqdm = lambda seq, **_: seq
    crossover = importlib.import_module("backtesting.lib").crossover
    sma = lambda values, length: pandas.Series(values).rolling(length).mean()  # noqa: E731 # the peer's own example

    class Peer(package.Strategy):  # type: ignore[name-defined, misc] # a package without types
        def init(self) -> None:
            self.fast = self.I(sma, self.data.Close, FAST)
            self.slow = self.I(sma, self.data.Close, SLOW)

        def next(self) -> None:
            if self.position:
                if crossover(self.slow, self.fast):
                    self.position.close()
            elif crossover(self.fast, self.slow):
                self.buy(size=1)

    frame = pandas.DataFrame(
        candles[:, [1, 3, 4, 2, 5]],
        columns=["Open", "High", "Low", "Close", "Volume"],
        index=pandas.to_datetime(candles[:, 0], unit="ms"),
    )
    found = package.Backtest(frame, Peer, cash=CASH, commission=FEE).run()["_trades"]
    columns = (found.EntryBar, found.ExitBar, found.EntryPrice, found.ExitPrice)
    return list(zip(*(one.tolist() for one in columns), strict=True))


def vectorbt(candles: Any) -> Rounds:
    """vectorbt from two arrays of signals, orders at the next open."""
    package, pandas = importlib.import_module("vectorbt"), importlib.import_module("pandas")
    close = pandas.Series(candles[:, 2])
    fast, slow = close.rolling(FAST).mean(), close.rolling(SLOW).mean()
    entries = (fast > slow) & (fast.shift() <= slow.shift())
    exits = (fast < slow) & (fast.shift() >= slow.shift())
    portfolio = package.Portfolio.from_signals(
        close, entries.shift(fill_value=False), exits.shift(fill_value=False), price=pandas.Series(candles[:, 1]),
        size=1.0, fees=FEE, init_cash=CASH, freq="1min",
    )  # fmt: skip
    records = portfolio.trades.records
    portfolio.value()
    records = records[records["status"] == 1]
    columns = (records.entry_idx, records.exit_idx, records.entry_price, records.exit_price)
    return list(zip(*(one.tolist() for one in columns), strict=True))


RACERS: dict[str, Callable[[Any], Rounds]] = {
    "aristobot": lambda candles: ours(candles, Cross),
    "aristobot, look-ahead check": lambda candles: ours(candles, Cross, checks=12),
    "aristobot, arrays": lambda candles: ours(candles, Arrays),
    "backtesting.py": backtesting_py,
    "vectorbt": vectorbt,
}
PACKAGES = {"backtesting.py": "backtesting", "vectorbt": "vectorbt"}


def main() -> None:
    """One run, after a short one that loads and compiles what is needed."""
    warnings.simplefilter("ignore")
    name, count = sys.argv[1], int(sys.argv[2])
    candles = walk(count)
    if not name.startswith("aristobot"):
        RACERS[name](walk(2_000))
    else:
        RACERS[name](walk(200))
    before, cpu, wall = _peak_mb(), time.process_time(), time.perf_counter()
    found = RACERS[name](candles)
    told = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "peak_mb": _peak_mb(), "before_mb": before}
    json.dump({**told, "trades": found}, sys.stdout)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
