"""Kraken's counters, kept by us so that the exchange need not remind us."""

from __future__ import annotations

import asyncio

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import RateLimited
from services.exchanges.kraken_limits import INTERMEDIATE, PRO, STARTER, Counter, KeyLimits, tier_of
from tests.exchanges.kraken_house import ONE, KrakenHouse


@pytest.mark.parametrize(("highest", "tier"), [(0, STARTER), (60, STARTER), (125, INTERMEDIATE), (180, PRO), (500, PRO)])
def test_the_tier_is_known_by_its_highest_order_count(highest: int, tier: object) -> None:
    assert tier_of(highest) is tier


async def test_a_count_falls_with_time_and_says_when_there_is_room_again(clock: ManualClock) -> None:
    counter = Counter(clock, most=3, decay=0.5)
    for _ in range(3):
        counter.take(1)
    with pytest.raises(RateLimited) as full:
        counter.take(1)
    assert full.value.retry_after == 2.0
    await clock.advance(2)
    counter.take(1)
    counter.fill()
    with pytest.raises(RateLimited):
        counter.take(1)
    await clock.advance(600)
    assert counter.count == 0


async def test_young_orders_are_dear_to_cancel_and_new_ones_wait_for_room(clock: ManualClock) -> None:
    limits = KeyLimits(clock)
    for number in range(6):
        limits.placing("BTC/USDT", str(number))
        limits.cancelling("BTC/USDT", str(number))
    assert limits._of("BTC/USDT").count == 6 * (1 + 8)
    for number in range(6):
        limits.placing("BTC/USDT", f"more-{number}")
    with pytest.raises(RateLimited) as full:
        limits.placing("BTC/USDT", "too much")
    assert full.value.code == "too_many_orders"
    limits.placing("ETH/USDT", "elsewhere")
    limits.cancelling("BTC/USDT", "0")  # taking back is never held up
    await clock.advance(301)
    before = limits._of("BTC/USDT").count
    limits.cancelling("BTC/USDT", "more-1")
    assert limits._of("BTC/USDT").count == before, "an old order goes for nothing"
    limits.amending("BTC/USDT", "more-1")
    assert limits._of("BTC/USDT").count == before + 1


async def test_reads_slow_down_before_the_exchange_has_to_say_so(kraken: KrakenHouse) -> None:
    """More questions than fit in a row: each waits for room, none is refused by the exchange."""
    kraken.client._calls.record_of(ONE).limits.become(STARTER)
    done = asyncio.ensure_future(_ask_often(kraken, 25))
    while not done.done():
        await kraken.clock.advance(1)
        await asyncio.wait([done], timeout=0.002)
    done.result()
    outcomes = {entry.outcome for entry in kraken.server.world.journal.entries if entry.event == "orders.open"}
    assert outcomes == {"200"}


async def _ask_often(kraken: KrakenHouse, times: int) -> None:
    for _ in range(times):
        await kraken.client.open_orders(ONE)
