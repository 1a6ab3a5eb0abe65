"""What a backtest found, frozen, with everything needed to find it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aristobot.backtest.bitcoin import Gap
from aristobot.backtest.later import FilledOrder, Later
from aristobot.backtest.lookahead import Verdict
from aristobot.figures.record import ClosedTrade, Record
from aristobot.figures.table import figures_of
from aristobot.indicators.columns import Floats
from aristobot.strategy_orders import Message


class RefusedOrder(msgspec.Struct, frozen=True):
    """An order that was refused, or never filled, and why: insufficient_funds, below_minimum, not_reached, position_closed …"""

    symbol: str
    at: int
    side: str
    price: float
    quantity: float
    tag: str
    reason: str


class OpenPosition(msgspec.Struct, frozen=True):
    """What is still held at the end, valued at the last close."""

    symbol: str
    opened_at: int
    quantity: float
    entry_price: float
    value: float


class Band(msgspec.Struct, frozen=True):
    """Net profit in quote under the pessimistic and the optimistic reading of what candles do not tell."""

    pessimistic: float
    optimistic: float


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """times, equity, invested   one value per closed candle: UTC ms of the close, quote, quote worth of what is held
    vetoes                   how often a filter, lock or protection refused an entry, by name
    unkept                   what strategies keep in `vars` that a restart, and with it every decision at work, would not find
    band, lookahead          see there; variants is the number of parameter sets tried before this one

    What only a report asks for is worked out when it is first read, and kept.
    """

    cash: float
    times: Floats
    equity: Floats
    invested: Floats
    closed: tuple[ClosedTrade, ...]
    refused: tuple[RefusedOrder, ...]
    vetoes: Mapping[str, int]
    open_positions: tuple[OpenPosition, ...]
    messages: tuple[Message, ...]
    stopped: str
    unkept: str
    warmup: int
    band: Band
    lookahead: Verdict
    rules: tuple[str, ...]
    parameters: tuple[Mapping[str, object], ...]
    seed: int
    variants: int
    data_hash: str
    later: Later

    @cached_property
    def fills(self) -> tuple[FilledOrder, ...]:
        """Every fill of every strategy, in its order."""
        return self.later.fills()

    @cached_property
    def hold(self) -> Floats:
        """Equity of buying everything at the first possible open and holding it, at `times`."""
        return self.later.hold(self.times)

    @cached_property
    def bitcoin(self) -> tuple[Floats | None, Gap]:
        """The same of who buys bitcoin instead, None where its candles are not all there; and what speaks of them."""
        return self.later.bitcoin(self.times, self.hold)

    @cached_property
    def record(self) -> Record | None:
        """What every figure is computed from; None for a run in which nothing could be decided."""
        return self.later.record(self.closed, self.times, self.equity, self.hold, self.bitcoin[0])

    @cached_property
    def code_hash(self) -> str:
        """SHA-256 of the strategies' text."""
        return self.later.code_hash()

    @property
    def profit(self) -> float:
        """What was gained in all, in quote, what is still held included."""
        return float(self.equity[-1]) - self.cash if len(self.equity) else 0.0

    def as_json(self, most_points: int = 20_000, most_rows: int = 20_000) -> dict[str, Any]:
        """The whole result in what JSON knows, its figures included.

        Of a longer curve every so-many-th point and the last; of longer lists the first rows, `refused_counts` counts all.
        """
        count = len(self.times)
        shown: NDArray[np.int64] = np.arange(0, count, max(1, -(-count // most_points)))
        shown = np.union1d(shown, [count - 1]) if count else shown
        curves = {name: getattr(self, name)[shown].tolist() for name in ("times", "equity", "invested", "hold")}
        names = [one.name for one in fields(self) if one.name not in (*curves, "later")]
        plain = {name: getattr(self, name) for name in (*names, "fills", "code_hash")}
        lists = {name: plain[name][:most_rows] for name in ("closed", "fills", "refused", "messages")}
        found: dict[str, Any] = msgspec.to_builtins({**plain, **lists, "profit": self.profit}, enc_hook=_plain)
        record = None if self.record is None else replace(self.record, closed=())
        return {
            **found,
            **curves,
            "refused_counts": dict(Counter(one.reason for one in self.refused)),
            "record": msgspec.to_builtins(record),
            "figures": {} if self.record is None else figures_of(self.record),
        }


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
