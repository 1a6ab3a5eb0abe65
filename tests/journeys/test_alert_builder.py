"""From the wish to the alert: composed on the account page, read back by the house, copied, and tried through the real door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import ALERTS, add_broker, move_in, row, take_address

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("builder")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def choose(page: Page, label: str, option: str) -> None:
    """Pick from a list of the form."""
    await page.get_by_role("combobox", name=label).click()
    await page.get_by_role("option", name=option, exact=True).click()


async def copied(page: Page, builder: Locator, button: str) -> str:
    """What a copy button puts on the clipboard."""
    await builder.get_by_role("button", name=button).click()
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text


async def compose(page: Page, builder: Locator) -> None:
    """A limit buy with 40 %, a stop, and two targets."""
    await choose(page, "Que faire", "Acheter à cours limité")
    await builder.get_by_label("Symbole").fill("BINANCE:BTCUSDT")
    await builder.get_by_label("Part (%)").first.fill("40")
    await builder.get_by_label("Stop", exact=True).fill("-1.5%")
    await builder.get_by_role("button", name="Ajouter un objectif").click()
    targets = builder.get_by_label("Objectif", exact=True)
    await expect(targets).to_have_count(2)
    await targets.last.fill("+6%")


async def test_an_alert_is_composed_read_back_copied_and_tried(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await move_in(page, home)
    await add_broker(page, exchange)
    address = await take_address(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Composer une alerte: Principal").click()
    builder = page.get_by_role("dialog", name="Composer une alerte pour Principal")
    await compose(page, builder)
    reading = builder.get_by_role("status")
    for words in (
        "La maison comprend ce message.",
        "40\u00a0% de l’argent libre",
        "50 % → +3% · 50 % → +6%",
        "BTC/USDT sur Binance",
    ):
        await reading.get_by_text(words).first.wait_for()

    shown = builder.get_by_text("/webhook/••••••")
    assert (await shown.inner_text()).endswith(address[-4:])
    message = json.loads(await copied(page, builder, "Copier le message"))
    assert (message["action"], message["symbol"], message["percent"]) == ("BuyLimit", "BINANCE:BTCUSDT", "40")
    assert message["take_profit"] == [["50%", "+3%"], ["50%", "+6%"]]
    await builder.get_by_role("tab", name="Script Pine").click()
    script = await copied(page, builder, "Copier le script")
    assert script.startswith("//@version=6")
    assert "alertcondition" in script

    await builder.get_by_role("tab", name="Message de l’alerte").click()
    await builder.get_by_label("Message de l’alerte").fill('{"action": "buy", "symbol": {{ticker}}}')
    await reading.get_by_text("entre guillemets").wait_for()
    await builder.get_by_label("Message de l’alerte").fill(json.dumps(message))
    await reading.get_by_text("La maison comprend ce message.").wait_for()
    await builder.get_by_role("button", name="Envoyer en test").click()
    await builder.get_by_text("Il est arrivé comme PING et il est enregistré").wait_for()
    await page.goto("/webhooks")
    await row(page, ALERTS, "PING").first.wait_for()
    assert await row(page, ALERTS, "BuyLimit").count() == 0
