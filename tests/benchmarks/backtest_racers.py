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
from tests.benchmarks.rivals.stopwatch import CASH, FAST, FEE, SLOW, Rounds

START = 1_640_995_200_000


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

    def should_long(self) -> Any:
        return self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2]

    def should_exit(self) -> Any:
        return self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2]

    def calculate_position_size(self) -> float:
        return 1.0


class Asked(Cross):
    """The same with a count of its own, so that every candle asks it."""

    asked = 0

    def should_long(self) -> Any:
        self.asked += 1
        return self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2]


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


def history_of(candles: Any) -> History:
    """Our candles, their fingerprint taken."""
    history = History("BTC/USDT", Timeframe.M1, candles)
    assert history.digest
    return history


def frame_of(candles: Any) -> Any:
    """The peers' candles."""
    pandas = importlib.import_module("pandas")
    columns = ["Open", "High", "Low", "Close", "Volume"]
    return pandas.DataFrame(candles[:, [1, 3, 4, 2, 5]], columns=columns, index=pandas.to_datetime(candles[:, 0], unit="ms"))


def ours(history: History, kind: type[Strategy], checks: int = 0, figures: bool = True) -> Rounds:
    """Our engine: exact money, rounds and equity, and every figure of a report unless `figures` are left out."""
    instrument = Instrument("binance", "BTC/USDT", "BTC", "USDT", Decimal("0.0001"), Decimal("0.001"))
    result = backtest(Setup((Entrant(kind, history, instrument),), checks=checks))
    assert len(result.equity) == len(history)
    if figures and result.record is not None:
        figures_of(result.record)
    return [(one.entry_bar, one.exit_bar, one.entry_price, one.exit_price) for one in result.closed]


def backtesting_py(frame: Any) -> Rounds:
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

    found = package.Backtest(frame, Peer, cash=CASH, commission=FEE).run()["_trades"]
    columns = (found.EntryBar, found.ExitBar, found.EntryPrice, found.ExitPrice)
    return list(zip(*(one.tolist() for one in columns), strict=True))


def vectorbt(frame: Any, full: bool = False) -> Rounds:
    """vectorbt from two arrays of signals, orders at the next open."""
    package = importlib.import_module("vectorbt")
    close = frame.Close
    fast, slow = close.rolling(FAST).mean(), close.rolling(SLOW).mean()
    entries = (fast > slow) & (fast.shift() <= slow.shift())
    exits = (fast < slow) & (fast.shift() >= slow.shift())
    portfolio = package.Portfolio.from_signals(
        close, entries.shift(fill_value=False), exits.shift(fill_value=False), price=frame.Open,
        size=1.0, fees=FEE, init_cash=CASH, freq="1min",
    )  # fmt: skip
    records = portfolio.trades.records
    portfolio.value()
    if full:
        portfolio.stats()
    records = records[records["status"] == 1]
    columns = (records.entry_idx, records.exit_idx, records.entry_price, records.exit_price)
    return list(zip(*(one.tolist() for one in columns), strict=True))


RACERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Rounds]]] = {
    "aristobot": (history_of, lambda history: ours(history, Cross)),
    "aristobot, asked": (history_of, lambda history: ours(history, Asked)),
    "aristobot, checked": (history_of, lambda history: ours(history, Cross, checks=12)),
    "arrays": (history_of, lambda history: ours(history, Arrays)),
    "arrays, rounds": (history_of, lambda history: ours(history, Arrays, figures=False)),
    "backtesting.py": (frame_of, backtesting_py),
    "vectorbt": (frame_of, lambda frame: vectorbt(frame, full=True)),
    "vectorbt, rounds": (frame_of, vectorbt),
}


def main() -> None:
    """One run, after a short one that loads and compiles what is needed."""
    warnings.simplefilter("ignore")
    prepare, run = RACERS[sys.argv[1]]
    run(prepare(walk(3_000)))
    candles = prepare(walk(int(sys.argv[2])))
    cpu, wall = time.process_time(), time.perf_counter()
    found = run(candles)
    json.dump(
        {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "mb": _peak_mb(), "rounds": found}, sys.stdout
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
