"""The heartbeat page: what it shows of a market, what it hears, and what it says when there is nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.events import CandleClosed, CandleUpdated, HeartbeatChanged
from aristobot.market import Candle, Timeframe
from aristobot.settings import Settings
from aristobot.store import candles, heartbeats
from aristobot.store.tenancy import SYSTEM
from components.candle_chart import CandleChart
from components.candle_feed import CandleFeed
from components.candle_table import CandleRow, CandleTable
from components.heartbeat_stream import LINES, StreamLog, line
from services.app import App
from services.simulator.server import SimulatorServer
from tests.builders import a_candle, an_instrument, list_instruments
from tests.exchange_urls import exchange_urls
from tests.pages.visitors import a_resident, come_in, until

M1 = Timeframe.M1
MINUTE = timedelta(minutes=1)
FRAMES = ["1m", "3m", "5m", "15m", "1h", "4h"]


@pytest.fixture
async def simulator(clock: ManualClock) -> AsyncIterator[SimulatorServer]:
    """An exchange that answers."""
    server = SimulatorServer(clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(settings: Settings, simulator: SimulatorServer) -> Settings:
    """The house leads to that exchange."""
    return settings.model_copy(update={"exchange_urls": exchange_urls(simulator.url)})


def grids(screen: User) -> list[CandleTable]:
    """The tables, from the shortest timeframe to the longest."""
    assert screen.client is not None
    return [one for one in screen.client.elements.values() if isinstance(one, CandleTable)]


def one_of(screen: User, kind: type[Any]) -> Any:
    """The only element of its kind."""
    assert screen.client is not None
    [found] = [one for one in screen.client.elements.values() if isinstance(one, kind)]
    return found


def said(screen: User, words: str) -> list[Any]:
    """The buttons with these words."""
    assert screen.client is not None
    return [one for one in screen.client.elements.values() if isinstance(one, ui.button) and one.text == words]


async def drawn_chart(screen: User) -> CandleChart:
    """The chart, once it stands."""
    assert screen.client is not None
    every = screen.client.elements
    await until(lambda: any(isinstance(one, CandleChart) for one in every.values()))
    chart: CandleChart = one_of(screen, CandleChart)
    return chart


async def minutes(screen: User) -> list[CandleRow]:
    """The rows of the first table, once they are there."""
    await until(lambda: len(grids(screen)) == 6 and all(len(one.rows) >= 240 for one in grids(screen)))
    return grids(screen)[0].rows


async def look(screen: User, app: App) -> list[CandleRow]:
    """Open the page; its minutes."""
    await come_in(screen, app, await a_resident(app))
    await screen.open("/heartbeat")
    return await minutes(screen)


def now_forming(app: App, close: str = "61000", symbol: str = "BTC/USDT") -> Candle:
    """The minute that is under way."""
    opened = M1.open_of(app.clock.now())
    return a_candle(open_time=opened, high=Decimal(70000), close=Decimal(close), closed=False, symbol=symbol)


def tell(
    app: App, candle: Candle, *, late: float = 0.0, kind: type[CandleUpdated] = CandleUpdated, exchange: str = "binance"
) -> None:
    """Let the house hear a candle, `late` seconds after its close."""
    came = candle.close_time + timedelta(seconds=late) if candle.closed else app.clock.now()
    app.bus.publish(kind(at=came, exchange=exchange, candle=candle, received_at=came))


async def test_every_timeframe_shows_its_last_240_closed_candles_newest_first(screen: User, app: App) -> None:
    shown = await look(screen, app)

    assert [len(one.rows) for one in grids(screen)] == [240] * 6
    newest = M1.open_of(app.clock.now())
    assert [row.candle.close_time for row in shown] == [newest - number * MINUTE for number in range(240)]
    assert {row.kind for row in shown} == {"history"}
    chart = one_of(screen, CandleChart)
    assert (chart.symbol, chart.timeframe, len(chart.bars)) == ("BTC/USDT", Timeframe.M5, 240)
    await screen.should_see("240 bougies 5m depuis le")
    for frame in FRAMES:
        await screen.should_see(frame)


async def test_candles_that_came_off_the_stream_are_live_and_tell_how_late_they_were(screen: User, app: App) -> None:
    last = M1.open_of(app.clock.now()) - MINUTE
    kept = a_candle(open_time=last)
    came = kept.close_time + timedelta(milliseconds=420)
    await app.db.write(SYSTEM, lambda s: candles.add(s, "binance", kept, came, live=True))

    first, second, *_rest = await look(screen, app)

    assert (first.kind, first.lag) == ("live", 0.42)
    assert (second.kind, second.lag) == ("history", None)
    await screen.should_see("Retard 420\u00a0ms")


async def test_a_forming_candle_moves_on_top_until_it_closes(screen: User, app: App) -> None:
    before = await look(screen, app)
    forming = now_forming(app)
    tell(app, forming)
    await until(lambda: grids(screen)[0].rows[0].kind == "forming")
    tell(app, now_forming(app, "61500"))
    await until(lambda: grids(screen)[0].rows[0].candle.close_text == "61500")
    assert grids(screen)[0].rows[1] == before[0]

    done = a_candle(open_time=forming.open_time, close=Decimal(61700), high=Decimal(70000))
    tell(app, done, late=1.5, kind=CandleClosed)
    first = grids(screen)[0].rows[0]
    assert (first.kind, first.lag, first.candle.close_text) == ("live", 1.5, "61700")
    tell(app, forming)  # a late word on what is closed
    tell(app, a_candle(open_time=forming.open_time + MINUTE, closed=False))
    await until(lambda: grids(screen)[0].rows[0].kind == "forming")
    assert [row.kind for row in grids(screen)[0].rows[:3]] == ["forming", "live", "history"]
    await screen.should_see("Retard 1,5\u00a0s")


async def test_a_table_never_grows_beyond_its_size(screen: User, app: App) -> None:
    await look(screen, app)
    opened = M1.open_of(app.clock.now())
    for number in range(30):
        tell(app, a_candle(open_time=opened + number * MINUTE), kind=CandleClosed)
    assert len(grids(screen)[0].rows) == 241
    assert {row.kind for row in grids(screen)[0].rows[:30]} == {"live"}


async def test_the_chart_follows_the_timeframe_and_the_candles_of_its_market(screen: User, app: App) -> None:
    await look(screen, app)
    chart = one_of(screen, CandleChart)
    toggle: Any = next(iter(screen.find(marker="timeframe").elements))
    toggle.set_value("1m")
    await until(lambda: chart.timeframe is M1 and len(chart.bars) == 240)
    tell(app, now_forming(app))
    await until(lambda: len(chart.bars) == 241)
    tell(app, now_forming(app, "1", symbol="ETH/USDT"))
    tell(app, now_forming(app, "2"), exchange="kraken")
    tell(app, now_forming(app, "61300"))
    await until(lambda: chart.bars[-1].close == Decimal(61300))
    assert min(row.candle.close_text for row in grids(screen)[0].rows) != "1"


async def test_what_was_missed_is_loaded_when_the_stream_speaks_again(screen: User, app: App, clock: ManualClock) -> None:
    await look(screen, app)
    chart = one_of(screen, CandleChart)
    await clock.advance(20 * 60)
    opened = Timeframe.M5.open_of(clock.now())
    tell(app, a_candle(timeframe=Timeframe.M5, open_time=opened, closed=False))
    await until(lambda: chart.bars[-1].open_time == opened)
    opens = [one.open_ms for one in chart.bars]
    assert opens == list(range(opens[0], opens[-1] + 1, 300_000))


async def test_a_market_just_listed_says_so_until_its_first_candle_forms(
    screen: User, app: App, clock: ManualClock, simulator: SimulatorServer
) -> None:
    simulator.world.feed.list_now("BTC/USDT")
    await come_in(screen, app, await a_resident(app))
    await screen.open("/heartbeat")
    await screen.should_see("L’exchange n’en a aucune pour ce symbole.", retries=50)
    opened = Timeframe.M5.open_of(clock.now())
    tell(app, a_candle(timeframe=Timeframe.M5, open_time=opened, close=Decimal("0.00012345"), closed=False))
    chart = await drawn_chart(screen)
    assert [one.open_time for one in chart.bars] == [opened]
    await screen.should_not_see("L’exchange n’en a aucune pour ce symbole.")
    await clock.advance(20 * 60)
    simulator.world.feed.list_now("BTC/USDT")  # nothing was exchanged meanwhile: there is nothing to be read
    later = Timeframe.M5.open_of(clock.now())
    tell(app, a_candle(timeframe=Timeframe.M5, open_time=later, closed=False))
    await until(lambda: chart.bars[-1].open_time == later)


async def test_another_market_is_shown_and_followed_while_the_page_stands(screen: User, app: App, clock: ManualClock) -> None:
    await app.db.write(
        SYSTEM, lambda s: list_instruments(s, "binance", [an_instrument("ETH/USDT"), an_instrument()], app.clock.now())
    )
    await look(screen, app)
    symbols: Any = next(iter(screen.find(marker="symbol").elements))
    assert symbols.options == ["BTC/USDT"]
    screen.find(marker="symbol").trigger("popupShow")
    await until(lambda: symbols.options == ["BTC/USDT", "ETH/USDT"])
    symbols.set_value("ETH/USDT")

    chart = one_of(screen, CandleChart)
    await until(lambda: chart.symbol == "ETH/USDT" and len(chart.bars) == 240)
    assert app.candle_watch.followed == [("binance", "ETH/USDT")]
    tell(app, now_forming(app, "3210", symbol="ETH/USDT"))  # perhaps before the tables are filled: it is kept
    shown = await minutes(screen)
    assert all(Decimal(row.candle.close_text) < 10_000 for row in shown)
    await until(lambda: grids(screen)[0].rows[0].candle.close_text == "3210")
    one_of(screen, CandleFeed).delete()  # as when the page is left
    await until(lambda: app.candle_watch.followed == [], clock)


async def test_an_exchange_that_does_not_answer_is_said_in_every_place_with_a_way_to_try_again(
    screen: User, app: App, clock: ManualClock, simulator: SimulatorServer
) -> None:
    await simulator.stop()
    await come_in(screen, app, await a_resident(app))
    await screen.open("/heartbeat")
    await until(lambda: len(said(screen, "Réessayer")) == 7, clock)  # the chart and six cards
    await screen.should_see("Les bougies n’ont pas pu être lues")
    await screen.should_see("Le flux n’a jamais démarré")


async def test_the_stream_can_be_held_and_holds_only_so_much(screen: User, app: App) -> None:
    await look(screen, app)
    log = one_of(screen, StreamLog)
    sent: list[list[Any]] = []
    log.add = sent.append
    tell(app, now_forming(app))
    await until(lambda: sent)
    assert len(sent[0]) == 1
    screen.find(marker="hold").click()
    await screen.should_see("En pause")
    for number in range(LINES + 50):
        tell(app, now_forming(app, str(60000 + number)))
    await until(lambda: grids(screen)[0].rows[0].candle.close_text == str(60000 + LINES + 49))
    assert len(sent) == 1
    screen.find(marker="hold").click()
    await until(lambda: len(sent) == 2)  # what was held back is there at once, not with the next message
    assert len(sent[1]) == LINES
    assert f"C {60000 + LINES + 49} " in sent[1][0][1]
    await screen.should_see(f"{LINES + 51} messages")


async def test_a_line_of_the_stream_has_every_figure(clock: ManualClock) -> None:
    candle = a_candle(closed=True)
    event = CandleClosed(at=clock.now(), exchange="binance", candle=candle, received_at=candle.close_time)
    assert line(event) == "01:01:00.000 binance BTC/USDT 1m  O 42000 H 42100 L 41900 C 42050 V 12.5 ✓"


async def test_starts_and_stops_stand_with_their_reasons_and_appear_by_themselves(screen: User, app: App) -> None:
    now = app.clock.now()
    for number, reason in enumerate(("silent", "killed", "connection_lost")):
        at = now - timedelta(minutes=30 - 10 * number)
        await app.db.write(SYSTEM, partial(heartbeats.started, exchange="binance", now=at, reason="connected"))
        await app.db.write(SYSTEM, partial(heartbeats.stopped, exchange="binance", now=at + MINUTE, reason=reason))
    await look(screen, app)
    await screen.should_see("Le flux est devenu muet, il est rouvert")
    await screen.should_see("Aristobot s’est terminé sans prévenir")
    await screen.should_see("pendant 9 minutes")
    await screen.should_not_see("connection_lost")

    await app.db.write(SYSTEM, lambda s: heartbeats.started(s, "binance", now, "connected"))
    await app.db.write(SYSTEM, lambda s: heartbeats.stopped(s, "binance", now, "stopped"))
    app.bus.publish(HeartbeatChanged(at=now, exchange="binance", connected=False, reason="stopped"))
    await screen.should_see("Aristobot a été arrêté")
