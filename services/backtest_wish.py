"""What a user wants to try, the row that remembers it, and the run that plays it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aristobot.errors import InvalidInput
from aristobot.market import timeframe_of
from aristobot.store.backtest_tables import Backtest

if TYPE_CHECKING:  # the house starts without numpy
    from services.backtest_run import Run

_LONGEST_TEXT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user wants to try. `text` is pinned; `version_id` or `template` say where it came from.

    `costs`: maker, taker as fractions in text or None for the pair's own, slippage_bps, slippage_range, latency in seconds,
    fee_asset. `fetch` has missing candles downloaded first; with `detail` orders follow the minutes inside larger candles.
    """

    strategy: str
    text: str
    exchange: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(10_000)
    seed: int = 0
    fetch: bool = False
    detail: bool = False
    version_id: uuid.UUID | None = None
    template: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run under way is: queued, candles, playing or checking."""

    stage: str = "queued"
    done: float = 0.0
    seconds_left: float | None = None


def row_of(user_id: uuid.UUID, wish: Wish, now: datetime) -> Backtest:
    """The row of a wish. Raises InvalidInput for what cannot be played."""
    if len(wish.text) > _LONGEST_TEXT:
        raise InvalidInput("strategy_too_long", field="strategy", most=_LONGEST_TEXT // 1024)
    if wish.since >= wish.until:
        raise InvalidInput("nothing_between", field="since", since=wish.since.date(), until=wish.until.date())
    if not 0 < wish.cash <= 10**12:
        raise InvalidInput("cash_out_of_range", field="cash")
    row = Backtest(
        user_id=user_id,
        strategy_version_id=wish.version_id,
        strategy=wish.strategy[:64],
        template=wish.template,
        exchange=wish.exchange,
        symbol=wish.symbol,
        timeframe=timeframe_of(wish.timeframe).value,
        since=wish.since,
        until=wish.until,
        code=wish.text,
        parameters=dict(wish.parameters),
        costs=dict(wish.costs),
        cash=wish.cash,
        seed=wish.seed,
        fetch=wish.fetch,
        detail=wish.detail,
        fingerprint=_fingerprint(wish),
        created_at=now,
    )
    checked_costs(wish.costs)
    return row


def checked_costs(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The costs of a run as they are kept, or InvalidInput at the one that cannot be."""
    bounds = {"maker": "0.1", "taker": "0.1", "slippage_bps": "1000", "slippage_range": "1", "latency": "3600"}
    for name, value in given.items():
        if name == "fee_asset" and value in (None, "quote", "base"):
            continue
        if name not in bounds or (value is not None and not 0 <= Decimal(str(value)) <= Decimal(bounds[name])):
            raise InvalidInput("cost_out_of_range", field=name, most=bounds.get(name, ""))
    return given


def _fingerprint(wish: Wish) -> str:
    parameters = json.dumps(dict(wish.parameters), sort_keys=True, default=str)
    return hashlib.sha256(f"{wish.text}\0{parameters}".encode()).hexdigest()


def run_of(row: Backtest) -> Run:
    """What is to be played for a row."""
    from aristobot.candle_series import CandleSeries
    from services.backtest_run import Costs, Run

    given = row.costs or {}
    fees = {name: None if given.get(name) is None else Decimal(str(given[name])) for name in ("maker", "taker")}
    bps, latency, share = (float(given.get(name) or 0) for name in ("slippage_bps", "latency", "slippage_range"))
    return Run(
        text=row.code,
        series=CandleSeries(row.exchange, row.symbol, timeframe_of(row.timeframe)),
        since=row.since,
        until=row.until,
        parameters=row.parameters or {},
        cash=row.cash,
        costs=Costs(fees["maker"], fees["taker"], bps, latency, share, str(given.get("fee_asset") or "quote")),
        seed=row.seed,
        variants=row.variants,
        detail=row.detail,
    )
