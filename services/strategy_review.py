"""A strategy looked over: its text first, then, when that is sound, a trial over 300 candles in a process of its own."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from aristobot.candle_rows import Rows, no_rows, step_ms
from aristobot.diagnostics import Diagnostic, Severity
from aristobot.errors import DataError, StrategyError
from aristobot.market import Instrument, timeframe_of
from aristobot.strategy_checks import diagnose
from services.strategy_process import Isolation, Limits, StrategyProcess

JOB = "services.strategy_job"
TRIAL_CANDLES = 300
MOST_WARMUP = 5_000
TRIAL_LIMITS = Limits(wall_seconds=15.0, cpu_seconds=5.0, answer_bytes=8 * 1024 * 1024)
#: Characters of what a trial printed that are kept.
MOST_KEPT = 8192
_DEEPEST = 12
_CHECKS = 6
_A_MONDAY_MS = 1_704_067_200_000
_LINE = re.compile(r" \(line (\d+)\)$")
_PAIR = Instrument(
    exchange="trial",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_notional=Decimal(5),
)


@dataclass(frozen=True, slots=True)
class Review:
    """What was found, in the order of the text; what the strategy tells of itself, and what it printed, when it ran."""

    diagnostics: tuple[Diagnostic, ...]
    described: dict[str, Any] | None = None
    printed: str = ""
    isolation: Isolation | None = None

    @property
    def sound(self) -> bool:
        """Whether it may run."""
        return not any(one.severity is Severity.ERROR for one in self.diagnostics)

    def document(self) -> dict[str, Any]:
        """What is kept with a version. `isolation` is how its process was walled in; None when it was not tried."""
        walls = self.isolation
        return {
            "sound": self.sound,
            "diagnostics": [_kept(one) for one in self.diagnostics],
            "described": _storable(self.described),
            "printed": _storable(self.printed[:MOST_KEPT]),
            "isolation": None if walls is None else {"level": walls.level.value, "walls": [one.value for one in walls.walls]},
        }


async def review(text: str, limits: Limits = TRIAL_LIMITS) -> Review:
    """All that is worth telling its author. The text is read in a thread; the trial, which takes a moment, in its process."""
    found = await asyncio.to_thread(diagnose, text)
    if any(one.severity is Severity.ERROR for one in found):
        return Review(tuple(found))
    process: StrategyProcess | None = None
    try:
        process = await StrategyProcess.start(JOB, text, limits)
        try:
            result, printed = await _tried(process, str(process.described.value.get("timeframe") or "1h"))
            told = tuple(_told(result))
        except (LookupError, TypeError, ValueError, AttributeError, DataError):  # an answer that only a forger gives
            raise StrategyError("strategy_answer_unreadable") from None
    except StrategyError as error:
        fallen = _at(int(str(error.facts.get("line") or 1)), Severity.ERROR, error.code, error.facts)
        walls = process.isolation if process is not None else None
        return Review((*found, fallen), printed=str(error.facts.get("printed", "")), isolation=walls)
    finally:
        if process is not None:
            await process.close()
    return Review((*found, *told), process.described.value, printed, process.isolation)


async def _tried(process: StrategyProcess, timeframe: str) -> tuple[dict[str, Any], str]:
    """The result of the trial; with more candles when the strategy wants many before its first decision."""
    answer, count = await _trial(process, timeframe, TRIAL_CANDLES), TRIAL_CANDLES
    warmup = min(int(answer.value["warmup"]), MOST_WARMUP)
    if warmup * 2 > count:
        answer = await _trial(process, timeframe, TRIAL_CANDLES + warmup)
    return answer.value, answer.printed


async def _trial(process: StrategyProcess, timeframe: str, count: int) -> Any:
    history = {"symbol": _PAIR.symbol, "timeframe": timeframe, "array": "trial"}
    request = {"do": "backtest", "entrants": [{"history": history, "instrument": msgspec.to_builtins(_PAIR)}], "checks": _CHECKS}
    return await process.ask(request, {"trial": trial_candles(timeframe, count)})


def trial_candles(timeframe: str, count: int = TRIAL_CANDLES) -> Rows:
    """Candles that trend and that do not, calm and restless by turns, the same ones each time."""
    chance = np.random.default_rng(8)
    at = np.arange(count)
    drift = (0.004 * np.sin(at / 23.0) + 0.0015 * np.sin(at / 5.0)) * (at // 100 % 2 == 0)
    noise = chance.normal(0, 1, count) * np.where(at // 25 % 2 == 0, 0.003, 0.008)
    closes = np.round(60_000 * np.exp(np.cumsum(drift + noise)), 2)
    rows = no_rows(count)
    rows[:, 0] = _A_MONDAY_MS + at * step_ms(timeframe_of(timeframe))
    rows[0, 1], rows[1:, 1], rows[:, 2] = closes[0], closes[:-1], closes
    wick = np.abs(chance.normal(0, 0.002, (2, count))) * closes
    rows[:, 3] = np.round(np.maximum(rows[:, 1], closes) + wick[0], 2)
    rows[:, 4] = np.round(np.minimum(rows[:, 1], closes) - wick[1], 2)
    rows[:, 5] = np.round(chance.gamma(2.0, 10.0, count), 5)
    return rows


def _told(result: dict[str, Any]) -> Iterator[Diagnostic]:
    """What the trial found."""
    stopped = str(result["stopped"])
    if stopped:
        line = _LINE.search(stopped)
        at = int(line[1]) if line else 1
        yield _at(at, Severity.ERROR, "strategy_raised", {"line": at, "error": _LINE.sub("", stopped)})
    elif not result["lookahead"]["clean"]:
        yield _at(1, Severity.ERROR, "peek_found", {"candle": result["lookahead"]["candle"]})
    elif result["unkept"]:
        yield _at(1, Severity.ERROR, "vars_not_json", {"detail": str(result["unkept"])})
    elif not result["fills"]:
        yield _at(1, Severity.HINT, "trial_without_entry", {"candles": TRIAL_CANDLES})


def _kept(one: Diagnostic) -> dict[str, Any]:
    place = {"line": one.line, "column": one.column, "end_line": one.end_line, "end_column": one.end_column}
    return {**place, "severity": one.severity.value, "code": one.code, "facts": _storable(dict(one.facts))}


def _storable(value: Any, depth: int = _DEEPEST) -> Any:
    """The same in what a JSON column takes: a database has no NaN, no text with a NUL in it, and some bottom."""
    if isinstance(value, Mapping) and depth:
        return {_text(name): _storable(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_storable(one, depth - 1) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return _text(value) if depth else None


def _text(value: object) -> str:
    return str(value).replace("\x00", "")


def _at(line: int, severity: Severity, code: str, facts: Mapping[str, object]) -> Diagnostic:
    """A finding of which only the line is known."""
    return Diagnostic(line, 0, line + 1, 0, severity, code, facts)
