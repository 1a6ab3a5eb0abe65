"""One backtest in a process of its own, behind walls: candles in, the packed report out, progress meanwhile."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from aristobot.backtest.report import LARGEST, Report, unpacked
from aristobot.candle_rows import Rows
from aristobot.candle_series import CandleSeries
from aristobot.clock import Clock
from aristobot.errors import InvalidInput, StrategyError
from aristobot.market import BITCOIN, Instrument, Timeframe
from aristobot.strategy_parameters import Parameter
from services.backtest_detail import without_holes
from services.candle_download import Progress
from services.strategy_process import Limits, StrategyProcess

JOB = "services.backtest_job"
#: A run may take long, as long as it is looked at: it can be cancelled at any time.
LIMITS = Limits(wall_seconds=3600.0, cpu_seconds=3600.0, memory_mb=2048, answer_bytes=LARGEST)
#: Fewest candles that make a run.
FEWEST = 30


@dataclass(frozen=True, slots=True)
class Costs:
    """Fees as fractions (None: the pair's own), slippage in hundredths of a per cent, latency in seconds.

    `slippage_range` is a share of the candle's range, `fee_asset` in what a purchase's fee is paid: quote or base.
    """

    maker: Decimal | None = None
    taker: Decimal | None = None
    slippage_bps: float = 0.0
    latency: float = 0.0
    slippage_range: float = 0.0
    fee_asset: str = "quote"


@dataclass(frozen=True, slots=True)
class Leg:
    """One strategy on one series: its text and name, its parameters, and what of the balance it may spend (None: all of it)."""

    text: str
    series: CandleSeries
    parameters: Mapping[str, Any] = field(default_factory=dict)
    allotted: Decimal | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be played: one leg or several over one balance, the span, the money and the costs.

    With `detail` orders are executed along the minutes inside larger candles.
    """

    legs: tuple[Leg, ...]
    since: datetime
    until: datetime
    cash: Decimal = Decimal(10_000)
    costs: Costs = Costs()
    seed: int = 0
    variants: int = 1
    detail: bool = False

    @property
    def candles(self) -> list[CandleSeries]:
        """What its strategies see, each series once."""
        return list(dict.fromkeys(leg.series for leg in self.legs))

    def minutes(self, series: CandleSeries) -> CandleSeries | None:
        """The minutes inside the candles of a series, when they are wanted and there are any."""
        if not self.detail or series.timeframe is Timeframe.M1:
            return None
        return CandleSeries(series.exchange, series.symbol, Timeframe.M1)

    @property
    def bitcoin(self) -> CandleSeries | None:
        """Who holds bitcoin in the money of the run; None where that is the money itself, or nothing but it is traded."""
        smallest = min(self.candles, key=lambda one: one.timeframe.seconds)
        quote = smallest.symbol.partition("/")[2]
        symbol = f"{BITCOIN}/{quote}"
        if quote == BITCOIN or all(one.symbol == symbol for one in self.candles):
            return None
        return CandleSeries(smallest.exchange, symbol, smallest.timeframe)

    @property
    def needed(self) -> list[CandleSeries]:
        """Every series that is read of the store, each once: what the strategies see, their minutes, and bitcoin."""
        inner = [self.minutes(one) for one in self.candles]
        return list(dict.fromkeys(one for one in (*self.candles, *inner, self.bitcoin) if one is not None))


@dataclass(frozen=True, slots=True)
class Material:
    """The candles of every series that a run needs, and the pairs that it trades."""

    candles: Mapping[CandleSeries, Rows]
    pairs: Mapping[CandleSeries, Instrument]


async def material_of(
    run: Run, read: Callable[[CandleSeries], Awaitable[Rows]], pair: Callable[[CandleSeries], Awaitable[Instrument]]
) -> Material:
    """Everything that a run is played on, read with `read` and `pair`."""
    candles = {one: await read(one) for one in run.needed}
    return Material(candles, {one: await pair(one) for one in run.candles})


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it: the report, as it is kept and as it is read."""

    packed: bytes
    report: Report


@dataclass(frozen=True, slots=True)
class Described:
    """What a strategy tells of itself."""

    name: str
    timeframe: str
    parameters: tuple[Parameter, ...]


class Pace:
    """Says how far a run is, and guesses from that how long it will take. `told` gets stage, share, and seconds left."""

    def __init__(self, clock: Clock, told: Callable[[str, float, float | None], None]) -> None:
        self._clock, self._told = clock, told
        self._began = clock.monotonic()

    def begin(self, stage: str) -> None:
        """A stage whose length nobody knows yet."""
        self._began = self._clock.monotonic()
        self._told(stage, 0.0, None)

    def fetching(self, progress: Progress, number: int = 0, count: int = 1) -> None:
        """What the download of one series says of itself; `number` of `count` are done. Of several nobody knows the end."""
        done = progress.done / progress.total if progress.total else 1.0
        self._told("candles", (number + done) / count, progress.seconds_left if count == 1 else None)

    def playing(self, message: dict[str, Any]) -> None:
        """What the child says of itself, believed as far as it makes sense."""
        done = message.get("done")
        if not isinstance(done, int | float) or not 0 < done <= 1:
            return
        spent = self._clock.monotonic() - self._began
        if done < 1:
            self._told("playing", float(done), spent * (1 - done) / done)
        else:
            self._told("checking", 1.0, None)


async def described(text: str) -> Described:
    """What the strategy in a text lists. Raises StrategyError for a text that cannot run."""
    process = await StrategyProcess.start(JOB, text, LIMITS)
    try:
        told = process.described.value
        parameters = msgspec.convert(told["parameters"], tuple[Parameter, ...])
        return Described(str(told["name"])[:64], str(told["timeframe"])[:8], parameters)
    except (msgspec.ValidationError, KeyError, TypeError):
        raise StrategyError("strategy_answer_unreadable") from None
    finally:
        await process.close()


async def played(run: Run, material: Material, pace: Pace) -> Played:
    """Play a run, along the minutes where there are some.

    Raises StrategyError with what a strategy did wrong, InvalidInput when there are too few candles.

    Cancelled, it ends the process.
    """
    for series in run.candles:
        if (count := len(material.candles[series])) < FEWEST:
            among = {"among": f"{series.symbol} · {series.timeframe.value}"} if len(run.candles) > 1 else {}
            raise InvalidInput("too_few_candles", field="since", count=count, least=FEWEST, **among)
    pace.begin("playing")
    process = await StrategyProcess.start(JOB, run.legs[0].text, LIMITS)
    try:
        await _join(process, run)
        answer = await process.ask(await _handed_over(process, run, material), progress=pace.playing)
    finally:
        await process.close()
    try:
        packed = base64.b64decode(str(answer.value), validate=True)
    except binascii.Error:
        raise StrategyError("strategy_answer_unreadable") from None
    return Played(packed, await asyncio.to_thread(unpacked, packed))


async def _join(process: StrategyProcess, run: Run) -> None:
    """Give the process the texts beyond the first; what one of them does wrong is told with its place."""
    for number, leg in enumerate(run.legs[1:], 2):
        try:
            await process.ask({"do": "join", "text": leg.text})
        except StrategyError as error:
            raise StrategyError(error.code, **{**error.facts, "among": f"{number}. {leg.name}"}) from None


async def _handed_over(process: StrategyProcess, run: Run, material: Material) -> dict[str, Any]:
    """Hand the candles over, each series once, and say what is wanted of them."""
    found: dict[CandleSeries, dict[str, Any]] = {}
    for number, series in enumerate(run.candles):
        rows = material.candles[series]
        found[series] = {"history": await _given(process, series, f"candles{number}", rows)}
        minutes = run.minutes(series)
        inner = material.candles[minutes] if minutes is not None else rows[:0]
        if minutes is not None and len(inner):
            whole = await asyncio.to_thread(without_holes, inner, rows, series.timeframe.seconds * 1000)
            found[series]["detail"] = await _given(process, minutes, f"minutes{number}", whole)
    bitcoin = run.bitcoin
    named = None
    if bitcoin is not None and bitcoin not in found and len(material.candles[bitcoin]):
        named = await _given(process, bitcoin, "bitcoin", material.candles[bitcoin])
    entrants = [_entrant(leg, number, material.pairs[leg.series]) | found[leg.series] for number, leg in enumerate(run.legs)]
    return {
        "do": "report",
        "entrants": entrants,
        "cash": str(run.cash),
        "costs": msgspec.to_builtins(run.costs),
        "seed": run.seed,
        "variants": run.variants,
        "bitcoin": named,
    }


async def _given(process: StrategyProcess, series: CandleSeries, name: str, rows: Rows) -> dict[str, str]:
    await process.hand_over(name, rows)
    return {"symbol": series.symbol, "timeframe": series.timeframe.value, "array": name}


def _entrant(leg: Leg, number: int, instrument: Instrument) -> dict[str, Any]:
    return {
        "strategy": number,
        "name": leg.name,
        "instrument": msgspec.to_builtins(instrument),
        "parameters": dict(leg.parameters),
        "allotted": None if leg.allotted is None else float(leg.allotted),
    }
