"""Four strategies, written once for us and once for backtesting.py, played over the same real candles with fees, round by round.

    python -m tests.benchmarks.backtest_duels [folder of candle files]

Files are gzip CSV with the header t,o,h,l,c,v (open time in UTC ms). Rounds that differ are explained by a stated rule, or the
run fails: a limit that was only touched (backtesting.py fills it), an open beyond the target with the stop inside the same candle
(backtesting.py takes the stop), exits inside the candle of an entry that waited (backtesting.py leaves them to the next candle).
"""

from __future__ import annotations

import csv
import gzip
import importlib
import math
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aristobot.backtest.history import History
from aristobot.backtest.result import BacktestResult
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Entrant, Setup
from aristobot.indicators import ta
from aristobot.market import Instrument, Timeframe
from aristobot.strategy import Strategy

FEE, CASH = 0.001, 10_000_000
HERE = Path(__file__).parent.parent / "aristobot" / "candles"


class Round(NamedTuple):
    """One round: candles and prices of entry and exit, profit after fees."""

    entry: int
    exit: int
    bought: float
    sold: float
    profit: float


def tick(price: float) -> float:
    """Five digits of it, rounded down: a price that both can hold exactly."""
    places = 4 - math.floor(math.log10(price))
    return math.floor(round(price * 10.0**places, 6)) / 10.0**places


class OneCoin(Strategy):
    """One coin a time."""

    def calculate_position_size(self) -> float:
        return 1.0


class Cross(OneCoin):
    """Averages of 20 and 50 candles; market orders."""

    def indicators(self) -> dict[str, Any]:
        return {"fast": ta.sma(self.candles, 20, sequential=True), "slow": ta.sma(self.candles, 50, sequential=True)}

    def should_long(self) -> Any:
        return self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2]

    def should_exit(self) -> Any:
        return self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2]


class Reversal(OneCoin):
    """RSI back above 35; stop 2 % below, target 3 % above the close of the signal."""

    def indicators(self) -> dict[str, Any]:
        return {"rsi": ta.rsi(self.candles, 14, sequential=True)}

    def should_long(self) -> Any:
        return self.rsi[-2] < 35 <= self.rsi[-1]

    def stop_loss_price(self) -> float:
        return tick(self.price * 0.98)

    def take_profit_price(self) -> float:
        return tick(self.price * 1.03)


class Breakout(OneCoin):
    """A stop order over the high of 20 candles, for one candle; sold when a close lies below the low of 10."""

    def indicators(self) -> dict[str, Any]:
        return {
            "top": ta.max(self.candles, 20, "high", sequential=True),
            "low10": ta.min(self.candles, 10, "low", sequential=True),
        }

    def should_long(self) -> Any:
        return self.price < self.top[-1] * 0.999

    def go_long(self) -> None:
        self.buy = 1.0, self.top[-1]

    def should_exit(self) -> Any:
        return self.price < self.low10[-2]


class Reversion(OneCoin):
    """A limit order at the lower band, for one candle; sold when a close lies above the middle."""

    def indicators(self) -> dict[str, Any]:
        bands = ta.bbands(self.candles, 20, 2.0, 2.0, sequential=True)
        return {"middle": bands[1], "lower": bands[2]}

    def should_long(self) -> Any:
        return self.price > self.lower[-1] * 1.001

    def go_long(self) -> None:
        self.buy = 1.0, tick(self.lower[-1])

    def should_exit(self) -> Any:
        return self.price > self.middle[-1]


def peers() -> dict[type[Strategy], Any]:
    """The same four in backtesting.py's words, their series computed by the same TA-Lib."""
    return {**peers_at_the_market(), **peers_that_wait()}


def peers_at_the_market() -> dict[type[Strategy], Any]:
    """Those whose entries are market orders."""
    package, talib = importlib.import_module("backtesting"), importlib.import_module("talib")

    class PeerCross(package.Strategy):  # type: ignore[name-defined, misc] # a package without types
        def init(self) -> None:
            self.fast, self.slow = (self.I(talib.SMA, self.data.Close, length) for length in (20, 50))

        def next(self) -> None:
            fast, slow = self.fast, self.slow
            if self.position:
                if fast[-1] < slow[-1] and fast[-2] >= slow[-2]:
                    self.position.close()
            elif fast[-1] > slow[-1] and fast[-2] <= slow[-2]:
                self.buy(size=1)

    class PeerReversal(package.Strategy):  # type: ignore[name-defined, misc] # a package without types
        def init(self) -> None:
            self.rsi = self.I(talib.RSI, self.data.Close, 14)

        def next(self) -> None:
            if not self.position and self.rsi[-2] < 35 <= self.rsi[-1]:
                price = self.data.Close[-1]
                self.buy(size=1, sl=tick(price * 0.98), tp=tick(price * 1.03))

    return {Cross: PeerCross, Reversal: PeerReversal}


