"""The log as it is written, the path of an alert through the house, and everything from the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import add_broker, come_in, move_in, post, row, take_address

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    with a_home(tmp_path_factory.mktemp("keys") / "data", [], exchange.settings) as running:
        yield running


async def focused(page: Page) -> str:
    """The tag, or what is written in it, of what has the focus."""
    text: str = await page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.innerText.slice(0, 40)")
    return text.strip()


async def summon(page: Page, letters: str) -> None:
    """Open the palette, write, and wait for what it offers."""
    await page.keyboard.press("Control+k")
    await page.wait_for_function("document.activeElement.className === 'palette-field'")
    await page.keyboard.type(letters)
    await page.locator(f"#palette-list[data-answers='{letters}'] #palette-0").wait_for()


async def test_an_alert_is_followed_from_its_line_in_the_log_through_the_house(
    home: Home, exchange: Exchange, visit: OpenBrowser
) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await add_broker(page, exchange)
    address = await take_address(page)
    await page.goto("/log")
    await page.get_by_text("En direct").wait_for()
    await post(address, Action="BuyMarket", Symbol="BTCUSDT", PourCent=50, PrixSL="-2%", PrixTP="+3%", id="one")
    await row(page, "Lignes", "BuyMarket BTCUSDT").locator(".ag-cell").first.focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Tout de cette trace").click()
    await row(page, "Lignes", "ended: processed ordered").wait_for()
    await page.get_by_role("button", name="Parcours de l’alerte").click()
    path = page.get_by_role("dialog", name="Parcours de l’alerte")
    await path.get_by_text("Alerte terminée").wait_for()
    names = await path.locator(".path-name").all_inner_texts()
    assert names[:3] == ["Alerte reçue", "Enregistrée", "Prise en charge"]
    assert names[-1] == "Alerte terminée"
    in_order = ["Ordre écrit", "Ordre envoyé", "Ordre accepté", "Ordre exécuté"]
    assert sorted(in_order, key=names.index) == in_order
    assert "Position ouverte" in names
    took = await path.locator(".path-took").all_inner_texts()
    assert took[0] == ""
    assert all(re.fullmatch(r"\+[\d\u202f]+\u00a0ms", words) for words in took[1:])


async def test_the_palette_leads_everywhere_and_gives_the_focus_back(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice", "/log")
    search = page.get_by_label("Rechercher", exact=True).locator("visible=true").last
    await search.focus()
    await summon(page, "strat")
    await page.keyboard.press("Escape")
    await page.locator(".palette").wait_for(state="hidden")
    assert (await focused(page)).startswith("INPUT")

    await summon(page, "stratégies")
    assert "Stratégies" in await page.locator("[role=option][aria-selected=true]").inner_text()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/strategies")
    await page.locator("h1", has_text="Stratégies").wait_for()
    await page.wait_for_function("document.activeElement.tagName === 'MAIN'")
    await page.locator("[aria-live=polite]", has_text="Stratégies").wait_for(state="attached")

    await summon(page, "")
    assert "Stratégies" in await page.locator("#palette-0").inner_text()  # what was used last comes first
    await page.keyboard.press("ArrowDown")
    assert await page.locator("#palette-1").get_attribute("aria-selected") == "true"
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    last = page.locator("[role=option]").last
    assert await last.get_attribute("aria-selected") == "true"
    await page.keyboard.press("Escape")

    await summon(page, "btcusdt")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/manual-trading\?exchange=\w+&symbol=BTC%2FUSDT"))
    await summon(page, "arreter tout")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Annuler").wait_for()


async def test_single_keys_act_on_the_log_page_but_not_while_one_writes(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice", "/log")
    await page.get_by_role("button", name="Mettre en pause").wait_for()
    await page.keyboard.press("p")
    await page.get_by_role("button", name="Reprendre").wait_for()
    await page.keyboard.press("/")
    await page.wait_for_function("document.activeElement.tagName === 'INPUT'")
    await page.keyboard.type("p?")
    assert await page.get_by_role("button", name="Reprendre").count() == 1
    assert await page.get_by_role("dialog").count() == 0
    await page.get_by_role("main").focus()
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Clavier").get_by_text("Rechercher dans le journal").wait_for()


async def test_a_dialog_gives_the_focus_back_however_often_one_went_round_in_it(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice", "/account")
    opener = page.get_by_role("button", name="Ajouter un utilisateur")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ajouter un utilisateur")
    await page.wait_for_function("document.activeElement.closest('[role=dialog]')")  # it takes the focus once it is unfolded
    for _step in range(16):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
    await page.wait_for_function("document.activeElement.innerText.includes('Ajouter un utilisateur')")
