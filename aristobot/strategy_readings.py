"""What a strategy can read: the market up to the present candle, its money, its position."""

from __future__ import annotations

from typing import Any, TypeVar

from aristobot.indicators.columns import COLUMNS, Floats
from aristobot.indicators.series import RevealedCandles
from aristobot.strategy_run import PlacedOrder, Run

NAN = float("nan")
K = TypeVar("K")


class MarketReadings:
    """Prices and candles up to the present one, and where they come from."""

    _run: Run

    @property
    def price(self) -> float:
        """The present close."""
        return self._run.closes[self._run.tape.cursor]

    close = price

    @property
    def open(self) -> float:
        """The present candle's first price."""
        return self._figure("open")

    @property
    def high(self) -> float:
        """The present candle's highest price."""
        return self._figure("high")

    @property
    def low(self) -> float:
        """The present candle's lowest price."""
        return self._figure("low")

    @property
    def volume(self) -> float:
        """The present candle's volume, in base."""
        return self._figure("volume")

    @property
    def candles(self) -> RevealedCandles:
        """All candles so far. Columns: time, open, CLOSE, HIGH, LOW, volume (Jesse's order: the close comes third)."""
        return self._run.tape.view()

    @property
    def current_candle(self) -> Floats:
        """The present candle, in the columns of `candles`."""
        row: Floats = self._run.tape.candles[self._run.tape.cursor]
        return row

    @property
    def opens(self) -> Floats:
        """First prices so far."""
        return self._column("open")

    @property
    def highs(self) -> Floats:
        """Highest prices so far."""
        return self._column("high")

    @property
    def lows(self) -> Floats:
        """Lowest prices so far."""
        return self._column("low")

    @property
    def closes(self) -> Floats:
        """Last prices so far."""
        return self._column("close")

    @property
    def volumes(self) -> Floats:
        """Volumes so far, in base."""
        return self._column("volume")

    @property
    def index(self) -> int:
        """How many candles came before the present one."""
        return self._run.tape.cursor

    @property
    def time(self) -> int:
        """When the present candle closed, in UTC milliseconds."""
        return self._run.now

    def get_candles(self, exchange: str, symbol: str, timeframe: str) -> RevealedCandles:
        """Larger candles of its own pair, of which only those that are closed by now."""
        return self._run.candles_of(exchange, symbol, timeframe)

    def _figure(self, column: str) -> float:
        return self._run.tape.candles.item(self._run.tape.cursor, COLUMNS[column])

    def _column(self, column: str) -> Floats:
        return self._run.tape.price(column)[: self._run.tape.cursor + 1]


class Holding:
    """The position: what this strategy itself bought and has not sold yet."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def qty(self) -> float:
        """Base units that can be sold."""
        return self._run.held

    @property
    def entry_price(self) -> float:
        """Average price paid, fees left out; NaN when flat."""
        return self._run.stand.entry if self._run.held else NAN

    @property
    def opened_at(self) -> int:
        """When it was opened, UTC milliseconds; 0 when flat."""
        return self._run.stand.opened_at if self._run.held else 0

    @property
    def value(self) -> float:
        """What it is worth at the present close, in quote."""
        return self._run.held * self._run.price

    @property
    def pnl(self) -> float:
        """What it gained since it was bought, in quote, before fees."""
        return (self._run.price - self._run.stand.entry) * self._run.held

    @property
    def pnl_percentage(self) -> float:
        """What it gained in per cent of what was paid, before fees; 0 when flat."""
        return (self._run.price / self._run.stand.entry - 1) * 100 if self._run.held else 0.0

    @property
    def is_open(self) -> bool:
        """Whether anything is held."""
        return self._run.held > 0

    @property
    def type(self) -> str:
        """Jesse's word for it: long or close."""
        return "long" if self._run.held else "close"


