"""nautilus_trader with its compiled averages, logs off, its figures on: `python -m tests.benchmarks.rivals.nautilus_race CANDLES`.

Its venue fills a market order at the close of the candle that was decided on, not at the next open: the same price on candles
that open where the one before closed, one candle earlier.
"""

from __future__ import annotations

import importlib
from decimal import Decimal
from typing import Any

from tests.benchmarks.rivals.stopwatch import CASH, FAST, FEE, SLOW, Rounds, frame_of, race


def _of(module: str, *names: str) -> Any:
    found = importlib.import_module(f"nautilus_trader.{module}")
    return [getattr(found, name) for name in names]


BacktestEngine, BacktestEngineConfig = _of("backtest.engine", "BacktestEngine", "BacktestEngineConfig")
LoggingConfig, StrategyConfig = _of("config", "LoggingConfig", "StrategyConfig")
(SimpleMovingAverage,) = _of("indicators", "SimpleMovingAverage")
BTC, USDT = _of("model.currencies", "BTC", "USDT")
(BarType,) = _of("model.data", "BarType")
AccountType, OmsType, OrderSide = _of("model.enums", "AccountType", "OmsType", "OrderSide")
InstrumentId, Symbol, Venue = _of("model.identifiers", "InstrumentId", "Symbol", "Venue")
(CurrencyPair,) = _of("model.instruments", "CurrencyPair")
Money, Price, Quantity = _of("model.objects", "Money", "Price", "Quantity")
(BarDataWrangler,) = _of("persistence.wranglers", "BarDataWrangler")
(Strategy,) = _of("trading.strategy", "Strategy")

MINUTE = 60_000_000_000


def _pair() -> Any:
    fee = Decimal(str(FEE))
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol("BTCUSDT"), Venue("BINANCE")), raw_symbol=Symbol("BTCUSDT"), base_currency=BTC,
        quote_currency=USDT, price_precision=4, size_precision=3, price_increment=Price.from_str("0.0001"),
        size_increment=Quantity.from_str("0.001"), ts_event=0, ts_init=0, maker_fee=fee, taker_fee=fee,
    )  # fmt: skip


PAIR = _pair()
MINUTES = BarType.from_str(f"{PAIR.id}-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):  # type: ignore[misc, valid-type] # a package that is not installed here
    """The same rules as ours."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig())
        self.fast, self.slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
        self.before, self.holds, self.one = (0.0, 0.0), False, Quantity.from_str("1.000")
        self.closed: list[Any] = []

    def on_start(self) -> None:
        """Ask for the candles."""
        self.register_indicator_for_bars(MINUTES, self.fast)
        self.register_indicator_for_bars(MINUTES, self.slow)
        self.subscribe_bars(MINUTES)

    def on_bar(self, bar: Any) -> None:
        """At every close."""
        if not self.slow.initialized:
            return
        fast, slow = self.fast.value, self.slow.value
        (fast_before, slow_before), self.before = self.before, (fast, slow)
        if not slow_before:
            return
        if self.holds:
            if fast < slow and fast_before >= slow_before:
                self._order(OrderSide.SELL)
        elif fast > slow and fast_before <= slow_before:
            self._order(OrderSide.BUY)

    def _order(self, side: Any) -> None:
        self.holds = side == OrderSide.BUY
        self.submit_order(self.order_factory.market(PAIR.id, side, self.one))

    def on_position_closed(self, event: Any) -> None:
        """Write a round down."""
        self.closed.append((event.ts_opened, event.ts_closed, event.avg_px_open, event.avg_px_close))


def prepare(candles: Any) -> tuple[int, list[Any]]:
    """The candles as its bars."""
    frame = frame_of(candles, named="")[["open", "high", "low", "close", "volume"]]
    bars = BarDataWrangler(MINUTES, PAIR).process(frame)
    return bars[0].ts_event, bars


def run(prepared: tuple[int, list[Any]]) -> Rounds:
    """One backtest."""
    first, bars = prepared
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=PAIR.id.venue, oms_type=OmsType.NETTING, account_type=AccountType.CASH, base_currency=None,
        starting_balances=[Money(CASH, USDT), Money(0, BTC)],
    )  # fmt: skip
    engine.add_instrument(PAIR)
    engine.add_data(bars)
    strategy = Cross()
    engine.add_strategy(strategy)
    engine.run()
    candle = [(int(a - first) // MINUTE, int(b - first) // MINUTE, c, d) for a, b, c, d in strategy.closed]
    engine.dispose()
    return candle


if __name__ == "__main__":
    race(prepare, run)
