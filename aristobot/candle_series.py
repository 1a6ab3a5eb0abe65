"""Whose candles the store holds, which of them, and what is missing: the words in which everybody speaks of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from aristobot.errors import InvalidInput
from aristobot.market import Instrument, Symbol, Timeframe

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]{0,31}")


@dataclass(frozen=True, slots=True)
class Hole:
    """A run of missing candles: open times of the first and the last, in milliseconds.

    `known`: the exchange was asked and has none either (a quiet minute of a thin pair, or it stood still).
    """

    first_ms: int
    last_ms: int
    count: int
    known: bool = False


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Whose candles: one symbol on one exchange, in one timeframe."""

    exchange: str
    symbol: Symbol
    timeframe: Timeframe

    @property
    def folder(self) -> Path:
        """Where they lie inside the store. Raises InvalidInput for a name that could lead elsewhere."""
        parts = [self.exchange, *self.symbol.split("/")]
        if len(parts) != 3 or not all(_SAFE.fullmatch(one) for one in parts):
            raise InvalidInput("bad_series_name", field="symbol", value=f"{self.exchange} {self.symbol}"[:60])
        return Path(self.exchange, "-".join(parts[1:]), self.timeframe.value)

    @property
    def unlisted(self) -> Instrument:
        """Its pair without rules, for candles of something that no catalogue lists."""
        base, _, quote = self.symbol.partition("/")
        return Instrument(self.exchange, self.symbol, base, quote, Decimal("0.00000001"), Decimal("0.00000001"))


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What the store holds of a series."""

    series: CandleSeries
    first: datetime
    last: datetime
    candles: int
    size_bytes: int
    holes: tuple[Hole, ...]

    @property
    def missing(self) -> int:
        """Candles that could be had and are not there."""
        return sum(one.count for one in self.holes if not one.known)
