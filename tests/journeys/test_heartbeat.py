"""The heartbeat in a real browser: the market moves, and the page with it; another market is a choice away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import PASSWORD, Exchange, Home, a_home
from tests.journeys.test_first_day import come_in

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

#: What the chart itself holds: its symbol's bars, and the last price that is drawn.
_CHART = """() => { const chart = [...document.querySelectorAll('.candle-chart')].map(e => getElement(Number(e.id.slice(1))).chart)[0];
  const of = id => chart.getOption().series.find(s => s.id === id); return [of('candles').data.length, of('live').data[0]?.[2]]; }"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot in which Alice lives."""
    folder: Path = tmp_path_factory.mktemp("heartbeat")
    with a_home(folder / "data", [], exchange.settings) as running:
        (running.folder / "password").write_text(PASSWORD)
        running.command("user", "add", "Alice", "--admin", "--password-file", str(running.folder / "password"))
        yield running


async def look_at_the_market(page: Page, home: Home) -> None:
    """Come in, and go to the heartbeat."""
    await come_in(page, home, "Alice", "/heartbeat")
    await page.locator(".beat-row").first.wait_for()


async def move(exchange: Exchange, price: str) -> None:
    """Let the market move."""
    async with httpx.AsyncClient(trust_env=False) as web:
        answer = await web.post(f"{exchange.control}/price", json={"symbol": "BTC/USDT", "price": price})
    assert answer.status_code == 200, answer.text


async def let_walk(exchange: Exchange, *, on: bool) -> None:
    """Let the prices walk by themselves, second by second, or stand still until they are moved."""
    async with httpx.AsyncClient(trust_env=False) as web:
        answer = await web.post(f"{exchange.control}/walk", json={"on": on})
    assert answer.status_code == 200, answer.text


@pytest_asyncio.fixture(loop_scope="session")
async def still_prices(exchange: Exchange) -> AsyncIterator[None]:
    """Prices that stand where they were moved to, however long it takes to look; they walk on afterwards."""
    await let_walk(exchange, on=False)
    yield
    await let_walk(exchange, on=True)


@pytest.mark.usefixtures("still_prices")
async def test_the_market_moves_and_the_page_with_it(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await look_at_the_market(page, home)
    await page.get_by_text("Connecté", exact=True).wait_for()
    assert await page.locator(".beat-card").count() == 6

    await move(exchange, "61234.5")
    forming = page.get_by_label("Bougies 5m").locator(".beat-row.beat-forming")
    await forming.locator(".candle-close", has_text="61\u202f234,50").wait_for()  # a candle may open at that price, too
    await page.locator(".stream-line", has_text="C 61234.5").first.wait_for()
    await page.locator(".stat", has_text="Dernier prix").get_by_text("61\u202f234,50").wait_for()
    await page.wait_for_function(f"() => {{ const [bars, last] = ({_CHART})(); return bars >= 239 && last === 61234.5; }}")
    history = page.get_by_label("Bougies 1h").locator(".beat-row.beat-history .candle-when").first
    assert await history.evaluate("e => getComputedStyle(e).color") == "rgb(255, 176, 32)"
    assert await forming.locator(".candle-close").evaluate("e => getComputedStyle(e).color") == "rgb(0, 255, 136)"

    await page.get_by_role("button", name="Mettre en pause").click()
    await page.get_by_role("button", name="Reprendre").wait_for()
    await move(exchange, "61300")
    await forming.locator(".candle-close", has_text="61\u202f300,00").wait_for()
    assert await page.locator(".stream-line", has_text="C 61300").count() == 0
    await let_walk(exchange, on=True)
    await page.get_by_role("button", name="Reprendre").click()
    await page.locator(".stream-line", has_text="C 61300").first.wait_for()


async def test_every_candle_of_a_table_is_reached_by_keyboard(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await look_at_the_market(page, home)
    await move(exchange, "61100")
    table = page.get_by_label("Bougies 4h")
    rows = table.locator(".beat-row")
    await table.locator(".beat-forming").wait_for()  # from here on it has all its rows
    assert await rows.count() < 30
    await table.focus()
    await page.keyboard.press("End")
    last = await table.locator("table").get_attribute("aria-rowcount")
    assert last is not None
    assert int(last) >= 241
    await table.locator(f"[aria-rowindex='{last}']").wait_for()
    assert await rows.count() < 30
    await page.keyboard.press("Home")
    await table.locator("[aria-rowindex='2']").wait_for()


async def test_another_market_is_chosen_by_keyboard_and_lives_too(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await look_at_the_market(page, home)
    symbol = page.get_by_label("Symbole")
    await symbol.click()
    await page.get_by_role("option", name="ETH/USDT").wait_for()
    await symbol.fill("eth/usdt")
    await page.get_by_role("option", name="BTC/USDT").wait_for(state="detached")
    await page.get_by_role("option", name="ETH/USDT").wait_for()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="ETH/USDT").wait_for()
    await page.locator(".stream-line", has_text="ETH/USDT").first.wait_for()
    await page.get_by_label("Bougies 1m").locator(".beat-row.beat-forming").wait_for()
    await page.get_by_role("button", name="1h", exact=True).click()
    await page.wait_for_function(f"() => ({_CHART})()[0] >= 239")


@pytest.mark.parametrize("width", [1440, 900, 390])
async def test_the_page_is_never_wider_than_the_screen(home: Home, visit: OpenBrowser, width: int) -> None:
    page = await visit(home.url, width=width)
    await look_at_the_market(page, home)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
