"""What the figures are computed from: the closed trades of a run and the course of its equity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One round trip, entry to flat, in floats: the exact money stands with the fills.

    Times are milliseconds since 1970 in UTC. `fees` and `profit` are in quote, the profit after fees. `risk` is the quote
    that the stop put at stake at the entry. `worst` and `best` are the largest moves against and for the position while it was
    open, as fractions of the entry price (worst <= 0 <= best). Bars are indices of candles.
    """

    symbol: str
    opened_at: int
    closed_at: int
    entry_price: float
    exit_price: float
    quantity: float
    fees: float
    profit: float
    reason: str
    risk: float | None
    worst: float
    best: float
    entry_bar: int
    exit_bar: int
