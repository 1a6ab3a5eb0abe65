"""What a run found, in the size in which it is kept and shown: figures, tables, thinned curves, marks. Packed in the child."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import numpy as np

from aristobot.backtest.later import FilledOrder
from aristobot.backtest.lookahead import Verdict
from aristobot.backtest.result import BacktestResult, Band, OpenPosition, RefusedOrder
from aristobot.backtest.settings import Setup, maker_of, taker_of
from aristobot.errors import StrategyError
from aristobot.figures.breakdown import ByReason, Month, falls, months, reasons
from aristobot.figures.curve import underwater
from aristobot.figures.record import ClosedTrade, Drawdown
from aristobot.figures.table import figures_of
from aristobot.indicators.columns import Floats
from aristobot.money import plain
from aristobot.strategy_orders import Message

#: Points of a curve, bars of the chart, rows of the lists that are kept.
POINTS, BARS, ROWS, FEW = 800, 480, 5_000, 500
#: More than any report of ours comes to, unpacked.
LARGEST = 32 * 1024 * 1024


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The state at the close of a candle (UTC ms): equity and holding in quote, depth as a fraction below the peak."""

    at: int
    equity: float
    hold: float
    depth: float


class Bar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One or more candles as one; `at` is its open, UTC ms."""

    at: int
    open: float
    high: float
    low: float
    close: float


class Report(msgspec.Struct, frozen=True):
    """A whole report. `left_out` counts the rows of each list that were too many to keep, the latest ones."""

    symbol: str
    timeframe: str
    candles: int
    began: int
    ended: int
    cash: float
    profit: float
    figures: dict[str, float | None]
    points: list[Point]
    bars: list[Bar]
    closed: list[ClosedTrade]
    fills: list[FilledOrder]
    refused: list[RefusedOrder]
    messages: list[Message]
    left_out: dict[str, int]
    vetoes: dict[str, int]
    months: list[Month]
    reasons: list[ByReason]
    drawdowns: list[Drawdown]
    open_positions: list[OpenPosition]
    stopped: str
    warmup: int
    band: Band
    lookahead: Verdict
    rules: list[str]
    costs: dict[str, str]
    parameters: dict[str, int | float | bool | str]
    seed: int
    variants: int
    code_hash: str
    data_hash: str


def report_of(setup: Setup, result: BacktestResult) -> Report:
    """The report of a run of one strategy."""
    history, record = setup.entrants[0].history, result.record
    lists = {"closed": (result.closed, ROWS), "fills": (result.fills, 2 * ROWS)}
    lists |= {"refused": (result.refused, FEW), "messages": (result.messages, FEW)}
    return Report(
        symbol=history.symbol,
        timeframe=history.timeframe.value,
        candles=len(history),
        began=int(history.candles[0, 0]),
        ended=int(history.candles[-1, 0]) + history.candle_ms,
        cash=result.cash,
        profit=result.profit,
        figures=figures_of(record) if record else {},
        points=_points(result),
        bars=_bars(history.candles),
        closed=list(result.closed[:ROWS]),
        fills=list(result.fills[: 2 * ROWS]),
        refused=list(result.refused[:FEW]),
        messages=list(result.messages[:FEW]),
        left_out={name: len(rows) - most for name, (rows, most) in lists.items() if len(rows) > most},
        vetoes=dict(result.vetoes),
        months=months(record) if record else [],
        reasons=reasons(record) if record else [],
        drawdowns=falls(record) if record else [],
        open_positions=list(result.open_positions),
        stopped=result.stopped[:2000],
        warmup=result.warmup,
        band=result.band,
        lookahead=result.lookahead,
        rules=list(result.rules),
        costs=_costs(setup),
        parameters=_plain(result.parameters[0]),
        seed=result.seed,
        variants=result.variants,
        code_hash=result.code_hash,
        data_hash=result.data_hash,
    )


def packed(report: Report) -> bytes:
    """The report as it travels and is kept."""
    return zlib.compress(msgspec.json.encode(report), 6)


def unpacked(data: bytes) -> Report:
    """The report in packed bytes; StrategyError `strategy_answer_unreadable` for what is none."""
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, LARGEST)
        if inflate.unconsumed_tail or not inflate.eof:
            raise StrategyError("strategy_answer_unreadable")
        return msgspec.json.decode(text, type=Report)
    except (zlib.error, msgspec.DecodeError):
        raise StrategyError("strategy_answer_unreadable") from None


def _points(result: BacktestResult) -> list[Point]:
    """Of each stretch its last equity and its greatest depth, so that no fall gets lost."""
    if not len(result.times):
        return []
    edges = _edges(len(result.times), POINTS)
    lasts = np.append(edges[1:], len(result.times)) - 1
    depths = np.maximum.reduceat(underwater(np.concatenate(([result.cash], result.equity)))[1:], edges)
    columns = (result.times[lasts], result.equity[lasts], result.hold[lasts], depths)
    return [
        Point(int(at), equity, hold, depth) for at, equity, hold, depth in zip(*(one.tolist() for one in columns), strict=True)
    ]


def _bars(candles: Floats) -> list[Bar]:
    """The candles, joined where they are many."""
    edges = _edges(len(candles), BARS)
    lasts = np.append(edges[1:], len(candles)) - 1
    high, low = np.maximum.reduceat(candles[:, 3], edges), np.minimum.reduceat(candles[:, 4], edges)
    columns = (candles[edges, 0], candles[edges, 1], high, low, candles[lasts, 2])
    return [Bar(int(at), *prices) for at, *prices in zip(*(one.tolist() for one in columns), strict=True)]


def _edges(count: int, most: int) -> np.ndarray:
    """Where each of at most so many equal stretches begins."""
    return np.arange(0, count, max(1, -(-count // most)))


def _costs(setup: Setup) -> dict[str, str]:
    """Fees and the pair's rules as they were applied, as text."""
    entrant, costs = setup.entrants[0], setup.costs
    rules = {name: getattr(entrant.instrument, name) for name in ("tick", "lot", "min_notional")}
    found = {"maker": maker_of(entrant, setup), "taker": taker_of(entrant, setup), **rules}
    found |= {"slippage_bps": costs.slippage_bps, "latency": costs.latency}
    return {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in found.items()}


def _plain(values: Mapping[str, object]) -> dict[str, int | float | bool | str]:
    return {name: value if isinstance(value, int | float | bool | str) else str(value) for name, value in values.items()}
