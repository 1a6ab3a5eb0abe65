"""freqtrade's backtesting, its exchange told its market instead of asking the network.

    python -m tests.benchmarks.rivals.freqtrade_race CANDLES

The clock stands while data is prepared, and runs while its strategy computes and its loop walks the candles.
"""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.rivals.stopwatch import CASH, FAST, FEE, SLOW, Rounds, frame_of, race

PAIR = "BTC/USDT"
STRATEGY = f"""
import talib
from freqtrade.strategy import IStrategy


class Cross(IStrategy):
    INTERFACE_VERSION, timeframe, can_short = 3, "1m", False
    minimal_roi, stoploss = {{}}, -0.99
    startup_candle_count = 0

    def populate_indicators(self, dataframe, metadata):
        dataframe["fast"], dataframe["slow"] = talib.SMA(dataframe["close"], {FAST}), talib.SMA(dataframe["close"], {SLOW})
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        fast, slow = dataframe["fast"], dataframe["slow"]
        dataframe.loc[(fast > slow) & (fast.shift() <= slow.shift()), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        fast, slow = dataframe["fast"], dataframe["slow"]
        dataframe.loc[(fast < slow) & (fast.shift() >= slow.shift()), "exit_long"] = 1
        return dataframe

    def custom_stake_amount(self, pair, current_time, current_rate, proposed_stake, min_stake, max_stake, *rest, **more):
        return current_rate
"""
MARKET = {
    "id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "active": True, "spot": True, "type": "spot",
    "swap": False, "future": False, "margin": False, "contract": False, "linear": None, "inverse": None, "contractSize": None,
    "maker": FEE, "taker": FEE, "precision": {"amount": 0.001, "price": 0.0001}, "info": {},
    "limits": {"amount": {"min": 0.001, "max": None}, "cost": {"min": 5.0, "max": None}, "price": {}, "leverage": {}},
}  # fmt: skip


def _settings(folder: Path) -> dict[str, Any]:
    (folder / "cross.py").write_text(STRATEGY)
    kinds = importlib.import_module("freqtrade.enums")
    return {
        "runmode": kinds.RunMode.BACKTEST, "dry_run": True, "dry_run_wallet": CASH, "stake_currency": "USDT",
        "stake_amount": "unlimited", "max_open_trades": 1, "timeframe": "1m", "fee": FEE, "trading_mode": "spot",
        "exchange": {"name": "binance", "pair_whitelist": [PAIR], "enable_ws": False}, "pairlists": [{"method": "StaticPairList"}],
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False},
        "strategy": "Cross", "strategy_path": str(folder), "user_data_dir": folder, "datadir": folder, "export": "none",
        "candle_type_def": kinds.CandleType.SPOT, "dataformat_ohlcv": "feather", "original_config": {},
    }  # fmt: skip


def _bench() -> Any:
    """Its backtesting, ready to be given candles."""
    kind = importlib.import_module("freqtrade.exchange").Binance
    kind.reload_markets = lambda self, *_, **__: self._markets.update({PAIR: MARKET})
    folder = Path(sys.argv[1]).with_name("freqtrade")  # beside the candles, gone with them
    folder.mkdir(exist_ok=True)
    settings = _settings(folder)
    exchange = kind(settings, validate=False)
    exchange.reload_markets()
    return importlib.import_module("freqtrade.optimize.backtesting").Backtesting(settings, exchange)


def run(prepared: tuple[Any, Any]) -> Rounds:
    """One backtest."""
    bench, frame = prepared
    (strategy,) = bench.strategylist
    bench._set_strategy(strategy)
    processed = bench.strategy.advise_all_indicators({PAIR: frame})
    began, ended = frame["date"].iloc[0], frame["date"].iloc[-1]
    found = bench.backtest(processed=processed, start_date=began.to_pydatetime(), end_date=ended.to_pydatetime())["results"]
    found = found[found["exit_reason"] != "force_exit"]
    candles = [((found[name] - began).dt.total_seconds() // 60).astype(int).tolist() for name in ("open_date", "close_date")]
    return list(zip(*candles, found["open_rate"].tolist(), found["close_rate"].tolist(), strict=True))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    race(lambda candles: (_bench(), frame_of(candles)), run)
