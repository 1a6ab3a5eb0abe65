"""History from an exchange into the candle store: what is missing and nothing else, page by page, leaving room for trading.

It can be stopped at any moment: what came in is kept, and the next download goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from loguru import logger

from aristobot.candle_files import CandleFiles
from aristobot.candle_rows import TIME, rows_of, step_ms
from aristobot.candle_series import CandleSeries, Hole
from aristobot.clock import Clock, from_milliseconds, to_milliseconds
from aristobot.errors import InvalidInput, RateLimited, TryAgain
from aristobot.exchange import NativeClient
from aristobot.market import Candle, Timeframe

#: The share of an exchange's weight per minute that a download leaves untouched from: the rest is for trading.
_POLITE_SHARE = 0.4
#: Seconds between two pages, where the exchange counts weight and where it does not say.
_PAUSE, _BLIND_PAUSE = 0.1, 0.6
_PAGES_PER_WRITE = 20
_MOST_TRIES = 6
#: Younger gaps may still be filled by the exchange.
_YOUNG = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: candles looked at, of how many; `rate` is candles a second."""

    done: int
    total: int
    rate: float

    @property
    def seconds_left(self) -> float:
        """Until it is done, at this rate."""
        return (self.total - self.done) / self.rate if self.rate > 0 else 0.0


@dataclass(slots=True)
class Outcome:
    """What a download brought: candles new to the store, intervals in which the exchange has none, and what it keeps no more."""

    added: int = 0
    empty: int = 0
    unavailable: int = 0


@dataclass(slots=True)
class _Pages:
    """What came in and is not yet in the store."""

    candles: list[Candle] = field(default_factory=list)
    empty: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0


