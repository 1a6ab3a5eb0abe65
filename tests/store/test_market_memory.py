"""Catalogues, candles and heartbeats: written once, by the services, read by everybody."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlmodel import col, select

from aristobot.errors import DataError
from aristobot.market import InstrumentState, Timeframe
from aristobot.store import candles, heartbeats, instruments
from aristobot.store.database import Database
from aristobot.store.tables import HeartbeatEvent, InstrumentRow
from aristobot.store.tenancy import SYSTEM
from tests.builders import MIDNIGHT, a_candle, an_instrument, list_instruments

MINUTE = timedelta(minutes=1)
ANYBODY = uuid.uuid4()


async def test_an_instrument_comes_back_with_every_rule(db: Database) -> None:
    listed = an_instrument(
        "PEPE/EUR",
        tick=Decimal("0.000000000001"),
        max_quantity=Decimal("99999999999999999999"),
        state=InstrumentState.CANCEL_ONLY,
        order_types=frozenset({"limit", "market"}),
        oco_allowed=True,
    )
    await db.write(SYSTEM, lambda s: list_instruments(s, "binance", [listed], MIDNIGHT))
    assert await db.read(ANYBODY, lambda s: instruments.get(s, "binance", "PEPE/EUR")) == listed
    assert await db.read(ANYBODY, lambda s: instruments.get(s, "kraken", "PEPE/EUR")) is None


async def test_a_catalogue_is_replaced_by_writing_what_differs(db: Database) -> None:
    listed = [an_instrument(f"C{number}/USDT") for number in range(50)]
    later = MIDNIGHT + MINUTE
    first = await db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, MIDNIGHT))
    again = await db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, later))
    changed = [replace(listed[0], tick=Decimal("0.5")), *listed[1:-1], an_instrument("NEW/USDT")]
    third = await db.write(SYSTEM, lambda s: list_instruments(s, "binance", changed, later))
    assert [(len(one.added), len(one.changed), len(one.removed)) for one in (first, again, third)] == [
        (50, 0, 0),
        (0, 0, 0),
        (1, 1, 1),
    ]
    assert await db.read(ANYBODY, lambda s: set(instruments.all_of(s, "binance"))) == set(changed)
    written = (
        sa.select(col(InstrumentRow.symbol)).where(col(InstrumentRow.updated_at) == later).order_by(col(InstrumentRow.symbol))
    )
    assert await db.read(SYSTEM, lambda s: s.scalars(written).all()) == ["C0/USDT", "NEW/USDT"]


async def test_the_catalogue_of_one_exchange_leaves_the_others_alone(db: Database) -> None:
    kraken = an_instrument(exchange="kraken")
    await db.write(SYSTEM, lambda s: list_instruments(s, "kraken", [kraken], MIDNIGHT))
    await db.write(SYSTEM, lambda s: list_instruments(s, "binance", [an_instrument()], MIDNIGHT))
    await db.write(SYSTEM, lambda s: list_instruments(s, "binance", [], MIDNIGHT))
    assert await db.read(ANYBODY, lambda s: instruments.all_of(s, "kraken")) == [kraken]
    assert await db.read(ANYBODY, lambda s: instruments.all_of(s, "binance")) == []


SEARCHES = [
    ("", "", 3, ["BTC/EUR", "BTC/USDT", "BTCST/USDT"]),
    ("usdt", "btc", 50, ["BTC/USDT", "BTCST/USDT", "WBTC/USDT"]),
    ("", "btc", 50, ["BTC/EUR", "BTC/USDT", "BTCST/USDT", "WBTC/USDT"]),
    ("USDT", "btc", 2, ["BTC/USDT", "BTCST/USDT"]),
    ("", "btc/e", 50, ["BTC/EUR"]),
    ("", "%", 50, ["ODD%/USDT"]),
    ("", "_", 50, []),
    ("GBP", "", 50, []),
]


async def test_instruments_are_found_by_a_few_letters(db: Database) -> None:
    symbols = ("WBTC/USDT", "BTCST/USDT", "BTC/USDT", "BTC/EUR", "ETH/USDT", "ODD%/USDT")
    listed = [an_instrument(symbol) for symbol in symbols]
    await db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, MIDNIGHT))
    for quote, text, limit, expected in SEARCHES:
        found = await db.read(ANYBODY, partial(instruments.search, exchange="binance", quote=quote, text=text, limit=limit))
        assert [one.symbol for one in found] == expected, (quote, text)


async def test_a_candle_is_kept_once_and_the_first_one_stays(db: Database) -> None:
    first, other = a_candle(), a_candle(close=Decimal(1))
    assert await db.write(SYSTEM, lambda s: candles.add(s, "binance", first, MIDNIGHT + MINUTE, live=True))
    assert not await db.write(SYSTEM, lambda s: candles.add(s, "binance", other, MIDNIGHT + MINUTE, live=False))
    assert await db.write(SYSTEM, lambda s: candles.add(s, "kraken", other, MIDNIGHT + MINUTE, live=False))
    assert await db.read(ANYBODY, lambda s: candles.window(s, "binance", "BTC/USDT", Timeframe.M1, 10)) == [first]


async def test_a_candle_that_still_moves_is_not_kept(db: Database) -> None:
    with pytest.raises(DataError) as caught:
        await db.write(SYSTEM, lambda s: candles.add(s, "binance", a_candle(closed=False), MIDNIGHT, live=True))
    assert caught.value.code == "candle_not_closed"


async def test_a_window_is_the_last_candles_before_a_moment_the_oldest_first(db: Database) -> None:
    series = [a_candle(open_time=MIDNIGHT + number * MINUTE, close=Decimal(number)) for number in range(20)]
    hourly = a_candle(timeframe=Timeframe.H1)
    assert await db.write(SYSTEM, lambda s: candles.add_many(s, "binance", [*series[:12], hourly], MIDNIGHT, live=False)) == 13
    assert await db.write(SYSTEM, lambda s: candles.add_many(s, "binance", series, MIDNIGHT, live=False)) == 8
    assert await db.write(SYSTEM, lambda s: candles.add_many(s, "binance", [], MIDNIGHT, live=False)) == 0
    at = MIDNIGHT + 10 * MINUTE
    assert await db.read(ANYBODY, lambda s: candles.window(s, "binance", "BTC/USDT", Timeframe.M1, 3)) == series[-3:]
    assert await db.read(ANYBODY, lambda s: candles.window(s, "binance", "BTC/USDT", Timeframe.M1, 3, at)) == series[7:10]
    newest = await db.read(ANYBODY, lambda s: candles.last_open_time(s, "binance", "BTC/USDT", Timeframe.M1))
    assert newest == series[-1].open_time
    assert await db.read(ANYBODY, lambda s: candles.last_open_time(s, "binance", "ETH/USDT", Timeframe.M1)) is None


async def test_the_heartbeat_tells_its_starts_and_stops(db: Database) -> None:
    assert await db.read(ANYBODY, lambda s: heartbeats.status(s, "binance")) is None
    await db.write(SYSTEM, lambda s: heartbeats.started(s, "binance", MIDNIGHT))
    await db.write(SYSTEM, lambda s: heartbeats.candle_closed(s, "binance", MIDNIGHT + MINUTE))
    await db.write(SYSTEM, lambda s: heartbeats.candle_closed(s, "binance", MIDNIGHT))
    for at in (MIDNIGHT + 2 * MINUTE, MIDNIGHT + 3 * MINUTE):
        await db.write(SYSTEM, partial(heartbeats.stopped, exchange="binance", now=at, reason="silence"))
    status = await db.read(ANYBODY, lambda s: heartbeats.status(s, "binance"))
    assert status is not None
    assert (status.connected, status.last_start, status.last_stop) == (False, MIDNIGHT, MIDNIGHT + 2 * MINUTE)
    assert status.last_candle_at == MIDNIGHT + MINUTE
    history = await db.read(ANYBODY, lambda s: heartbeats.history(s, "binance"))
    assert [(one.kind, one.reason) for one in history] == [("stopped", "silence"), ("started", "")]


async def test_every_start_and_stop_is_in_the_history(db: Database) -> None:
    for number in range(3):
        at = MIDNIGHT + number * MINUTE
        await db.write(SYSTEM, partial(heartbeats.started, exchange="binance", now=at))
        await db.write(SYSTEM, partial(heartbeats.stopped, exchange="binance", now=at))
    assert len(await db.read(SYSTEM, lambda s: s.exec(select(HeartbeatEvent)).all())) == 6
    assert len(await db.read(ANYBODY, lambda s: heartbeats.history(s, "binance", limit=4))) == 4


async def test_of_each_candle_off_the_stream_one_knows_how_late_it_came(db: Database) -> None:
    series = [a_candle(open_time=MIDNIGHT + number * MINUTE) for number in range(4)]
    for number, one in enumerate(series[1:]):
        late = one.close_time + timedelta(milliseconds=250 * number)
        await db.write(SYSTEM, partial(candles.add, exchange="binance", candle=one, received_at=late, live=True))
    await db.write(SYSTEM, lambda s: candles.add(s, "binance", series[0], MIDNIGHT + 9 * MINUTE, live=False))
    key = ("binance", "BTC/USDT", Timeframe.M1)

    assert await db.read(ANYBODY, lambda s: candles.lags(s, key, MIDNIGHT)) == {
        one.open_ms: 0.25 * number for number, one in enumerate(series[1:])
    }
    assert len(await db.read(ANYBODY, lambda s: candles.lags(s, key, MIDNIGHT + 3 * MINUTE))) == 1
    kept = await db.read(ANYBODY, lambda s: candles.kept(s, key, 3))
    assert [(row.open_time, row.live) for row in kept] == [(one.open_time, True) for one in reversed(series[1:])]
    older = await db.read(ANYBODY, lambda s: candles.kept(s, key, 3, before=kept[-1].open_time))
    assert [(row.open_time, row.live, row.received_at) for row in older] == [(MIDNIGHT, False, MIDNIGHT + 9 * MINUTE)]


async def test_everything_there_are_candles_of_is_known_once_and_in_order(db: Database) -> None:
    assert await db.read(ANYBODY, candles.known) == []
    held = [("kraken", "ADA/EUR"), ("binance", "ETH/USDT"), ("binance", "BTC/USDT")]
    for exchange, symbol in held:
        several = [a_candle(symbol=symbol, open_time=MIDNIGHT + number * MINUTE) for number in range(5)]
        several.append(a_candle(symbol=symbol, timeframe=Timeframe.H4))
        await db.write(SYSTEM, partial(candles.add_many, exchange=exchange, several=several, received_at=MIDNIGHT, live=True))
    assert await db.read(ANYBODY, candles.known) == sorted(held)


async def test_a_heart_that_was_killed_has_stopped_at_its_last_sign_of_life(db: Database) -> None:
    await db.write(SYSTEM, lambda s: heartbeats.abandoned(s, "binance"))
    await db.write(SYSTEM, lambda s: heartbeats.started(s, "binance", MIDNIGHT))
    await db.write(SYSTEM, lambda s: heartbeats.candle_closed(s, "binance", MIDNIGHT + MINUTE))
    for _start in range(2):
        await db.write(SYSTEM, lambda s: heartbeats.abandoned(s, "binance"))
    history = await db.read(ANYBODY, lambda s: heartbeats.history(s, "binance"))
    assert [(one.kind, one.reason, one.at) for one in history] == [
        ("stopped", "killed", MIDNIGHT + MINUTE),
        ("started", "", MIDNIGHT),
    ]
    assert await db.read(ANYBODY, lambda s: heartbeats.stops(s, "binance", MIDNIGHT)) == 1
    assert await db.read(ANYBODY, lambda s: heartbeats.stops(s, "binance", MIDNIGHT + 2 * MINUTE)) == 0


async def test_the_history_of_starts_and_stops_is_paged(db: Database) -> None:
    for number in range(5):
        await db.write(SYSTEM, partial(heartbeats.started, exchange="binance", now=MIDNIGHT + number * MINUTE))
    first = await db.read(ANYBODY, lambda s: heartbeats.history(s, "binance", 3))
    rest = await db.read(ANYBODY, lambda s: heartbeats.history(s, "binance", 3, (first[-1].at, first[-1].id)))
    assert [one.at for one in [*first, *rest]] == [MIDNIGHT + number * MINUTE for number in (4, 3, 2, 1, 0)]
