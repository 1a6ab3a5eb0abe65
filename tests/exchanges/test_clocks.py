"""The exchange's clock is measured once, however many wait for it."""

from __future__ import annotations

import asyncio

import pytest

from aristobot.clock import ManualClock, to_milliseconds
from aristobot.errors import ConnectionLost
from services.exchanges.clocks import SAMPLES, ExchangeClock

AHEAD_MS = 700


class Exchange:
    """It tells a time that is ahead of ours, after `silent` refusals, and counts who asks."""

    def __init__(self, clock: ManualClock, silent: int = 0) -> None:
        self._clock = clock
        self._silent = silent
        self.asked = 0

    async def time(self) -> int:
        """What it tells."""
        self.asked += 1
        await self._clock.sleep(0)  # whoever else asks comes in between
        if self._silent:
            self._silent -= 1
            raise ConnectionLost(exchange="somewhere")
        return to_milliseconds(self._clock.now()) + AHEAD_MS


async def test_who_comes_while_somebody_measures_shares_what_is_found(clock: ManualClock) -> None:
    exchange, theirs = Exchange(clock), ExchangeClock(clock)
    found = await asyncio.gather(*(theirs.measure(exchange.time, 500) for _ in range(4)))
    assert [(one.offset_ms, one.uncertainty_ms) for one in found] == [(AHEAD_MS, 501)] * 4
    assert exchange.asked == SAMPLES


async def test_who_comes_later_measures_anew(clock: ManualClock) -> None:
    exchange, theirs = Exchange(clock), ExchangeClock(clock)
    await theirs.measure(exchange.time)
    await theirs.measure(exchange.time)
    assert exchange.asked == 2 * SAMPLES


async def test_a_measurement_that_fails_is_made_by_the_next_who_waits_for_it(clock: ManualClock) -> None:
    exchange, theirs = Exchange(clock, silent=1), ExchangeClock(clock)
    first, second = await asyncio.gather(*(theirs.measure(exchange.time) for _ in range(2)), return_exceptions=True)
    assert isinstance(first, ConnectionLost)
    assert second == theirs.reading
    assert not theirs.doubtful
    with pytest.raises(ConnectionLost):
        await ExchangeClock(clock).measure(Exchange(clock, silent=1).time)
