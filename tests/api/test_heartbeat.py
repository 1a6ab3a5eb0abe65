"""The heartbeat over the API: is it heard, since when was it not, and which candles closed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from aristobot.clock import iso_milliseconds
from aristobot.market import Timeframe
from aristobot.store import candles, heartbeats
from aristobot.store.tenancy import SYSTEM
from tests.builders import MIDNIGHT, a_candle
from tests.street import Person, Street

MINUTE = timedelta(minutes=1)
PATH = "/api/heartbeat"


async def keep(street: Street, count: int, exchange: str = "binance", **differences: Any) -> None:
    """Store the minutes after midnight; each came a quarter of a second after its close."""
    for number in range(count):
        one = a_candle(open_time=MIDNIGHT + number * MINUTE, close=Decimal(42000 + number), **differences)
        came = one.close_time + timedelta(milliseconds=250)
        await street.app.db.write(SYSTEM, partial(candles.add, exchange=exchange, candle=one, received_at=came, live=True))


async def get(person: Person, path: str, **query: Any) -> dict[str, Any]:
    """What the API answers."""
    answer = await person.web.get(f"{PATH}/{path}/", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_heart_that_never_beat_says_so(street: Street, bob: Person) -> None:
    said = await get(bob, "status")

    assert {name: said[name] for name in ("exchange", "symbol", "connected", "last_start", "age_seconds", "last_word_at")} == {
        "exchange": "binance", "symbol": "BTC/USDT", "connected": False, "last_start": None, "age_seconds": None, "last_word_at": None
    }  # fmt: skip
    assert [one["timeframe"] for one in said["timeframes"]] == ["1m", "3m", "5m", "15m", "1h", "4h"]
    assert all(one["age_seconds"] is one["lag_seconds"] is None for one in said["timeframes"])


async def test_the_status_tells_since_when_it_beats_and_how_old_the_last_candle_is(street: Street, bob: Person) -> None:
    closed = street.app.clock.now() - timedelta(seconds=42)
    await street.app.db.write(SYSTEM, lambda s: heartbeats.started(s, "binance", closed - MINUTE, "connected"))
    await street.app.db.write(SYSTEM, lambda s: heartbeats.candle_closed(s, "binance", closed))

    said = await get(bob, "status")

    assert said["connected"] is True
    assert said["last_start"] == iso_milliseconds(closed - MINUTE)
    assert said["last_candle_at"] == iso_milliseconds(closed)
    assert 42 <= said["age_seconds"] <= 60


async def test_starts_and_stops_are_paged_from_the_newest(street: Street, bob: Person) -> None:
    for number in range(3):
        at = MIDNIGHT + 2 * number * MINUTE
        await street.app.db.write(SYSTEM, partial(heartbeats.started, exchange="binance", now=at, reason="connected"))
        await street.app.db.write(SYSTEM, partial(heartbeats.stopped, exchange="binance", now=at + MINUTE, reason="silent"))

    first = await get(bob, "heartbeat-history", limit=4)
    rest = await get(bob, "heartbeat-history", limit=4, cursor=first["next"])
    since = await get(bob, "heartbeat-history", since=iso_milliseconds(MIDNIGHT + 4 * MINUTE))

    assert [one["at"] for one in first["items"] + rest["items"]] == [
        iso_milliseconds(MIDNIGHT + number * MINUTE) for number in (5, 4, 3, 2, 1, 0)
    ]
    assert (len(first["items"]), rest["next"]) == (4, None)
    assert [(one["kind"], one["reason"]) for one in since["items"]] == [("stopped", "silent"), ("started", "connected")]


async def test_signals_are_the_closed_candles_with_the_moment_they_came(street: Street, bob: Person) -> None:
    await keep(street, 5)

    first = await get(bob, "signals", limit=3)
    rest = await get(bob, "signals", limit=3, cursor=first["next"])

    newest = first["items"][0]
    assert newest["open_time"] == iso_milliseconds(MIDNIGHT + 4 * MINUTE)
    assert newest["received_at"] == iso_milliseconds(MIDNIGHT + 5 * MINUTE + timedelta(milliseconds=250))
    assert (Decimal(newest["close"]), newest["live"], newest["timeframe"]) == (Decimal(42004), True, "1m")
    assert [Decimal(one["close"]) for one in first["items"] + rest["items"]] == [42004, 42003, 42002, 42001, 42000]
    assert rest["next"] is None


async def test_signals_of_another_symbol_timeframe_and_exchange_can_be_asked_for(street: Street, bob: Person) -> None:
    await keep(street, 2)
    await keep(street, 3, "kraken", symbol="ETH/EUR")

    other = await get(bob, "signals", exchange="Kraken", symbol="eth/eur")
    none = await get(bob, "signals", timeframe="5m")
    since = await get(bob, "signals", since=iso_milliseconds(MIDNIGHT + MINUTE))

    assert [(one["exchange"], one["symbol"]) for one in other["items"]] == [("kraken", "ETH/EUR")] * 3
    assert none == {"items": [], "next": None}
    assert len(since["items"]) == 1
    assert since["items"][0]["timeframe"] == Timeframe.M1.value


async def test_nonsense_is_refused_and_strangers_are_not_heard(street: Street, bob: Person) -> None:
    for query in ({"timeframe": "7m"}, {"limit": 0}, {"limit": 501}, {"cursor": "nonsense"}, {"symbol": "x" * 49}):
        answer = await bob.web.get(f"{PATH}/signals/", params=query)
        assert answer.status_code == 422, (query, answer.text)
        assert answer.json()["error"]["code"], query
    for path in ("status", "heartbeat-history", "signals"):
        assert (await street.web().get(f"{PATH}/{path}/")).status_code == 401
