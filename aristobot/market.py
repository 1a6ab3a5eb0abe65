"""What can be traded, and what its price did: Instrument, Timeframe, Candle, Ticker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from aristobot.clock import from_milliseconds, to_milliseconds
from aristobot.errors import DataError
from aristobot.money import ZERO, amount, plain, round_down, times

#: Ours everywhere, `"BTC/USDT"`. The exchange's own spelling lives in its `_wire` file alone.
Symbol = str
#: The asset that every run is compared with.
BITCOIN = "BTC"


class InstrumentState(StrEnum):
    """May it be traded at this moment?"""

    TRADING = "trading"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"


class Instrument(msgspec.Struct, frozen=True, gc=False):
    """One pair on one exchange: steps, minimums, fees, state. A step or bound of zero means that there is no rule."""

    exchange: str
    symbol: Symbol
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal = ZERO
    max_quantity: Decimal = ZERO
    market_lot: Decimal = ZERO
    max_market_quantity: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO
    quote_step: Decimal = Decimal("0.00000001")
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    state: InstrumentState = InstrumentState.TRADING
    order_types: frozenset[str] = frozenset()
    oco_allowed: bool = False
    otoco_allowed: bool = False
    #: How far from the market a limit price may lie, as a fraction of the market's price.
    price_band: Decimal = ZERO

    def paying(self, maker: Decimal, taker: Decimal) -> Instrument:
        """The same pair with other fees: those of one account."""
        return msgspec.structs.replace(self, maker_fee=maker, taker_fee=taker)

    def price(self, value: Decimal) -> Decimal:
        """Round a price down to the tick."""
        return round_down(value, self.tick)

    def quantity(self, value: Decimal, *, market: bool = False) -> Decimal:
        """Round a quantity DOWN to the lot (for market orders to the coarser of both lots): never more than asked."""
        return round_down(value, max(self.lot, self.market_lot) if market else self.lot)

    @property
    def smallest(self) -> Decimal:
        """The least quantity of an order, in base."""
        return max(self.min_quantity, self.lot)

    def is_dust(self, value: Decimal, price: Decimal) -> bool:
        """Whether so small a quantity cannot be sold at this price: below the smallest lot, quantity or notional."""
        sellable = self.quantity(value)
        return sellable < self.smallest or times(sellable, price) < self.min_notional

    def why_dust(self, value: Decimal) -> tuple[str, dict[str, str]]:
        """Why so little cannot be sold: below the least quantity of an order, or below its least value. A code and its facts."""
        if self.quantity(value) < self.smallest:
            return "reason.dust_lot", {"least": plain(self.smallest), "asset": self.base}
        return "reason.dust_value", {"least": plain(self.min_notional), "asset": self.quote}


class Timeframe(StrEnum):
    """Length of a candle, in the spelling of Binance's REST interface."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def seconds(self) -> int:
        """Length in seconds."""
        return _SECONDS[self.value[-1]] * int(self.value[:-1])

    @property
    def duration(self) -> timedelta:
        """Length as a timedelta."""
        return timedelta(seconds=self.seconds)

    def open_of(self, moment: datetime) -> datetime:
        """Open time of the candle in which `moment` lies (weeks begin on Monday, UTC)."""
        origin = datetime(1970, 1, 5, tzinfo=UTC) if self is Timeframe.W1 else datetime(1970, 1, 1, tzinfo=UTC)
        return origin + (moment - origin) // self.duration * self.duration


_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPELLINGS = {str(tf.seconds // 60): tf for tf in Timeframe} | {
    "D": Timeframe.D1,
    "W": Timeframe.W1,
    "1D": Timeframe.D1,
    "1W": Timeframe.W1,
}


def timeframe_of(text: str) -> Timeframe:
    """Read `1m`, `4h`, and TradingView's `1`, `240`, `D`; raise DataError for anything else."""
    cleaned = text.strip()
    if cleaned in _SPELLINGS:
        return _SPELLINGS[cleaned]
    try:
        # "1M" is a month, which we keep no candles of; "1H" and "1D" are only written large.
        return Timeframe(cleaned if cleaned.endswith("M") else cleaned.lower())
    except ValueError:
        raise DataError("unknown_timeframe", field="interval", value=cleaned[:20]) from None


#: The figures of a candle, in the order in which everybody names them.
FIGURES = ("open", "high", "low", "close", "volume")


class Candle(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Open, high, low, close, volume over one timeframe; `closed` says whether it can still change.

    It keeps the exchange's own text and reads a figure when somebody asks for it: they come by the thousand, and of most
    only the close is ever looked at. A text that is no finite number raises DataError where it is read; `check` reads all.
    """

    symbol: Symbol
    timeframe: Timeframe
    open_ms: int
    open_text: str
    high_text: str
    low_text: str
    close_text: str
    volume_text: str
    closed: bool

    @classmethod
    def of(cls, symbol: Symbol, timeframe: Timeframe, open_time: datetime, figures: Sequence[Decimal], *, closed: bool) -> Candle:
        """A candle from open, high, low, close and volume. `open_time` is kept to the millisecond."""
        first, high, low, last, volume = (str(one) for one in figures)
        return cls(symbol, timeframe, to_milliseconds(open_time), first, high, low, last, volume, closed)

    @property
    def open_time(self) -> datetime:
        """The moment at which it began."""
        return from_milliseconds(self.open_ms)

    @property
    def close_time(self) -> datetime:
        """The moment at which the next candle opens."""
        return self.open_time + self.timeframe.duration

    @property
    def open(self) -> Decimal:
        """The first price."""
        return amount(self.open_text, "open")

    @property
    def high(self) -> Decimal:
        """The highest price."""
        return amount(self.high_text, "high")

    @property
    def low(self) -> Decimal:
        """The lowest price."""
        return amount(self.low_text, "low")

    @property
    def close(self) -> Decimal:
        """The last price."""
        return amount(self.close_text, "close")

    @property
    def volume(self) -> Decimal:
        """What changed hands, in base."""
        return amount(self.volume_text, "volume")

    @property
    def figures(self) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume

    def check(self) -> None:
        """Raise DataError for a candle that cannot be: a figure that is none or negative, a high below its low."""
        start, high, low, end, volume = self.figures
        if low > high or min(low, start, end, volume) < ZERO:
            raise DataError("impossible_candle", symbol=self.symbol, high=high, low=low)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Candle):
            return NotImplemented
        return self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other  # msgspec's own would compare identities

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.symbol, self.timeframe, self.open_ms, self.closed, self.figures


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """The last price of a symbol, and how its last 24 hours went. `change_percent` is in per cent."""

    symbol: Symbol
    last: Decimal
    bid: Decimal
    ask: Decimal
    at: datetime
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    change_percent: Decimal = ZERO
