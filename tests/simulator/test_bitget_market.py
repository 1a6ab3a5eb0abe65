"""The simulated Bitget's candles: how far they reach, where they end, and that both interfaces tell the same."""

from __future__ import annotations

from typing import Any

import pytest

from aristobot.clock import ManualClock
from tests.simulator.bitget_speaker import BitgetSpeaker, told

MINUTE = 60_000
DAY = 86_400_000
RECENT, HISTORY = "/api/v2/spot/market/candles", "/api/v2/spot/market/history-candles"


async def rows(owner: BitgetSpeaker, path: str, **params: Any) -> Any:
    """Candles of BTCUSDT, minutes unless said otherwise."""
    return told(await owner.public(path, **{"symbol": "BTCUSDT", "granularity": "1min", **params}))


async def test_recent_candles_end_with_the_one_that_forms(classic: BitgetSpeaker, clock: ManualClock) -> None:
    await clock.advance(90)
    await classic.move("60500")
    candles = await rows(classic, RECENT, limit=3)
    now = classic.now()
    assert [int(row[0]) for row in candles] == [now // MINUTE * MINUTE - MINUTE * number for number in (2, 1, 0)]
    assert candles[-1][4] == "60500"
    assert len(await rows(classic, RECENT)) == 100


async def test_the_past_is_walked_backwards_without_a_gap_or_a_double(classic: BitgetSpeaker) -> None:
    newest = await rows(classic, HISTORY, endTime=classic.now() + DAY, limit=200)
    assert int(newest[-1][0]) == classic.now() - MINUTE
    older = await rows(classic, HISTORY, endTime=newest[0][0], startTime=classic.now(), limit=200)
    opens = [int(row[0]) for row in older + newest]
    assert opens == list(range(opens[0], opens[0] + 400 * MINUTE, MINUTE))
    assert older + newest == (await rows(classic, RECENT, limit=401))[:-1]


@pytest.mark.parametrize(("granularity", "days"), [("1min", 31), ("15min", 52), ("30min", 62), ("1h", 83), ("4h", 240)])
async def test_recent_candles_reach_so_far_and_beyond_there_is_nothing(
    classic: BitgetSpeaker, granularity: str, days: int
) -> None:
    edge = classic.now() - days * DAY
    assert await rows(classic, RECENT, granularity=granularity, endTime=edge - DAY) == []
    assert await rows(classic, RECENT, granularity=granularity, endTime=edge + DAY, limit=2) != []
    assert len(await rows(classic, HISTORY, granularity=granularity, endTime=edge - DAY, limit=2)) == 2
    assert await rows(classic, HISTORY, granularity=granularity, endTime=classic.now() - 366 * DAY) == []


async def test_both_interfaces_tell_the_same_candles_and_prices(classic: BitgetSpeaker) -> None:
    for granularity, interval in (("5min", "5m"), ("1h", "1H"), ("1day", "1D")):
        old = await rows(classic, RECENT, granularity=granularity, limit=5)
        new = told(await classic.public("/api/v3/market/candles", category="SPOT", symbol="BTCUSDT", interval=interval, limit=5))
        assert [row[:7] for row in old] == new
    (ticker,) = told(await classic.public("/api/v2/spot/market/tickers", symbol="BTCUSDT"))
    (other,) = told(await classic.public("/api/v3/market/tickers", category="SPOT", symbol="BTCUSDT"))
    assert (ticker["lastPr"], ticker["open"], ticker["change24h"]) == (
        other["lastPrice"],
        other["openPrice24h"],
        other["price24hPcnt"],
    )


async def test_of_futures_and_margin_there_is_nothing(classic: BitgetSpeaker) -> None:
    assert told(await classic.public("/api/v2/mix/market/contracts", productType="USDT-FUTURES")) == []
    assert told(await classic.public("/api/v3/market/instruments", category="MARGIN")) == []
    assert told(await classic.public("/api/v3/market/tickers", category="USDT-FUTURES")) == []
