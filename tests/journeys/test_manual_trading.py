"""Orders by hand in a real browser: chosen, sized, validated, executed; edited, cancelled, closed; and too late."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import add_broker, come_in, move_in

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

#: Where pictures go when somebody wants to look.
PICTURES = os.environ.get("ARISTOBOT_PICTURES", "")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("desk")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def picture(page: Page, name: str) -> None:
    """Keep what the screen shows, when somebody asked for pictures."""
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def toast(page: Page, text: str) -> Locator:
    """A message with these words."""
    return page.locator(".q-notification", has_text=text).first


async def choose_kind(page: Page, kind: str) -> None:
    """Pick a kind of order, and wait until the list is gone."""
    await page.get_by_role("combobox", name="Type d’ordre").click()
    await page.get_by_role("option", name=kind).click()
    await page.get_by_role("option", name=kind).wait_for(state="hidden")


async def find_bitcoin(page: Page) -> None:
    """Keep another pair at hand, then look for bitcoin by keyboard."""
    await page.get_by_role("button", name="ETH/USDT", exact=True).click()
    await page.get_by_role("button", name="Garder ETH/USDT dans les favoris").click()
    await page.get_by_role("button", name="Retirer ETH/USDT des favoris").wait_for()
    await page.locator("body").press("/")
    await page.get_by_label("Chercher une paire").fill("btc")
    await page.get_by_role("button", name="ETH/USDT", exact=True).wait_for(state="hidden")
    await page.get_by_role("button", name="BTC/USDT", exact=True).click()
    await page.get_by_role("heading", name="BTC/USDT").wait_for()


async def buy_a_quarter(page: Page) -> None:
    """At the market, with an impatient double click: one order, one position."""
    await page.get_by_role("button", name="25 %").click()
    await page.get_by_text("Quantité envoyée").wait_for()
    await picture(page, "form")
    await page.get_by_role("button", name="Valider").click()
    await page.get_by_text("Rien ne part avant que vous n’exécutiez.").wait_for()
    await picture(page, "window")
    await page.get_by_role("button", name="Exécuter").dblclick()
    await toast(page, "Ordre exécuté – Achat BTC/USDT").wait_for()
    await page.get_by_role("button", name="Clôturer la position sur BTC/USDT").wait_for()
    assert await page.get_by_label("Historique des ordres").locator(".ag-row").count() <= 1


async def rest_a_limit(page: Page) -> None:
    """A limit order far below, typed the French way; what is no amount leaves no figures behind."""
    await choose_kind(page, "Limite")
    await page.get_by_label("Cours limite").fill("50 000,5")
    sent = page.get_by_text("Quantité envoyée")
    await page.get_by_label("Quantité").fill("0,02")
    await sent.wait_for()
    await page.get_by_label("Quantité").fill("dix")
    await sent.wait_for(state="hidden")
    await page.get_by_label("Quantité").fill("0,01")
    await sent.wait_for()
    await page.get_by_role("button", name="Valider").click()
    await page.get_by_role("button", name="Exécuter").click()
    await toast(page, "Ordre accepté – Achat BTC/USDT").wait_for()


async def edit_and_cancel(page: Page) -> None:
    """The resting order gets another price where it stands, then goes; who thinks better of it is back where they were."""
    edit = page.get_by_role("button", name="Modifier l’ordre sur BTC/USDT")
    edited = page.locator(".order-line").get_by_label("Prix")
    for leaves in (edited, page.get_by_role("button", name="Laisser tel quel")):
        await edit.press("Enter")
        await leaves.press("Escape" if leaves is edited else "Enter")
        await expect(edit).to_be_focused()
    await edit.click()
    await edited.fill("51000")
    await edited.press("Enter")
    await page.locator(".open-orders").get_by_text("51\u202f000,00").wait_for()
    await picture(page, "desk")
    await page.get_by_role("button", name="Annuler l’ordre sur BTC/USDT").click()
    await page.get_by_text("Aucun ordre ouvert").wait_for()


async def sweep_the_dust(page: Page) -> None:
    """What the fee left of the sale is folded into one line; it is written off after a question."""
    fold = page.locator(".positions .dust-fold")
    await fold.get_by_text("Poussières · 1").click()
    await fold.get_by_text("moins que la quantité minimale d’un ordre").wait_for()
    await fold.get_by_role("button", name="Balayer les poussières de BTC/USDT").click()
    await page.get_by_role("dialog").get_by_role("button", name="Sortir des livres").click()
    await page.get_by_text("Les poussières de BTC/USDT sont balayées.").wait_for()
    await fold.wait_for(state="hidden")


async def test_an_order_goes_from_the_form_to_the_positions_and_a_late_click_sends_nothing(
    home: Home, exchange: Exchange, visit: OpenBrowser
) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await add_broker(page, exchange)
    await page.goto("/manual-trading")
    await find_bitcoin(page)
    await buy_a_quarter(page)
    await rest_a_limit(page)
    await page.get_by_label("Quantité").fill("0.002")
    await page.get_by_label("Quantité").press("Enter")
    await page.get_by_text("Acheter 0,002 BTC").wait_for()
    await edit_and_cancel(page)  # while the window closes
    await page.get_by_text("La fenêtre est fermée : rien n’est parti.").wait_for(timeout=20_000)
    await page.get_by_role("button", name="Exécuter").click()
    await toast(page, "La fenêtre de 15 s est fermée").wait_for()
    await page.get_by_role("button", name="Revenir").click()
    await page.get_by_role("button", name="Clôturer la position sur BTC/USDT").click()
    await page.get_by_role("dialog").get_by_role("button", name="Clôturer").click()
    await page.get_by_text("Aucune position ouverte").wait_for()
    await sweep_the_dust(page)


async def send(page: Page, words: str) -> None:
    """Validate, read what the window says, execute."""
    await page.get_by_text("Quantité envoyée").wait_for()
    await page.get_by_role("button", name="Valider").click()
    await page.locator(".window-what", has_text=words).wait_for()
    await page.get_by_role("button", name="Exécuter").click()
    await page.get_by_role("button", name="Valider").wait_for()


async def test_a_sale_rests_above_the_market_and_an_oco_guards_what_is_held(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice", "/manual-trading?symbol=BTC/USDT")
    resting = page.locator(".open-orders .order-line")
    await page.get_by_label("Quantité", exact=True).fill("0,02")
    await send(page, "Acheter 0,02 BTC · Marché")
    close = page.get_by_role("button", name="Clôturer la position sur BTC/USDT")
    await close.wait_for()

    await page.get_by_role("button", name="Vente", exact=True).click()
    await choose_kind(page, "Limite")
    await page.get_by_label("Cours limite").fill("70 000")
    await page.get_by_label("Quantité", exact=True).fill("0,01")
    await send(page, "Vendre 0,01 BTC · Limite")
    await resting.get_by_text("à 70\u202f000,00").wait_for()
    await page.get_by_role("button", name="Annuler l’ordre sur BTC/USDT").click()
    await page.get_by_text("Aucun ordre ouvert").wait_for()

    await choose_kind(page, "OCO : stop et objectif")
    await page.get_by_role("textbox", name="Prix du stop").fill("55000")
    await page.get_by_label("Objectif").fill("66000")
    await page.get_by_label("Quantité", exact=True).fill("0,01998")  # the fee took the rest
    await page.get_by_text("valent pour toute la position").wait_for()
    await send(page, "OCO : stop et objectif")
    for words in ("stop de la position", "objectif de la position"):
        await resting.get_by_text(words).wait_for()
    held = page.locator(".positions .order-line", has_text="BTC/USDT")
    await held.get_by_text("SL 55\u202f000,00 · TP 66\u202f000,00").wait_for()
    await held.get_by_text("Exchange").wait_for()
    await picture(page, "oco")
    await close.click()
    await page.get_by_role("dialog").get_by_role("button", name="Clôturer").click()
    await page.get_by_text("Aucune position ouverte").wait_for()
    await page.get_by_text("Aucun ordre ouvert").wait_for()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (900, 700), (390, 844)])
async def test_the_desk_is_never_wider_than_the_screen(home: Home, visit: OpenBrowser, width: int, height: int) -> None:
    page = await visit(home.url, width=width, height=height)
    await come_in(page, home, "Alice", "/manual-trading")
    await page.get_by_text("Portefeuille").wait_for()
    await page.get_by_text("Disponible").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    columns = await page.evaluate("getComputedStyle(document.querySelector('.desk')).gridTemplateColumns.split(' ').length")
    assert columns == (3 if width >= 1280 else 2 if width >= 900 else 1)
    await picture(page, f"manual-{width}")
