"""One backtest in a process of its own, behind walls: candles in, the packed report out, progress meanwhile."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
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
from aristobot.market import Instrument, Timeframe
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
class Run:
    """What is to be played: the text, its parameters, the series and the span, the money and the costs.

    With `detail` orders are executed along the minutes inside larger candles.
    """

    text: str
    series: CandleSeries
    since: datetime
    until: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(10_000)
    costs: Costs = Costs()
    seed: int = 0
    variants: int = 1
    detail: bool = False

    @property
    def minutes(self) -> CandleSeries | None:
        """The minutes inside its candles, when they are wanted and there are any."""
        if not self.detail or self.series.timeframe is Timeframe.M1:
            return None
        return CandleSeries(self.series.exchange, self.series.symbol, Timeframe.M1)


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

    def fetching(self, progress: Progress) -> None:
        """What a download says of itself."""
        self._told("candles", progress.done / progress.total if progress.total else 1.0, progress.seconds_left)

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


async def played(run: Run, candles: Rows, instrument: Instrument, pace: Pace, minutes: Rows | None = None) -> Played:
    """Play a run, along its `minutes` where there are some.

    Raises StrategyError with what the strategy did wrong, InvalidInput when there are too few candles.

    Cancelled, it ends the process.
    """
    if len(candles) < FEWEST:
        raise InvalidInput("too_few_candles", field="since", count=len(candles), least=FEWEST)
    pace.begin("playing")
    process = await StrategyProcess.start(JOB, run.text, LIMITS)
    try:
        await process.hand_over("candles", candles)
        if minutes is not None and len(minutes):
            length = run.series.timeframe.seconds * 1000
            await process.hand_over("minutes", await asyncio.to_thread(without_holes, minutes, candles, length))
        else:
            minutes = None
        answer = await process.ask(_request(run, instrument, detailed=minutes is not None), progress=pace.playing)
    finally:
        await process.close()
    try:
        packed = base64.b64decode(str(answer.value), validate=True)
    except binascii.Error:
        raise StrategyError("strategy_answer_unreadable") from None
    return Played(packed, await asyncio.to_thread(unpacked, packed))


def unlisted(series: CandleSeries) -> Instrument:
    """The pair without rules, for candles of something that no catalogue lists."""
    base, _, quote = series.symbol.partition("/")
    return Instrument(series.exchange, series.symbol, base, quote, Decimal("0.00000001"), Decimal("0.00000001"))


def _request(run: Run, instrument: Instrument, *, detailed: bool) -> dict[str, Any]:
    history = {"symbol": run.series.symbol, "timeframe": run.series.timeframe.value, "array": "candles"}
    entrant = {"history": history, "instrument": msgspec.to_builtins(instrument), "parameters": dict(run.parameters)}
    if detailed:
        entrant["detail"] = {"symbol": run.series.symbol, "timeframe": Timeframe.M1.value, "array": "minutes"}
    return {
        "do": "report",
        "entrants": [entrant],
        "cash": str(run.cash),
        "costs": msgspec.to_builtins(run.costs),
        "seed": run.seed,
        "variants": run.variants,
    }