class AccountReadings:
    """Money, position and orders of this strategy alone."""

    _run: Run

    @property
    def balance(self) -> float:
        """Quote that this strategy may spend."""
        return self._run.stand.balance

    @property
    def allotted(self) -> float:
        """Quote that this strategy was given when it began."""
        return self._run.stand.allotted

    @property
    def portfolio_value(self) -> float:
        """Free quote, what orders lock, and what is held at the present close."""
        return self._run.worth()

    @property
    def fee_rate(self) -> float:
        """The fee of an order that takes, as a fraction."""
        return self._run.facts.fee_rate

    @property
    def position(self) -> Holding:
        """What is held."""
        return Holding(self._run)

    @property
    def is_open(self) -> bool:
        """Whether a position is open."""
        return self._run.held > 0

    @property
    def is_close(self) -> bool:
        """Whether no position is open."""
        return self._run.held <= 0

    @property
    def average_stop_loss(self) -> float:
        """Mean price of the stops that rest, weighted by quantity; NaN without one."""
        return _mean(self._run.stand.stops)

    @property
    def average_take_profit(self) -> float:
        """Mean price of the targets that rest, weighted by quantity; NaN without one."""
        return _mean(self._run.stand.targets)

    @property
    def increased_count(self) -> int:
        """How often the open position was added to."""
        return self._run.memory.increased

    @property
    def reduced_count(self) -> int:
        """How often the open position was sold in part."""
        return self._run.memory.reduced

    @property
    def entry_orders(self) -> tuple[PlacedOrder, ...]:
        """Entries that rest."""
        return tuple(one for one in self._run.stand.orders if one.side == "buy")

    @property
    def exit_orders(self) -> tuple[PlacedOrder, ...]:
        """Exits that rest: stops, targets and sells."""
        stand = self._run.stand
        return (*(one for one in stand.orders if one.side == "sell"), *stand.stops, *stand.targets)

    @property
    def hp(self) -> dict[str, Any]:
        """The parameters of this run, by name."""
        return self._run.hp

    @property
    def vars(self) -> dict[str, Any]:
        """Yours to keep things in, saved: numbers, texts, lists and dictionaries of them."""
        return self._run.memory.vars


def _mean(orders: tuple[PlacedOrder, ...]) -> float:
    total = sum(one.quantity for one in orders)
    return sum(one.quantity * one.price for one in orders) / total if total else NAN


#: Further names, most of them from Jesse: another reading's name, a fact's name after a dot, or what it always is on spot.
OTHER_NAMES: dict[str, object] = {
    "trades": "closed_positions", "active_exit_orders": "exit_orders", "available_margin": "balance", "mark_price": "price",
    "leveraged_available_margin": "balance", "is_long": "is_open", "capital": "balance",
    "symbol": ".symbol", "exchange": ".exchange", "base_asset": ".base", "quote_asset": ".quote",
    "min_qty": ".min_quantity", "min_notional": ".min_notional", "tick_size": ".tick", "lot_size": ".step",
    "leverage": 1, "funding_rate": 0.0, "next_funding_timestamp": 0, "liquidation_price": NAN, "is_short": False,
    "has_short_entry_orders": False, "is_spot_trading": True, "is_futures_trading": False,
}  # fmt: skip


#: All that have a `Further`.
FURTHER_NAMES = frozenset(OTHER_NAMES) | {
    "is_live", "is_papertrading", "is_backtesting", "average_entry_price", "orders", "has_long_entry_orders",
}  # fmt: skip


class Further:
    """A further name of a reading; what a strategy itself calls so goes before it.

    Not a `__getattr__`, which would make every reading of every attribute take four times as long.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, reader: MarketReadings | None, kind: type) -> Any:
        return self if reader is None else _otherwise(reader, self.name)


def further_named(kind: type[K]) -> type[K]:
    """The class with all further names."""
    for name in FURTHER_NAMES:
        setattr(kind, name, Further(name))
    return kind


def _otherwise(reader: MarketReadings, name: str) -> Any:
    run = reader._run
    if name in ("is_live", "is_papertrading", "is_backtesting"):
        return run.facts.mode == {"is_live": "live", "is_papertrading": "paper", "is_backtesting": "backtest"}[name]
    if name == "average_entry_price":
        return run.stand.entry if run.held else NAN
    if name == "orders":
        return (*run.stand.orders, *run.stand.stops, *run.stand.targets)
    if name == "has_long_entry_orders":
        return any(one.side == "buy" for one in run.stand.orders)
    meant = OTHER_NAMES[name]
    if not isinstance(meant, str):
        return meant
    return getattr(run.facts, meant[1:]) if meant.startswith(".") else getattr(reader, meant)
