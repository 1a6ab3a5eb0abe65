"""The fields of a backtest: days and money as the reader writes them, whoever reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.errors import InvalidInput
from aristobot.language import use_language
from components.date_field import DateField, day_of, day_typed
from services.app import App
from tests.pages.visitors import a_resident, come_in, until


def one(screen: User, mark: str) -> Any:
    """The element with this mark."""
    return next(iter(screen.find(marker=mark).elements))


@pytest.mark.parametrize(("language", "text"), [("fr", "22/11/2025"), ("en", "2025-11-22")])
def test_a_day_is_read_as_it_is_written(language: str, text: str) -> None:
    with use_language(language):
        assert day_typed(date(2025, 11, 22)) == text
        assert day_of(text, "since") == date(2025, 11, 22)


@pytest.mark.parametrize(
    ("language", "text"),
    [("fr", " 2/1/2025 "), ("fr", "02.01.2025"), ("fr", "2-1-2025"), ("fr", "2025-01-02"), ("en", "2025-01-02")],
)
def test_the_other_ways_to_write_a_day_are_understood(language: str, text: str) -> None:
    with use_language(language):
        assert day_of(text, "since") == date(2025, 1, 2)


@pytest.mark.parametrize(
    ("language", "text", "example"),
    [
        ("fr", "31/02/2025", "31/01/2024"),
        ("fr", "1/2/25", "31/01/2024"),
        ("fr", "", "31/01/2024"),
        ("en", "1/2/2025", "2024-01-31"),
    ],
)
def test_what_is_no_day_or_could_be_two_is_refused_with_an_example(language: str, text: str, example: str) -> None:
    with use_language(language), pytest.raises(InvalidInput) as caught:
        day_of(text, "since")
    assert (caught.value.code, caught.value.facts["example"]) == ("not_a_day", example)


async def at_the_form(screen: User, app: App) -> Any:
    """Somebody with the form before them."""
    who = await a_resident(app)
    await come_in(screen, app, who)
    await screen.open("/backtest")
    return who


async def test_a_day_is_typed_left_and_picked(screen: User, app: App) -> None:
    await at_the_form(screen, app)
    since: DateField = one(screen, "bt-since")
    today = app.clock.now().date()
    assert one(screen, "bt-until").value == f"{today:%d/%m/%Y}"
    since.set_value("31/02/2025")
    assert not since.error  # still being typed
    screen.find(marker="bt-since").trigger("blur")
    await until(lambda: bool(since.error))
    await screen.should_see("Ce n’est pas une date\u00a0: écrivez par exemple 31/01/2024")
    since.set_value("2025-11-22")
    await until(lambda: not since.error)
    screen.find(marker="bt-since").trigger("blur")
    await until(lambda: since.value == "22/11/2025")
    screen.find(marker="since-calendar").click()
    await until(lambda: bool(screen.find(ui.date).elements))
    (calendar,) = screen.find(ui.date).elements
    assert calendar.value == "2025-11-22"
    calendar.set_value("2025-12-24")
    await until(lambda: since.value == "24/12/2025")
    assert since.moment == datetime(2025, 12, 24, tzinfo=UTC)


async def test_the_capital_is_grouped_as_every_amount_while_nobody_is_in_it(screen: User, app: App) -> None:
    await at_the_form(screen, app)
    capital = one(screen, "bt-cash")
    assert capital.value == "10\u202f000,00"
    screen.find(marker="bt-cash").trigger("focus")
    capital.set_value("2500000,5")
    screen.find(marker="bt-cash").trigger("blur")
    await until(lambda: capital.value == "2\u202f500\u202f000,50")
    assert capital.amount == Decimal("2500000.5")
    await screen.should_see(marker="parameter-fast")
    for text in ("beaucoup", "12.345"):
        capital.set_value(text)
        screen.find(marker="bt-cash").trigger("blur")
        screen.find("bt-run").click()
        await until(lambda: bool(capital.error))
        assert capital.value == text
        capital.error = None