def peers_that_wait() -> dict[type[Strategy], Any]:
    """Those whose entries rest for a candle."""
    package, talib = importlib.import_module("backtesting"), importlib.import_module("talib")

    class PeerBreakout(package.Strategy):  # type: ignore[name-defined, misc] # a package without types
        def init(self) -> None:
            self.top, self.low10 = self.I(talib.MAX, self.data.High, 20), self.I(talib.MIN, self.data.Low, 10)

        def next(self) -> None:
            for order in self.orders:
                order.cancel()
            if self.position:
                if self.data.Close[-1] < self.low10[-2]:
                    self.position.close()
            elif self.data.Close[-1] < self.top[-1] * 0.999:
                self.buy(size=1, stop=self.top[-1])

    class PeerReversion(package.Strategy):  # type: ignore[name-defined, misc] # a package without types
        def init(self) -> None:
            _, self.middle, self.lower = self.I(talib.BBANDS, self.data.Close, 20, 2.0, 2.0)

        def next(self) -> None:
            for order in self.orders:
                order.cancel()
            if self.position:
                if self.data.Close[-1] > self.middle[-1]:
                    self.position.close()
            elif self.data.Close[-1] > self.lower[-1] * 1.001:
                self.buy(size=1, limit=tick(self.lower[-1]))

    return {Breakout: PeerBreakout, Reversion: PeerReversion}


def ours(kind: type[Strategy], history: History) -> BacktestResult:
    """Our run, the fee of 0.1 % a side."""
    instrument = Instrument("binance", history.symbol, "COIN", "USDT", Decimal("0.00000001"), Decimal("1"))
    return backtest(Setup((Entrant(kind, history, instrument),), cash=Decimal(CASH), checks=0))


def rounds_of(result: BacktestResult) -> list[Round]:
    """Our rounds."""
    return [Round(one.entry_bar, one.exit_bar, one.entry_price, one.exit_price, one.profit) for one in result.closed]


def theirs(peer: Any, history: History) -> list[Round]:
    """backtesting.py's rounds, fees off its profits where its table leaves them in."""
    package, pandas = importlib.import_module("backtesting"), importlib.import_module("pandas")
    package.backtesting._tqdm = lambda seq, **_: seq
    columns = ["Open", "High", "Low", "Close", "Volume"]
    frame = pandas.DataFrame(
        history.candles[:, [1, 3, 4, 2, 5]], columns=columns, index=pandas.to_datetime(history.candles[:, 0], unit="ms")
    )
    table = package.Backtest(frame, peer, cash=CASH, commission=FEE).run()["_trades"]
    return [
        Round(int(entry), int(leaving), float(bought), float(sold), float(sold - bought - FEE * (sold + bought)))
        for entry, leaving, bought, sold in zip(table.EntryBar, table.ExitBar, table.EntryPrice, table.ExitPrice, strict=True)
    ]


def same(one: Round, other: Round) -> bool:
    """Equal but for the last digits of a float."""
    return one[:2] == other[:2] and bool(np.allclose(one[2:], other[2:], rtol=1e-9, atol=1e-7))


def explained(kind: type[Strategy], history: History, at: Round) -> str:
    """The rule by which a round that only one of both has, or that ends elsewhere, differs; empty when none does."""
    _, _, _, high, low, _ = history.candles.T
    if kind is Reversion and abs(low[at.entry] - at.bought) < 1e-9:
        return "the limit was touched, not traded through"
    if kind is Reversal and abs(high[at.exit] - at.sold) < 1e-9:
        return "the target was touched, not traded through"
    if kind is Reversal and history.candles[at.exit, 1] > at.sold:
        return "it opened beyond the target"
    return ""


def duel(kind: type[Strategy], peer: Any, history: History) -> tuple[int, list[str], list[Round]]:
    """How many rounds are equal, what explains the others, and those that nothing explains."""
    mine, other = rounds_of(ours(kind, history)), theirs(peer, history)
    pairs: dict[int, list[Any]] = {one.entry: [None, one] for one in other}
    for one in mine:
        pairs.setdefault(one.entry, [None, None])[0] = one
    alone = [[one for one in pair if one] for pair in pairs.values() if None in pair or not same(*pair)]
    reasons: list[str] = []
    unexplained: list[Round] = []
    known: list[tuple[Round, str]] = []
    for there in sorted(alone):
        found = [reason for one in there if (reason := explained(kind, history, one))]
        found += [f"{reason} before" for one, reason in known if one.entry <= there[0].entry <= one.exit]
        reasons += found[:1]
        unexplained += [] if found else there[:1]
        known += [(one, found[0].removesuffix(" before")) for one in there if found]
    return len(pairs) - len(alone), reasons, unexplained


def read(path: Path) -> History:
    """A candle file; its timeframe is the distance of its candles."""
    with gzip.open(path, "rt") as file:
        rows = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    minutes = round(float(np.median(np.diff(rows[:, 0]))) / 60_000)
    timeframe = next(one for one in Timeframe if one.seconds == minutes * 60)
    return History.of(path.name.split(".")[0], timeframe, rows[:, [0, 1, 4, 2, 3, 5]])


def main() -> int:
    """All strategies over all files; 1 when something is left unexplained."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    files = [path for path in sorted(folder.glob("*.csv.gz")) if "trades" not in path.name]
    left = 0
    for path in files:
        history = read(path)
        for kind, peer in peers().items():
            equal, reasons, unexplained = duel(kind, peer, history)
            left += len(unexplained)
            told = "; ".join(f"{reasons.count(one)} x {one}" for one in dict.fromkeys(reasons))
            strange = f"UNEXPLAINED {unexplained[:3]}" if unexplained else ""
            print(f"{path.name:46} {kind.__name__:10} {equal:5} equal  {told} {strange}", flush=True)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