class CandleDownload:
    """One download; `run` once."""

    def __init__(
        self,
        files: CandleFiles,
        client: NativeClient,
        clock: Clock,
        series: CandleSeries,
        span: tuple[datetime, datetime],
        told: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """From the first moment of `span` to the second. Raises InvalidInput when there is nothing between them, or the exchange
        does not offer the timeframe.
        """
        self._files, self._client, self._clock, self._series, self._told = files, client, clock, series, told
        offered = client.capabilities.timeframes
        if series.timeframe not in offered:
            raise InvalidInput(
                "timeframe_not_offered", field="timeframe", value=series.timeframe.value, offered=", ".join(offered)
            )
        since, until = span
        self._step = step_ms(series.timeframe)
        self._first = to_milliseconds(_next_open(series.timeframe, since))
        self._end = to_milliseconds(series.timeframe.open_of(min(until, clock.now())))
        if self._first >= self._end:
            raise InvalidInput("nothing_between", field="since", since=since.date().isoformat(), until=until.date().isoformat())
        self._pages = _Pages()
        self._outcome = Outcome()
        self._done = self._total = 0
        self._began = clock.monotonic()

    async def run(self) -> Outcome:
        """Fetch what is missing. Raises ExchangeError when the exchange stays out of reach; what came in until then is kept."""
        runs = await asyncio.to_thread(self._missing)
        self._total = sum((last - first) // self._step + 1 for first, last in runs)
        self._tell(0)
        try:
            for first, last in reversed(runs):
                await self._fetch(first, last + self._step)
        finally:
            await self._keep_surely()
        return self._outcome

    # ------------------------------------------------------------------ pages

    async def _fetch(self, first: int, before: int) -> None:
        """Everything from `first` to `before` (excluded), newest first, as exchanges give it."""
        most = self._client.capabilities.max_candles
        while before > first:
            page = await self._page(min(most, (before - first) // self._step), from_milliseconds(before))
            if not page:
                self._outcome.unavailable += (before - first) // self._step
                self._tell((before - first) // self._step)
                return
            oldest = min(one.open_ms for one in page)
            self._keep([one for one in page if first <= one.open_ms < before], max(first, oldest), before)
            if self._pages.count >= _PAGES_PER_WRITE:
                await self._keep_surely()
            self._tell((before - max(first, oldest)) // self._step)
            if oldest >= before:
                return
            before = oldest

    async def _page(self, limit: int, before: datetime) -> list[Candle]:
        """One page, asked for again when the exchange was busy."""
        for tries in range(1, _MOST_TRIES + 1):
            await self._leave_room()
            try:
                return await self._client.candles(self._series.symbol, self._series.timeframe, limit=limit, before=before)
            except TryAgain as error:
                if tries == _MOST_TRIES:
                    raise
                wait = error.retry_after if isinstance(error, RateLimited) else min(30.0, 2.0**tries)
                logger.info("The download of {} waits {:.0f} s: {}", self._series.symbol, wait, error)
                await self._clock.sleep(wait)
        raise AssertionError("the last try raises")

    async def _leave_room(self) -> None:
        """Wait while this minute's weight is needed by others."""
        stats = self._client.stats()
        if not stats.weight_limit:
            await self._clock.sleep(_BLIND_PAUSE)
        elif stats.weight_used < stats.weight_limit * _POLITE_SHARE:
            await self._clock.sleep(_PAUSE)
        else:
            await self._clock.sleep(60.1 - self._clock.now().timestamp() % 60)

    # ------------------------------------------------------------------ keeping

    def _keep(self, candles: Sequence[Candle], first: int, before: int) -> None:
        """Remember a page. Between its candles the exchange has none: that is worth remembering too."""
        for one in candles:
            one.check()
        self._pages.candles += candles
        self._pages.count += 1
        there = {one.open_ms for one in candles}
        settled = to_milliseconds(self._clock.now() - _YOUNG) - self._step
        quiet = [one for one in range(first, before, self._step) if one not in there and one <= settled]
        self._pages.empty += _spans(quiet, self._step)
        self._outcome.empty += len(quiet)

    async def _keep_surely(self) -> None:
        """Put what came in on disk; who is stopped meanwhile is stopped when it is there."""
        storing = asyncio.ensure_future(asyncio.to_thread(self._store))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing
            raise

    def _store(self) -> None:
        pages, self._pages = self._pages, _Pages()
        if pages.candles:
            self._outcome.added += self._files.merge(self._series, rows_of(pages.candles), self._clock.now())
        if pages.empty:
            self._files.mark_empty(self._series, pages.empty)

    def _missing(self) -> list[tuple[int, int]]:
        """Runs of open times that are neither in the store nor known to be nowhere; near ones are one, for fewer questions."""
        opens = np.arange(self._first, self._end, self._step, dtype=np.int64)
        have = self._files.read(self._series, from_milliseconds(self._first), from_milliseconds(self._end))
        lacking = opens[~np.isin(opens, have[:, TIME].astype(np.int64)) & ~_inside(opens, self._files.known_empty(self._series))]
        near = self._client.capabilities.max_candles // 2 * self._step
        joined: list[tuple[int, int]] = []
        for first, last in _spans(lacking.tolist(), self._step):
            if joined and first - joined[-1][1] <= near:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        return joined

    def _tell(self, more: int) -> None:
        self._done += more
        seconds = self._clock.monotonic() - self._began
        self._told(Progress(min(self._done, self._total), self._total, self._done / seconds if seconds > 0 else 0.0))


def _next_open(timeframe: Timeframe, moment: datetime) -> datetime:
    opened = timeframe.open_of(moment)
    return opened if opened == moment else opened + timeframe.duration


def _spans(opens: Sequence[int], step: int) -> list[tuple[int, int]]:
    """First and last of each unbroken run."""
    return list(_runs(opens, step))


def _runs(opens: Sequence[int], step: int) -> Iterator[tuple[int, int]]:
    begin = 0
    for at in range(1, len(opens) + 1):
        if at == len(opens) or opens[at] - opens[at - 1] != step:
            yield opens[begin], opens[at - 1]
            begin = at


def _inside(opens: np.ndarray, known: Sequence[Hole]) -> np.ndarray:
    found = np.zeros(len(opens), dtype=bool)
    for hole in known:
        found |= (opens >= hole.first_ms) & (opens <= hole.last_ms)
    return found
