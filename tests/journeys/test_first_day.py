"""From an empty folder to a position on the screen: the whole way, in a real browser, against real processes."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aristobot.clock import SystemClock
from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import PASSWORD, Exchange, Home, a_home

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALERTS, POSITIONS = "Alertes reçues", "Positions ouvertes"
#: The cookies of those who were let in before, by house and name.
_LET_IN: dict[tuple[Path, str], list[Any]] = {}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("home")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def log_in(page: Page, name: str, target: str = "/webhooks") -> None:
    """Through the front door."""
    await page.goto(target)
    await page.get_by_label("Nom").fill(name)
    await page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Se connecter").click()
    await page.wait_for_url(lambda url: "/login" not in url and "/auth" not in url)


async def come_in(page: Page, home: Home, name: str, target: str = "/webhooks") -> None:
    """Through the front door the first time; later with the login that one has, as who comes back does."""
    known = _LET_IN.get((home.folder, name))
    if known is None:
        await log_in(page, name, target)
        _LET_IN[home.folder, name] = list(await page.context.cookies())
        return
    await page.context.add_cookies(known)
    await page.goto(target)


async def move_in(page: Page, home: Home) -> None:
    """Become the first administrator."""
    await page.goto("/")
    await page.get_by_label("Nom").fill("Alice")
    await page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    await page.get_by_label("Le même mot de passe").fill(PASSWORD)
    await page.get_by_label("Code à usage unique de la console").fill(home.first_code())
    await page.get_by_role("button", name="Créer le compte").click()
    await page.wait_for_url("**/account")


async def add_broker(page: Page, exchange: Exchange) -> None:
    """With the keys of the simulator's account; every step of the connection test is seen."""
    await page.get_by_role("button", name="Ajouter un broker").click()
    await page.get_by_label("Nom").fill("Principal")
    await page.get_by_label("Clé API").fill(exchange.key)
    await page.get_by_label("Clé secrète").fill(exchange.secret)
    await page.get_by_role("button", name="Enregistrer").last.click()
    await page.get_by_text("Tout fonctionne.").wait_for()
    await page.get_by_text("La clé ne peut pas retirer de fonds").wait_for()
    await page.get_by_role("dialog").get_by_role("button", name="Fermer").last.click()


async def take_address(page: Page) -> str:
    """Make a webhook address and read it."""
    await page.get_by_role("button", name="Adresse du webhook: Principal").click()
    await page.get_by_role("button", name="Nouvelle adresse").click()
    shown = page.locator("pre", has_text="/webhook/")
    await shown.wait_for()
    await page.get_by_role("button", name="Copier l’adresse").click()
    await page.get_by_role("button", name="Envoyer un test").click()
    await page.get_by_text("Le test arrivé", exact=False).or_(page.get_by_text("Le test est arrivé")).wait_for()
    return (await shown.inner_text()).strip()


def row(page: Page, table: str, text: str) -> Any:
    """A row of one of the two tables, by a text in it."""
    return page.get_by_label(table).locator(".ag-row", has_text=text)


async def post(url: str, **alert: Any) -> float:
    """Send an alert as TradingView does; the moment at which it was acknowledged."""
    async with httpx.AsyncClient(trust_env=False) as web:
        answer = await web.post(url, json=alert)
    assert answer.status_code == 200, answer.text
    return SystemClock().monotonic()


async def seconds_until_seen(begun: float, *locators: Any) -> float:
    """How long after its answer an alert showed on all these pages."""
    for locator in locators:
        await locator.first.wait_for()
    return SystemClock().monotonic() - begun


