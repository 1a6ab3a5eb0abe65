"""What runs and searches are asked alike: on which candles, with how much money, at which costs."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.api.values import Facts, In, Line, Moment, Money, Out

StrategyName = Annotated[Line, Field(min_length=1, max_length=64)]
SymbolName = Annotated[Line, Field(max_length=48)]
TimeframeName = Annotated[Line, Field(max_length=8)]
Parameters = Annotated[dict[Line, bool | int | float | Line], Field(max_length=100)]


class CostsIn(In):
    """Fees as fractions, slippage in hundredths of a per cent and as a fraction of the candle's range, latency in seconds.

    Without a fee the pair's own is taken; `fee_asset` is in what a purchase's fee is paid.
    """

    maker: Money | None = None
    taker: Money | None = None
    slippage_bps: Money = Decimal(0)
    slippage_range: Money = Decimal(0)
    fee_asset: Literal["quote", "base"] = "quote"
    latency: Money = Decimal(0)

    @property
    def texts(self) -> dict[str, str | None]:
        """As a wish takes them."""
        return {name: None if value is None else str(value) for name, value in self.model_dump().items()}


class TrialIn(In):
    """`fetch` downloads what candles are missing."""

    exchange: Annotated[Line, Field(max_length=32)]
    since: Moment
    until: Moment
    costs: CostsIn = Field(default_factory=CostsIn)
    cash: Money = Decimal(10_000)
    fetch: bool = False


class LegIn(In):
    """One strategy on one pair: `strategy` is a name in the database or a template's, or a version's id.

    `allotted` is what it may spend of the balance in quote, besides what it gained itself; without it all that is free.
    """

    strategy: StrategyName
    symbol: SymbolName
    timeframe: TimeframeName
    parameters: Parameters = Field(default_factory=dict)
    allotted: Money | None = None


class LegOut(Out):
    """One strategy of a run on its pair; `code` is its text, where the whole run is told."""

    strategy: str
    strategy_version_id: uuid.UUID | None
    template: str
    symbol: str
    timeframe: str
    parameters: Facts
    allotted: Money | None
    code: str | None = None
