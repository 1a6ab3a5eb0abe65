"""The made-up past hangs together, and the present joins it without a seam."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.clock import ManualClock, from_milliseconds
from services.simulator.price_history import (
    BEGINNING,
    DAY,
    INTERVALS,
    MINUTE,
    Bar,
    Chance,
    PriceHistory,
    cut,
    merged,
    next_open,
    open_of,
)
from services.simulator.prices import PriceFeed, Tape, opens_before
from services.simulator.server import SimulatorServer
from services.simulator.times import ExchangeClock
from tests.simulator.speaker import Speaker

NOW = 1_767_225_600_000  # the first midnight of 2026
HISTORY = PriceHistory("7:BTC/USDT", 6_000_000, 800_000_000, NOW)
spans = st.tuples(st.integers(1, 2000), st.integers(1, 3000))


def is_possible(bar: Bar) -> bool:
    """Low and high enclose open and close; volumes are not negative."""
    inside = bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    return inside and min(bar.low - 1, bar.volume, bar.quote, bar.count, bar.taken, bar.volume - bar.taken) >= 0


@settings(max_examples=60, deadline=None)
@given(span=spans)
def test_any_candle_of_the_past_is_exactly_what_its_minutes_make(span: tuple[int, int]) -> None:
    start = NOW - sum(span) * MINUTE
    end = start + span[1] * MINUTE
    minutes = [HISTORY.bar(moment, moment + MINUTE) for moment in range(start, end, MINUTE)]
    assert all(is_possible(bar) for bar in minutes)
    assert HISTORY.bar(start, end) == merged(minutes)


@given(
    prices=st.lists(st.integers(2, 10_000), min_size=4, max_size=4),
    volume=st.integers(0, 10_000),
    parts=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_the_parts_of_a_candle_make_it_again(prices: list[int], volume: int, parts: int, seed: int) -> None:
    low, opens, closes, high = sorted(prices)
    whole = Bar(opens, high, low, closes, volume, volume * opens, volume // 3, volume // 2, volume * opens // 2)
    pieces = cut(whole, parts, Chance(seed))
    assert merged(pieces) == whole
    assert all(is_possible(piece) for piece in pieces)
    assert all(before.close == after.open for before, after in pairwise(pieces))


def test_the_same_seed_gives_the_same_past_and_another_seed_another() -> None:
    twin = PriceHistory("7:BTC/USDT", 6_000_000, 800_000_000, NOW)
    other = PriceHistory("8:BTC/USDT", 6_000_000, 800_000_000, NOW)
    span = NOW - 100 * DAY, NOW - 99 * DAY
    assert twin.bar(*span) == HISTORY.bar(*span) != other.bar(*span)


@pytest.mark.parametrize(
    ("interval", "moment", "opened"),
    [
        ("1m", "2026-02-28T23:59:59.999", "2026-02-28T23:59:00"),
        ("4h", "2026-02-28T23:59:59.999", "2026-02-28T20:00:00"),
        ("1d", "2026-02-28T23:59:59.999", "2026-02-28T00:00:00"),
        ("1w", "2026-03-01T00:00:00", "2026-02-23T00:00:00"),
        ("1M", "2026-02-28T23:59:59.999", "2026-02-01T00:00:00"),
    ],
)
def test_candles_open_where_the_calendar_says(interval: str, moment: str, opened: str) -> None:
    at = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    assert from_milliseconds(open_of(interval, at)).isoformat()[:19] == opened


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_thousand_candles_of_any_length_follow_each_other_without_a_gap(interval: str) -> None:
    opens = opens_before(interval, NOW, 1000)
    assert len(opens) == 1000 if interval != "1M" else opens[0] == BEGINNING
    assert all(next_open(interval, before) == after for before, after in pairwise(opens))


def a_tape(clock: ManualClock) -> tuple[PriceFeed, Tape]:
    """BTC at 60,000, listed now."""
    feed = PriceFeed(ExchangeClock(clock), 7)
    return feed, feed.add("BTC/USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(60_000))


async def test_ticks_become_candles_of_every_length() -> None:
    clock = ManualClock(from_milliseconds(NOW + 3 * MINUTE))
    feed, tape = a_tape(clock)
    for price in ("60100", "59900", "60050"):
        await clock.advance(70)
        feed.move("BTC/USDT", price)
    day = tape.bar(NOW, NOW + DAY)
    minutes = [tape.bar(moment, moment + MINUTE) for moment in range(NOW, NOW + 7 * MINUTE, MINUTE)]
    assert day.close == tape.ticks == 6_005_000
    assert (day.high, day.low) == (max(bar.high for bar in minutes), min(bar.low for bar in minutes))
    assert day.volume == sum(bar.volume for bar in minutes)
    assert tape.bar(NOW + 3 * MINUTE, NOW + 6 * MINUTE).open == 6_000_000


async def test_a_minute_without_a_tick_is_flat_and_empty() -> None:
    clock = ManualClock(from_milliseconds(NOW))
    _, tape = a_tape(clock)
    await clock.advance(300)
    assert tape.bar(NOW + 3 * MINUTE, NOW + 4 * MINUTE) == Bar(6_000_000, 6_000_000, 6_000_000, 6_000_000)


def test_a_price_moved_by_hand_is_rounded_to_the_tick() -> None:
    feed, tape = a_tape(ManualClock())
    feed.move("BTC/USDT", "60000.017")
    assert (tape.quote.bid, tape.last, tape.quote.ask) == (Decimal("60000.01"), Decimal("60000.02"), Decimal("60000.03"))


def test_pairs_of_one_asset_walk_together() -> None:
    feed, tape = a_tape(ManualClock())
    euros = feed.add("BTC/EUR", Decimal("0.01"), Decimal("0.00001"), Decimal(50_000))
    for _ in range(2000):
        feed.step()
    assert abs(tape.last / euros.last - Decimal("1.2")) < Decimal("0.02")
    assert tape.last != 60_000


async def klines(speaker: Speaker, **params: Any) -> list[Any]:
    """Rows of klines of BTCUSDT."""
    answer = await speaker.get("/api/v3/klines", **{"symbol": "BTCUSDT", **params})
    assert answer.status_code == 200
    return list(answer.json())


async def test_rest_answers_candles_by_start_end_and_limit(speaker: Speaker) -> None:
    newest = await klines(speaker, interval="5m", limit=10)
    assert [row[6] + 1 for row in newest[:-1]] == [row[0] for row in newest[1:]]
    assert newest[-1][0] <= speaker.now() <= newest[-1][6]
    assert await klines(speaker, interval="5m", startTime=newest[3][0], limit=4) == newest[3:7]
    assert await klines(speaker, interval="5m", startTime=newest[3][0] - 1, endTime=newest[5][0]) == newest[3:6]
    assert await klines(speaker, interval="5m", endTime=newest[5][0] - 1, limit=2) == newest[3:5]
    assert len(await klines(speaker, interval="1h")) == 500
    assert len(await klines(speaker, interval="1h", limit=5000)) == 1000
    assert (await speaker.get("/api/v3/klines", symbol="BTCUSDT", interval="7m")).json()["code"] == -1120


async def test_the_day_of_the_ticker_is_the_day_of_the_candles(speaker: Speaker) -> None:
    ticker = (await speaker.get("/api/v3/ticker/24hr", symbol="BTCUSDT")).json()
    minutes = await klines(speaker, interval="1m", limit=1000)
    earlier = await klines(speaker, interval="1m", endTime=minutes[0][0] - 1, limit=440)
    day = [*earlier, *minutes]
    assert ticker["openPrice"] == day[0][1]
    assert Decimal(ticker["highPrice"]) == max(Decimal(row[2]) for row in day)
    assert Decimal(ticker["volume"]) == sum(Decimal(row[5]) for row in day)
    assert ticker["lastId"] - ticker["firstId"] + 1 == ticker["count"] == sum(row[8] for row in day)


async def test_a_real_catalogue_can_be_loaded(simulator: SimulatorServer, speaker: Speaker) -> None:
    path = Path(__file__).parent.parent / "exchanges/payloads/binance/catalogue.json"
    listed = msgspec.json.decode(path.read_bytes())["symbols"]
    simulator.dialects["binance"].load(listed)  # type: ignore[attr-defined]  # the Binance dialect's catalogue
    info = (await speaker.get("/api/v3/exchangeInfo", symbols='["ETHBTC","SHIBUSDT"]')).json()
    assert [symbol["symbol"] for symbol in info["symbols"]] == ["ETHBTC", "SHIBUSDT"]
    assert info["symbols"][0] == next(symbol for symbol in listed if symbol["symbol"] == "ETHBTC")
    price = (await speaker.get("/api/v3/ticker/price", symbol="ETHBTC")).json()["price"]
    assert price == "0.05000000"
    answer = await speaker.ask(
        "POST", "/api/v3/order/test", symbol="ETHBTC", side="BUY", type="STOP_LOSS", quantity="1", stopPrice="0.06"
    )
    assert answer.json()["msg"] == "Stop loss orders are not supported for this symbol."
