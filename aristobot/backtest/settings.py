"""What a backtest is asked: who plays, on which candles, with how much money, at which costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from aristobot.backtest.history import History
from aristobot.errors import InvalidInput
from aristobot.market import Instrument
from aristobot.strategy import Strategy


class FeeAsset(StrEnum):
    """In which asset the fee of a purchase is paid; of a sale it is always the quote received."""

    QUOTE = "quote"
    BASE = "base"


class Mood(StrEnum):
    """How what a candle does not tell is read."""

    PESSIMISTIC = "pessimistic"
    OPTIMISTIC = "optimistic"


_MOST = {"maker": 1, "taker": 1, "slippage_bps": 10_000, "slippage_range": 10, "latency": 86_400}


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs; raise InvalidInput for what cannot be.

    maker, taker      fees as fractions; None: the instrument's own
    fee_asset         in what a purchase's fee is paid
    slippage_bps      hundredths of a per cent by which an order that takes is filled worse
    slippage_range    or, on top, the share of the candle's range (high minus low)
    latency           seconds until an order reaches the exchange
    """

    maker: Decimal | None = None
    taker: Decimal | None = None
    fee_asset: FeeAsset = FeeAsset.QUOTE
    slippage_bps: float = 0.0
    slippage_range: float = 0.0
    latency: float = 0.0

    def __post_init__(self) -> None:
        for name in ("maker", "taker", "slippage_bps", "slippage_range", "latency"):
            value, most = getattr(self, name), _MOST[name]
            if value is not None and not 0 <= value < most:  # NaN is neither
                raise InvalidInput("bad_costs", field=name, value=value, most=most)


@dataclass(frozen=True, slots=True)
class Entrant:
    """One strategy on one symbol. `detail` are smaller candles inside the larger ones, along which its orders are executed."""

    kind: type[Strategy]
    history: History
    instrument: Instrument
    parameters: Mapping[str, object] = field(default_factory=dict)
    detail: History | None = None
    allotted: float | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """A whole backtest.

    warmup      candles before the first question; None: found out
    checks      candles at which the look-ahead check cuts the future off; 0 leaves it out
    variants    how many sets of parameters were tried on these candles before this one was shown
    code        the strategy's text, for its fingerprint
    bitcoin     candles of bitcoin in the run's quote, to compare with who holds it; None: there are none
    """

    entrants: tuple[Entrant, ...]
    cash: Decimal = Decimal(10_000)
    costs: Costs = Costs()
    warmup: int | None = None
    seed: int = 0
    checks: int = 12
    variants: int = 1
    code: str = ""
    close_at_end: bool = False
    bitcoin: History | None = None


def maker_of(entrant: Entrant, setup: Setup) -> Decimal:
    """The fee of an order that rested."""
    return entrant.instrument.maker_fee if setup.costs.maker is None else setup.costs.maker


def taker_of(entrant: Entrant, setup: Setup) -> Decimal:
    """The fee of an order that takes."""
    return entrant.instrument.taker_fee if setup.costs.taker is None else setup.costs.taker
