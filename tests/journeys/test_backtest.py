"""From an idea to parameters in a real browser: a strategy written from a template and put right, tried on the past with its
progress in sight, cancelled once, read; then two of its parameters are searched, and their map is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.async_api import expect

from aristobot.candle_files import CandleFiles
from aristobot.candle_series import CandleSeries
from aristobot.market import Timeframe
from services.strategy_review import trial_candles
from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_accessibility import faults
from tests.journeys.test_first_day import move_in
from tests.journeys.test_strategies import from_template, line, write_below

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

#: Where pictures go when somebody wants to look.
PICTURES = os.environ.get("ARISTOBOT_PICTURES", "")
SIZES = ((1440, 900), (900, 1000), (390, 844))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot with 100,000 minutes of history."""
    folder: Path = tmp_path_factory.mktemp("lab") / "data"
    with a_home(folder, [], exchange.settings) as running:
        series = CandleSeries("binance", "BTC/USDT", Timeframe.M1)
        CandleFiles(folder).merge(series, minutes(100_000), datetime(2026, 1, 1, tzinfo=UTC))
        yield running


def minutes(count: int) -> np.ndarray:
    """Candles that wander at random, the same ones each time."""
    rows = trial_candles("1m", count)
    closes = np.round(42_000 * np.exp(np.cumsum(np.random.default_rng(11).normal(0.0000012, 0.0007, count))), 2)
    opens = np.concatenate(([closes[0]], closes[:-1]))
    spread = np.abs(np.random.default_rng(12).normal(0, 0.0003, count)) * closes
    rows[:, 1], rows[:, 2] = opens, closes
    rows[:, 3], rows[:, 4] = np.round(np.maximum(opens, closes) + spread, 2), np.round(np.minimum(opens, closes) - spread, 2)
    return rows


async def fill_in(page: Page) -> None:
    """Minutes, over what is there."""
    await page.get_by_label("Depuis", exact=True).fill("2024-01-01")
    await page.get_by_label("Jusqu’au", exact=True).fill("2024-03-10")
    await page.get_by_label("fast").wait_for()
    await page.get_by_role("combobox", name="Unité de temps").click()
    await page.get_by_role("option", name="1m", exact=True).click()
    await page.get_by_text("Manquantes\u00a0: 0.").wait_for()


def svgs_in(path: Path) -> int:
    """How many drawings a saved report holds."""
    return path.read_text("utf-8").count("<svg")


async def look(page: Page, name: str) -> None:
    """Nothing sticks out sideways in any size, nothing stands in anybody's way; pictures when somebody asked for them."""
    await expect(page.locator(".bt-desk:visible")).to_have_css("display", "grid")
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (wide, width)
        if PICTURES:
            await page.wait_for_timeout(600)
            await page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    assert await faults(page) == []
    await page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


async def write(page: Page) -> None:
    """A strategy from a template with a slip of the pen, which is underlined and put right."""
    await from_template(page, "Croisement de moyennes")
    await write_below(page, "def should_exit", "limit = self.pirce * 1")
    await expect(page.locator(".cm-wavy.cm-error")).to_have_text("self.pirce")
    await line(page, "limit = self.pirce").click()
    await page.keyboard.press("Home")
    await page.keyboard.press("Shift+End")
    await page.keyboard.type("limit = self.price * 1")
    await expect(page.locator(".cm-wavy")).to_have_count(0)
    await page.keyboard.press("Control+s")
    await expect(page.locator(".version-item")).to_have_count(2)


async def add_leg(page: Page) -> None:
    """One strategy more on the same minutes; the keyboard is on its first field."""
    before = await page.locator(".bt-leg").count()
    await page.get_by_role("button", name="Ajouter un volet").press("Enter")
    card = page.locator(".bt-leg").nth(before)
    await card.get_by_label("fast").wait_for()
    await expect(card.get_by_role("combobox", name="Stratégie")).to_be_focused()
    await card.get_by_role("combobox", name="Unité de temps").click()
    await page.get_by_role("option", name="1m", exact=True).click()
    await card.get_by_label("Paire", exact=True).fill("BTC/USDT")
    await card.get_by_text("Manquantes\u00a0: 0.").wait_for()


