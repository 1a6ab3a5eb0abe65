"""A strategy from a template in a real browser: a mistake is underlined, put right, saved as a version, and never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import move_in

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("strategies")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


def line(page: Page, text: str) -> Locator:
    """The line of the editor with this text."""
    return page.locator(".cm-line", has_text=text)


async def from_template(page: Page, title: str) -> None:
    """The first strategy, as its template has it."""
    await page.goto("/strategies")
    await page.get_by_role("button", name="Nouvelle stratégie").last.click()
    await page.get_by_role("radio", name=re.compile(title)).click()
    await page.get_by_role("button", name="Créer", exact=True).click()
    await expect(page.get_by_role("textbox", name="Code de la stratégie")).to_contain_text("class EmaCross")


async def write_below(page: Page, text: str, wrong: str) -> None:
    """Open a line below `text`, and type."""
    await line(page, text).click()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await page.keyboard.type(wrong)


async def test_a_strategy_is_written_put_right_and_saved(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await from_template(page, "Croisement de moyennes")

    await write_below(page, "def should_exit", "limit = self.pirce * 1")
    await expect(page.locator(".cm-wavy.cm-error")).to_have_text("self.pirce")
    remark = page.get_by_role("listitem").get_by_role("button", name=re.compile("Ligne 30.*self.pirce"))
    await page.locator(".cm-wavy.cm-error").hover()
    await expect(page.locator(".cm-reason")).to_contain_text("« price »")

    await page.get_by_role("heading", name="Remarques").click()
    await remark.click()  # puts the cursor before what is wrong
    await expect(page.locator(".cm-editor.cm-focused")).to_be_visible()
    for _key in "self.":
        await page.keyboard.press("ArrowRight")
    for _key in "pirce":
        await page.keyboard.press("Delete")
    await page.keyboard.type("pri")
    await page.get_by_role("option", name=re.compile("^price")).click()
    await expect(line(page, "limit = self.price * 1")).to_be_visible()
    await expect(page.locator(".cm-wavy")).to_have_count(0)
    await expect(page.get_by_text("Rien à signaler dans le texte.")).to_be_visible()

    await page.keyboard.press("Control+s")
    await expect(page.locator(".version-item")).to_have_count(2)
    await expect(page.get_by_text("Isolement sur ce système")).to_be_visible()
    await expect(page.locator(".version-item").first.get_by_label("essai réussi")).to_be_visible()

    await line(page, "limit = self.price").click()
    await page.keyboard.press("End")
    await page.keyboard.type("  # not saved")
    await page.goto("/webhooks")  # at once: what was typed is still on its way
    await page.goto("/strategies")
    await expect(line(page, "# not saved")).to_be_visible()
    await expect(page.get_by_text("non enregistrée", exact=True)).to_be_visible()
