"""axe looks at every page in a real browser, on a desk and on a phone: nothing serious may stand in anybody's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import ViewportSize

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import add_broker, come_in, move_in, post, row, take_address

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

#: axe-core 4.14.1, MPL 2.0, unchanged.
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
PAGES = (
    "/webhooks", "/heartbeat", "/manual-trading", "/trading-bot", "/strategies", "/backtest", "/statistics", "/log", "/account",
)  # fmt: skip
#: All of axe's rules. Of a table it looks at the first two rows: the others are made alike.
_RUN = """async () => (await axe.run(
    {include: document, exclude: ['.ag-row:not([row-index="0"]):not([row-index="1"])']}, {resultTypes: ["violations"]})).violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => one.id + ": " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + " (" + node.failureSummary + ")").join(" | "))"""


DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
_STILL = """() => document.getAnimations().every(one => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)
  && [...document.querySelectorAll(".skeletons")].every(list => !list.offsetParent)
  && [...document.querySelectorAll(".ag-header-row-column")].every(row => row.childElementCount || !row.offsetParent)"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    with a_home(tmp_path_factory.mktemp("accessible") / "data", [], exchange.settings) as running:
        yield running


async def faults(page: Page) -> list[str]:
    """What axe calls serious or critical on the page as it stands."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = await page.evaluate(_RUN)
    return found


async def settled(page: Page, path: str) -> None:
    """The page with its head, its tables drawn, and nothing that still moves."""
    await page.goto(path)
    await page.locator("h1").wait_for()
    await page.wait_for_load_state("networkidle")
    await page.wait_for_function(_STILL)


async def test_nobody_is_kept_out_at_the_door(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await page.goto("/")
    await page.get_by_label("Nom").wait_for()
    assert await faults(page) == []
    await move_in(page, home)
    await add_broker(page, exchange)
    address = await take_address(page)
    assert await faults(page) == []  # the dialog of the address
    await post(address, Action="BuyMarket", Symbol="BTCUSDT", PourCent=50, PrixSL="-2%", PrixTP="+3%", id="one")
    await page.goto("/webhooks")
    await row(page, "Alertes reçues", "BuyMarket").get_by_text("Exécutée").wait_for()
    await page.context.clear_cookies()
    await page.goto("/login")
    await page.get_by_label("Nom").wait_for()
    assert await faults(page) == []


async def test_no_page_has_a_serious_fault_on_a_desk_or_on_a_phone(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice")
    found: dict[str, Any] = {}
    for path in PAGES:
        await page.set_viewport_size(DESK)
        await settled(page, path)
        found[path] = await faults(page)
        await page.set_viewport_size(PHONE)
        await page.wait_for_function(_STILL)
        found[f"{path} on a phone"] = await faults(page)
    assert not {path: what for path, what in found.items() if what}


async def test_dialogs_palette_and_path_have_no_serious_fault(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await come_in(page, home, "Alice")
    await row(page, "Alertes reçues", "BuyMarket").click()
    await page.get_by_role("button", name="Parcours de l’alerte").wait_for()
    found = {"alert": await faults(page)}
    await page.get_by_role("button", name="Parcours de l’alerte").click()
    await page.get_by_text("Alerte terminée").wait_for()
    found["path"] = await faults(page)
    await settled(page, "/log")
    await page.get_by_label("Lignes", exact=True).locator(".ag-row").first.click()
    await page.get_by_text("Endroit du code").wait_for()
    found["line"] = await faults(page)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.get_by_role("option", name="Journal").wait_for()
    found["palette"] = await faults(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Arrêter le trading").click()
    await page.get_by_role("dialog").wait_for()
    found["kill switch"] = await faults(page)
    assert not {what: said for what, said in found.items() if said}