async def backtest(page: Page) -> None:
    """Run four at once, which takes its time, and give up; run one of them and read its report."""
    run = page.get_by_role("button", name="Lancer le backtest")
    for _leg in range(3):
        await add_leg(page)
    await run.click()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.get_by_role("button", name="Annuler").press("Enter")
    await page.get_by_text("Annulé", exact=True).wait_for()
    await expect(run).to_be_focused()

    for number in (4, 3, 2):
        await page.get_by_role("button", name=f"Retirer Volet {number}").press("Enter")
        await expect(page.get_by_role("button", name="Ajouter un volet")).to_be_focused()
    await expect(page.locator(".bt-leg")).to_have_count(0)
    await run.press("Enter")
    await page.get_by_text("Aucun regard sur le futur").wait_for()
    await expect(run).to_be_focused()
    keep = page.get_by_role("button", name="Toujours garder").first
    await keep.press("Enter")
    await expect(keep).to_have_attribute("aria-pressed", "true")
    await expect(keep).to_be_focused()
    await expect(page.get_by_role("progressbar")).to_be_hidden()
    sharpe = page.locator(".bt-figures > div", has_text="Ratio de Sharpe")
    assert "riskless" not in str(await sharpe.get_attribute("title"))
    assert "365" in str(await sharpe.get_attribute("title"))
    await expect(page.get_by_role("img", name="Capital, et qui garde")).to_be_visible()
    await expect(page.get_by_role("img", name="Entrées et sorties")).to_be_visible()
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Enregistrer le rapport en HTML").click()
    assert svgs_in(await (await waiting.value).path()) == 3


async def legs(page: Page) -> None:
    """One strategy more over the same balance, over a day, and its line beside the whole."""
    await add_leg(page)
    await page.locator(".bt-leg").get_by_label("Alloué", exact=True).fill("2500")
    await page.locator(".bt-form:visible").get_by_label("Depuis", exact=True).fill("2024-03-09")
    await page.get_by_role("button", name="Lancer le backtest").click()
    await page.get_by_role("region", name="Volet par volet").wait_for()
    await expect(page.get_by_role("region", name="Volet par volet").get_by_role("rowheader")).to_have_count(3)
    await look(page, "legs")


async def search(page: Page) -> None:
    """Two parameters on a small grid, told while they are tried, and their map."""
    await page.get_by_role("tab", name="Optimisation").click()
    await page.get_by_role("heading", name="Paramètres à chercher").wait_for()
    form = page.locator(".bt-form:visible")
    await form.get_by_label("Depuis", exact=True).fill("2024-02-25")
    await form.get_by_label("Jusqu’au", exact=True).fill("2024-03-10")
    await form.get_by_role("combobox", name="Unité de temps").click()
    await page.get_by_role("option", name="1m", exact=True).click()
    await form.get_by_role("combobox", name="Méthode").click()
    await page.get_by_role("option", name="Grille entière").click()
    for name, value in (("Essais", "24"), ("Processus", "1")):
        await form.get_by_label(name, exact=True).fill(value)
    await form.get_by_text("Manquantes\u00a0: 0.").wait_for()
    if PICTURES:
        await look(page, "search-empty")
    await form.get_by_role("button", name="Lancer la recherche").click()
    await expect(page.get_by_role("progressbar").locator("visible=true")).to_be_visible()
    await page.get_by_text("Meilleur jusqu’ici").wait_for()
    if PICTURES:
        await look(page, "search-running")
    await page.get_by_role("heading", name="Les meilleurs jeux").wait_for(timeout=30_000)
    await expect(page.get_by_role("img", name="Carte de chaleur")).to_be_visible()
    await look(page, "search")
    await page.get_by_role("button", name="Tableau").click()
    await expect(page.get_by_role("region", name="Carte de chaleur").get_by_role("rowheader").first).to_be_visible()
    await page.get_by_role("button", name="Backtester ces paramètres").click()
    await expect(page.get_by_role("button", name="Lancer le backtest")).to_be_visible()


async def test_a_strategy_is_written_put_right_tried_and_its_parameters_searched(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await write(page)
    await page.goto("/backtest")
    await fill_in(page)
    await backtest(page)
    await look(page, "backtest")
    await legs(page)
    await search(page)
