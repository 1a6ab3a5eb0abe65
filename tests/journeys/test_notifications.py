"""A fill rings the bell of an open page, and a halt shows on every page of everybody whom it stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import PASSWORD, Exchange, Home, a_home
from tests.journeys.test_first_day import add_broker, log_in, move_in, post, take_address

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("bell")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


#: Bob's page stands in a desktop window that he does not look at; Alice's browser may show notifications of its own.
DESKTOP = """window.told = []; window.pywebview = {api: {tell: (...words) => window.told.push(words.join(' | '))}};
  document.hasFocus = () => false;"""
ALLOWED = """window.told = []; Object.defineProperty(document, 'hidden', {get: () => true});
  window.Notification = class { static permission = 'granted';
    constructor(title, {body}) { window.told.push(title + ' | ' + body); } };"""


async def heard_outside(page: Page, words: str) -> None:
    """The page has told the desktop of this, outside of itself."""
    await page.wait_for_function("words => window.told.some(one => one.includes(words))", arg=words)


async def test_a_fill_rings_the_bell_and_a_halt_shows_everywhere(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    alice = await visit(home.url)
    await alice.add_init_script(ALLOWED)
    await move_in(alice, home)
    await add_broker(alice, exchange)
    url = await take_address(alice)
    (home.folder / "password").write_text(PASSWORD)
    home.command("user", "add", "Bob", "--password-file", str(home.folder / "password"))
    bob = await visit(home.url, width=390, height=844)
    await bob.add_init_script(DESKTOP)
    await log_in(bob, "Bob", "/statistics")
    await alice.goto("/strategies")
    await alice.get_by_role("button", name="Notifications", exact=True).wait_for()

    await post(url, Action="BuyMarket", Symbol="BTCUSDT", PourCent=50, PrixSL="-2%", id="one")
    await alice.get_by_role("button", name="Notifications, 2 non lues").wait_for()
    await alice.locator(".news-toast", has_text="BTC").first.wait_for()
    await alice.get_by_role("button", name="Notifications, 2 non lues").click()
    await alice.locator(".bell-item.unread", has_text="Achat de").wait_for()
    await alice.locator(".bell-item.unread", has_text="Position ouverte").wait_for()
    await alice.get_by_role("button", name="Tout marquer comme lu").click()
    await alice.get_by_role("button", name="Notifications", exact=True).wait_for()
    await alice.keyboard.press("Escape")

    await alice.get_by_role("button", name="Arrêter le trading").click()
    await alice.get_by_text("Positions ouvertes\u00a0: 1").wait_for()
    await alice.get_by_label("Que faut-il arrêter").click()
    await alice.get_by_role("option", name="Toute la maison").click()
    await alice.get_by_text("Tout vendre", exact=False).first.click()
    stop = alice.get_by_role("button", name="Arrêter maintenant")
    await expect(stop).to_be_disabled()
    await alice.get_by_text("Réductions seules", exact=False).first.click()
    await alice.get_by_label("Pourquoi").fill("Le marché est fou")
    await stop.click()
    for page in (alice, bob):
        await page.get_by_role("button", name="Réductions seulement").wait_for()
        await heard_outside(page, "Aristobot – Arrêt ou reprise du trading | ")
        await page.goto("/webhooks")
        await page.get_by_role("button", name="Réductions seulement").click()
        await page.get_by_text("Le marché est fou", exact=True).wait_for()
    assert await bob.get_by_role("button", name="Lever").count() == 0

    await alice.get_by_role("button", name="Lever").click()
    await alice.get_by_role("button", name="Reprendre le trading").click()
    for page in (alice, bob):
        await page.get_by_role("button", name="Arrêter le trading").wait_for()