async def test_an_alert_becomes_a_position_on_every_page_of_its_owner_and_on_no_other(
    home: Home, exchange: Exchange, visit: OpenBrowser
) -> None:
    alice = await visit(home.url, thrifty=False)
    await move_in(alice, home)
    await add_broker(alice, exchange)
    url = await take_address(alice)
    assert url.startswith(f"{home.webhooks}/webhook/")

    (home.folder / "password").write_text(PASSWORD)
    home.command("user", "add", "Bob", "--password-file", str(home.folder / "password"))
    bob, second = await visit(home.url), await visit(home.url, thrifty=False)
    await log_in(bob, "Bob")
    await log_in(second, "Alice")
    await alice.goto("/webhooks")
    pages = (alice, second)
    for page in (*pages, bob):
        await page.get_by_text("Aucune position ouverte").wait_for()

    begun = await post(url, Action="BuyMarket", Symbol="BTCUSDT", PourCent=50, PrixSL="-2%", PrixTP="+3%", id="one")
    entered = await seconds_until_seen(
        begun, *(row(page, ALERTS, "BuyMarket") for page in pages), *(row(page, POSITIONS, "BTC/USDT") for page in pages)
    )
    await row(alice, ALERTS, "BuyMarket").get_by_text("Exécutée").wait_for()
    stop = row(alice, POSITIONS, "BTC/USDT").locator("[col-id=stop]")
    first_stop = await stop.inner_text()
    assert re.search(r"\d", first_stop)

    begun = await post(url, Action="MAJ", Symbol="BTCUSDT", PrixSL="-1%", id="two")
    await alice.wait_for_function(
        "([before]) => document.querySelector('[row-id] [col-id=stop]')?.innerText !== before", arg=[first_stop]
    )
    moved_to = row(second, POSITIONS, "BTC/USDT").locator("[col-id=stop]", has_text=await stop.inner_text())
    moved = await seconds_until_seen(begun, moved_to)

    begun = await post(url, Action="SellMarket", Symbol="BTCUSDT", id="three")
    closed = await seconds_until_seen(begun, *(page.get_by_text("Aucune position ouverte") for page in pages))
    assert statistics.median([entered, moved, closed]) < 5.0  # pushed: a page that asks would ask every few seconds
    assert await bob.get_by_text("BTC/USDT").count() == 0
    assert await bob.get_by_text("Aucune alerte sur cette période").count() == 1


async def test_logging_out_closes_every_page_of_that_login_at_once(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await log_in(page, "Alice", "/statistics")
    other = await page.context.new_page()
    await other.goto("/webhooks")
    await other.get_by_label(ALERTS).wait_for()
    await page.get_by_role("button", name="Connecté en tant que Alice").click()
    begun = SystemClock().monotonic()
    await page.get_by_text("Se déconnecter").click()
    for one in (page, other):
        await one.wait_for_url("**/login**", wait_until="commit")
    assert SystemClock().monotonic() - begun < 5.0  # nobody polls: what the browser itself needs to leave a page


async def test_the_page_is_usable_by_keyboard_alone(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice", "/statistics")
    await page.get_by_text("En préparation").wait_for()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.innerText") == "Aller à la page"
    for _entry in range(3):
        await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.getAttribute('href')") == "/heartbeat"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/heartbeat")
    await page.get_by_text("Bougies par unité de temps").wait_for()


async def libraries_asked_for(page: Page, home: Home) -> int:
    """How many of the three large libraries a page of tables has the browser fetch: tables, charts, editor."""
    urls: set[str] = set()
    page.on("request", lambda request: urls.add(request.url))
    await come_in(page, home, "Alice", "/statistics")
    await page.get_by_text("En préparation").wait_for()
    await page.wait_for_timeout(2_000)  # a page that stands looks ahead after a second and a half
    return sum(re.search(r"/esm/\w+/index\.js$", url) is not None for url in urls)


async def test_who_saves_data_is_sent_what_a_page_needs_and_nothing_for_the_others(home: Home, visit: OpenBrowser) -> None:
    assert await libraries_asked_for(await visit(home.url), home) == 1
    assert await libraries_asked_for(await visit(home.url, thrifty=False), home) == 3


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (900, 700), (390, 844)])
async def test_no_page_is_wider_than_the_screen(home: Home, visit: OpenBrowser, width: int, height: int) -> None:
    page = await visit(home.url, width=width, height=height)
    await come_in(page, home, "Alice")
    for path in ("/webhooks", "/account", "/backtest"):
        await page.goto(path)
        await page.locator("h1").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


async def test_the_menu_opens_and_closes_on_a_phone(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url, width=390, height=844)
    await come_in(page, home, "Alice")
    assert not await page.get_by_role("link", name="Compte").is_visible()
    await page.get_by_role("button", name="Ouvrir le menu").click()
    await page.get_by_role("link", name="Compte").click()
    await page.wait_for_url("**/account")
    await page.get_by_role("link", name="Compte").wait_for(state="hidden")
