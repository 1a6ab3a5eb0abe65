"""The screen of searches: asked for in a form, told while it goes on, read, taken over into a backtest, closed to who only looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.candle_files import CandleFiles
from aristobot.candle_series import CandleSeries
from aristobot.kinds import Role, StudyStatus
from aristobot.market import Timeframe
from services.app import App
from tests.pages.test_backtest import kinds, one
from tests.pages.visitors import a_resident, come_in, until
from tests.services.searching import WAVES, waves


@pytest.fixture
async def searching(app: App) -> AsyncIterator[None]:
    """The workers, and 1,200 hours of waves in the store."""
    CandleFiles(app.settings.data_dir).merge(CandleSeries("binance", "BTC/USDT", Timeframe.H1), waves(), app.clock.now())
    running = asyncio.create_task(app.studies.queue.run())
    yield
    running.cancel()
    await asyncio.wait({running})


async def opened(screen: User, app: App) -> Any:
    """Somebody with a strategy in front of the form, filled in with a small grid."""
    who = await a_resident(app)
    mine = await app.strategies.create(who.id, "Mes vagues", WAVES)
    await come_in(screen, app, who)
    await screen.open(f"/backtest?part=search&strategy={mine.id}")
    await until(lambda: screen.client is not None and "low-enter" in marks(screen))
    for mark, value in (
        ("st-since", "2024-01-01"), ("st-until", "2024-02-20"), ("st-goal", "net_profit"), ("st-least_trades", "3"),
        ("st-sampler", "grid"), ("st-trials", "9"), ("st-workers", "1"),
        ("low-enter", "30"), ("high-enter", "40"), ("step-enter", "5"), ("low-leave", "10"), ("high-leave", "14"),
        ("step-leave", "2"),
    ):  # fmt: skip
        one(screen, mark).set_value(value)
    hidden(screen, "st-fetch").set_value(False)
    return who


def hidden(screen: User, mark: str) -> Any:
    """The element with this mark, seen or not."""
    assert screen.client is not None
    return next(found for found in screen.client.elements.values() if mark in found._markers)


def marks(screen: User) -> set[str]:
    """Every mark on the page."""
    assert screen.client is not None
    return {mark for found in screen.client.elements.values() for mark in found._markers}


def faulty(screen: User, mark: str) -> bool:
    """Whether a field says what is wrong with it."""
    return bool(one(screen, mark).error)


async def test_two_parameters_are_searched_read_as_a_map_and_taken_over_into_a_backtest(
    screen: User, app: App, searching: None
) -> None:
    who = await opened(screen, app)
    await screen.should_see("Aucune recherche pour l’instant")
    screen.find("st-run").click()
    await screen.should_see("Les meilleurs jeux")
    (row,) = await app.studies.recent(who.id)
    assert row.status is StudyStatus.DONE
    await screen.should_see("Là où elle a appris, et là où elle n’était jamais allée")
    await screen.should_see("9 jeux de paramètres ont été essayés")
    assert len(kinds(screen, ui.echart)) == 1
    one(screen, "map-face").set_value("table")
    await until(lambda: any("enter" in table.content for table in kinds(screen, ui.html)))
    assert any("<th scope=" in table.content and "↓" in table.content for table in kinds(screen, ui.html))

    screen.find("st-take").click()
    await until(lambda: "parameter-enter" in marks(screen) and hidden(screen, "parameter-enter").value == "35")
    assert one(screen, "bt-since").value == "01/01/2024"
    assert one(screen, "bt-run").visible


async def test_what_cannot_be_searched_is_told_at_its_field(screen: User, app: App, searching: None) -> None:
    who = await opened(screen, app)
    for mark, value, told in (
        ("low-enter", "44", "low-enter"),
        ("high-enter", "99", "low-enter"),
        ("st-trials", "many", "st-trials"),
        ("st-train", "99", "st-train"),
        ("st-scheduler", "localhost", "st-scheduler"),
    ):
        before = one(screen, mark).value
        one(screen, mark).set_value(value)
        screen.find("st-run").click()
        await until(partial(faulty, screen, told))
        one(screen, mark).set_value(before)
    one(screen, "st-scheduler").set_value("localhost")
    screen.find("st-try").click()
    await screen.should_see("localhost n’est pas l’adresse d’un ordonnanceur")
    one(screen, "st-scheduler").set_value("")
    for name in ("enter", "leave"):
        one(screen, f"vary-{name}").set_value(False)
    screen.find("st-run").click()
    await until(lambda: one(screen, "value-enter").error)
    assert await app.studies.recent(who.id) == []


async def test_a_search_without_candles_says_why_and_is_asked_again_and_forgotten(
    screen: User, app: App, searching: None
) -> None:
    who = await opened(screen, app)
    one(screen, "st-symbol").set_value("ETH/USDT")
    screen.find("st-run").click()
    await screen.should_see("0 bougies sont trop peu")
    (row,) = await app.studies.recent(who.id)
    one(screen, "st-symbol").set_value("SOL/USDT")
    screen.find(f"again-{row.id}").click()
    await until(lambda: one(screen, "st-symbol").value == "ETH/USDT")
    assert one(screen, "low-enter").value == "30"
    screen.find(f"forget-{row.id}").click()
    await screen.should_see("Oublier cette recherche")
    screen.find("confirm").click()
    await screen.should_see("Aucune recherche pour l’instant")


async def test_who_only_looks_sees_everything_and_searches_nothing(screen: User, app: App, searching: None) -> None:
    await come_in(screen, app, await a_resident(app, "vera", role=Role.VIEWER))
    await screen.open("/backtest?part=search")
    await screen.should_see("Aucune recherche pour l’instant")
    assert not one(screen, "st-run").enabled
    assert not one(screen, "st-scheduler").enabled
