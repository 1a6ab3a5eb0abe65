"""What a run found, in the size in which it is kept and shown: figures, tables, thinned curves, marks. Packed in the child."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np

from aristobot.backtest.bitcoin import Gap
from aristobot.backtest.later import FilledOrder, edges_of
from aristobot.backtest.legs import Bar, LegReport, bars_of, costs_of, legs_of, plain_values
from aristobot.backtest.lookahead import Verdict
from aristobot.backtest.result import BacktestResult, Band, OpenPosition, RefusedOrder
from aristobot.backtest.settings import Setup
from aristobot.errors import StrategyError
from aristobot.figures.breakdown import ByReason, Month, falls, months, reasons
from aristobot.figures.curve import underwater
from aristobot.figures.record import ClosedTrade, Drawdown
from aristobot.figures.table import figures_of
from aristobot.strategy_chart import ChartLine
from aristobot.strategy_orders import Message

#: Points of a curve, rows of the lists that are kept.
POINTS, ROWS, FEW = 800, 5_000, 500
#: More than any report of ours comes to, unpacked.
LARGEST = 32 * 1024 * 1024


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The state at the close of a candle (UTC ms): equity and holding in quote, depth as a fraction below the peak.

    `bitcoin` is what holding that instead would be worth; null where the report says why it cannot be told.
    """

    at: int
    equity: float
    hold: float
    depth: float
    bitcoin: float | None = None


class Report(msgspec.Struct, frozen=True):
    """A whole report. `left_out` counts the rows of each list that were too many to keep, the latest ones.

    Of several strategies `legs` has a line each, in the order of `leg` of a trade or a fill; symbol, timeframe, bars, lines,
    costs and parameters of the report itself are the first one's. With one strategy `legs` is empty.
    """

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
    legs: list[LegReport] = []
    bitcoin: Gap | None = None
    lines: list[ChartLine] = []


def report_of(setup: Setup, result: BacktestResult, names: Sequence[str] = ()) -> Report:
    """The report of a run; `names` are its strategies' as people read them."""
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
        bars=bars_of(history.candles),
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
        costs=costs_of(setup, setup.entrants[0]),
        parameters=plain_values(result.parameters[0]),
        seed=result.seed,
        variants=result.variants,
        code_hash=result.code_hash,
        data_hash=result.data_hash,
        legs=legs_of(setup, result, names),
        bitcoin=result.bitcoin[1],
        lines=list(result.later.courses[0].lines),
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
    edges = edges_of(len(result.times), POINTS)
    lasts = np.append(edges[1:], len(result.times)) - 1
    depths = np.maximum.reduceat(underwater(np.concatenate(([result.cash], result.equity)))[1:], edges)
    columns = (result.times[lasts], result.equity[lasts], result.hold[lasts], depths)
    course = result.bitcoin[0]
    bitcoin = [None] * len(lasts) if course is None else course[lasts].tolist()
    rows = zip(*(one.tolist() for one in columns), bitcoin, strict=True)
    return [Point(int(at), *values) for at, *values in rows]
