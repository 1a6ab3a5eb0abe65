"""The class that users write their strategies in: Jesse's names, spot semantics, floats inside.

Simple level: answer `should_long`, `should_exit`, `stop_loss_price`, `take_profit_price`, `calculate_position_size`.
Advanced level: place orders in `go_long` and `update_position` by assignment, `self.buy = quantity, price`.
The default `go_long` is written with the simple hooks, so that both are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from aristobot.strategy_chart import ChartHelpers, ChartHooks
from aristobot.strategy_orders import Pair, Wanted, shares
from aristobot.strategy_past import PastReadings
from aristobot.strategy_readings import AccountReadings, MarketReadings, further_named
from aristobot.strategy_run import ClosedPosition, PlacedOrder

T = TypeVar("T")
#: A price, several `(share, price)`, or none.
Exits = float | Sequence[Pair] | None


def cached(method: Callable[[Any], T]) -> Callable[[Any], T]:
    """A method of a strategy that is worked out once a candle, however often it is called."""

    @wraps(method)
    def once(self: Any) -> T:
        kept = self.__dict__.setdefault("_cached", {})
        key = (method.__name__, self._run.tape, self._run.tape.cursor)
        if kept.get(method.__name__, (None,))[0] != key:
            kept[method.__name__] = key, method(self)
        found: T = kept[method.__name__][1]
        return found

    return once


class Hooks:
    """Asked at the close of each candle. Every one has an answer, so a strategy says only what it wants to."""

    def hyperparameters(self) -> list[dict[str, Any]]:
        """The parameters: name, type (int, float, bool, or str with `options`), default, min and max, optionally step."""
        return []

    def indicators(self) -> Mapping[str, Any]:
        """Series by name, computed once a run and shown candle by candle: then `self.fast[-1]` is the present value.

        The quickest way to read an indicator. `lookback` says how many values are kept.
        """
        return {}

    def signals(self) -> tuple[Any, Any] | None:
        """Entries and exits as two arrays of booleans, one per candle, instead of `should_long` and `should_exit`."""
        return None

    def before(self) -> None:
        """Called first for each candle."""

    def after(self) -> None:
        """Called last for each candle."""

    def should_long(self) -> bool:
        """Whether to enter. Asked while flat, with no entry pending and no lock."""
        return False

    def should_exit(self) -> bool | str:
        """Whether to sell everything; a text becomes the tag of the exit. Asked while in a position."""
        return False

    def should_short(self) -> bool:
        """On spot nothing can be sold short: with `short_signal = "exit"` a yes closes the position, else it is not asked."""
        return False

    def go_short(self) -> None:
        """Never called on spot; here so that code written for futures loads."""

    def filters(self) -> list[Callable[[], bool]]:
        """Vetoes, each a method that answers True when the entry may go on. The name of one that does not is reported."""
        return []

    def should_cancel_entry(self) -> bool:
        """Whether to take back entries that rest. Asked at each candle while they do and nothing is held."""
        return bool(self._pending() >= getattr(self, "entry_timeout_candles", 1))

    def update_position(self) -> None:
        """Move stops, sell parts, buy more. Called at each candle while in a position."""

    def stop_loss_price(self) -> Exits:
        """Where to give up: a price. One stop guards all of a position: of several the highest. Asked when entering."""
        return None

    def take_profit_price(self) -> Exits:
        """Where to take the gain: a price, or `[(share, price), …]`. Asked when entering."""
        return None

    def confirm_entry(self, quantity: float, price: float) -> bool:
        """The last word before an entry leaves."""
        return True

    def confirm_exit(self, reason: str) -> bool:
        """The last word before `should_exit` sells."""
        return True

    def watch_list(self) -> list[tuple[str, Any]]:
        """Names and values to be seen while it runs."""
        return []

    def before_terminate(self) -> None:
        """Called when the run ends, while orders may still be placed."""

    def terminate(self) -> None:
        """Called at the very end."""

    def _pending(self) -> int:
        return 0


class OrderEvents:
    """Told between candles, one after the other, never while another hook is at work."""

    def on_open_position(self, order: PlacedOrder) -> None:
        """An entry was filled and a position is open."""

    def on_increased_position(self, order: PlacedOrder) -> None:
        """A further entry was filled."""

    def on_reduced_position(self, order: PlacedOrder) -> None:
        """A part was sold."""

    def on_close_position(self, order: PlacedOrder, closed_trade: ClosedPosition) -> None:
        """The last of the position was sold."""

    def on_cancel(self) -> None:
        """The entries that rested were taken back."""

    def on_order_rejected(self, order: PlacedOrder, reason: str) -> None:
        """An order was refused."""

    def on_signal(self, alert: Mapping[str, Any]) -> bool | float:
        """Never asked: alerts go their own way, past every strategy. Here so that code which names it loads."""
        return True


@further_named
class Strategy(Hooks, OrderEvents, ChartHooks, MarketReadings, AccountReadings, PastReadings, ChartHelpers):
    """Base of every strategy.

    timeframe                  of the candles it decides on
    warmup_candles             candles before the first question, at least; what the indicators need is found out
    position_fraction          share of the money that the default size spends
    entry_timeout_candles      after so many candles an entry that rests is taken back
    max_position_adjustments   how often a position may be added to
    short_signal               "ignore", or "exit": `should_short` closes the position
    lookback                   how many values of the series of `indicators` can be read back
    """

    timeframe: str = ""
    version: ClassVar[str] = ""
    warmup_candles: ClassVar[int] = 0
    position_fraction: ClassVar[float] = 1.0
    entry_timeout_candles: ClassVar[int] = 1
    max_position_adjustments: ClassVar[int] = 0
    short_signal: ClassVar[str] = "ignore"
    lookback: ClassVar[int] = 64
    #: Cooldown, stop-loss guard and maximum drawdown: see strategy_protections.
    protections: Sequence[Mapping[str, Any]] = ()

    buy: Wanted | None = None
    sell: Wanted | None = None
    stop_loss: Wanted | None = None
    take_profit: Wanted | None = None
    _closing: str = ""

    def calculate_position_size(self) -> float:
        """Base units to buy: by default what `position_fraction` of the money buys at the present price, its fee included."""
        money = min(self.balance, self.portfolio_value * self.position_fraction)
        return money / (self.price * (1 + self.fee_rate))

    def go_long(self) -> None:
        """Enter: at the market, with the size and the exits of the simple hooks."""
        self.buy = self.calculate_position_size(), self.price
        stop, target = self.stop_loss_price(), self.take_profit_price()
        self.stop_loss = None if stop is None else shares(stop)
        self.take_profit = None if target is None else shares(target)

    def liquidate(self, tag: str = "liquidate") -> None:
        """Sell everything this strategy holds, at the market."""
        self._closing = tag

    def log(self, msg: object, log_type: str = "info", notify: bool = False) -> None:
        """Write to the log of this run."""
        self._run.say(str(msg), log_type, notify)

    def notify(self, msg: object) -> None:
        """Tell the owner."""
        self._run.say(str(msg), "info", True)

    def lock(self, minutes: float, reason: str = "") -> None:
        """No new entry for so many minutes."""
        memory = self._run.memory
        memory.locked_until = max(memory.locked_until, self._run.now + round(minutes * 60_000))
        memory.lock_reason = reason or "lock"

    def _pending(self) -> int:
        return self._run.memory.pending_candles

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The series of `indicators`, and the further names."""
