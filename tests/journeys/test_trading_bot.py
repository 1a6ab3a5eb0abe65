"""A strategy at work in a real browser: activated, started, seen to decide and to hold a position, stopped, sold out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import move_in

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
EAGER = """
class Eager(Strategy):
    timeframe = "1m"

    def hyperparameters(self):
        return [{"name": "depth", "type": float, "min": 1, "max": 50, "default": 10}]

    def should_long(self):
        return True

    def filters(self):
        return [self.it_is_open]

    def it_is_open(self):
        return True

    def stop_loss_price(self):
        return self.price * (1 - self.hp["depth"] / 100)

    def watch_list(self):
        return [("close", self.price)]
"""
#: Milliseconds until a candle of a minute has closed for certain, and been decided on.
A_CANDLE = 90_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("bot")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def furnish(home: Home, exchange: Exchange) -> None:
    """A broker for strategies, and a strategy that enters at once."""
    token = home.command("token", "create", "--user", "Alice", "--scope", "trade").strip().splitlines()[-1].split()[-1]
    async with httpx.AsyncClient(base_url=home.url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as web:
        broker = {"exchange": "binance", "name": "Robots", "mode": "STRATEGIES"}
        made = await web.post("/api/brokers/", json=broker | {"api_key": exchange.key, "api_secret": exchange.secret})
        assert made.status_code == 201, made.text
        assert (await web.post(f"/api/brokers/{made.json()['id']}/load-markets/")).is_success
        written = await web.post("/api/strategies/", json={"name": "Pressée", "code": EAGER})
        assert written.status_code == 201, written.text


async def activate(page: Page) -> None:
    """Through the dialog: the pair from the list, an amount, a parameter."""
    await page.goto("/trading-bot")
    await expect(page.get_by_text("Aucune stratégie au travail pour l’instant")).to_be_visible()
    await page.get_by_role("button", name="Nouvelle activation").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("depth")).to_have_value("10")
    await dialog.get_by_label("depth").fill("12")
    await dialog.get_by_role("button", name="ETH/USDT", exact=True).click()
    await dialog.get_by_label("Montant alloué").fill("250,5")
    await dialog.get_by_role("button", name="Créer", exact=True).click()
    await expect(page.get_by_text("Robots · ETH/USDT · 1m")).to_be_visible()
    await expect(page.locator(".bot .tag")).to_have_text("Au repos")


async def press(page: Page, button: str, confirmed: str) -> None:
    """A button of the card, and yes."""
    await page.locator(".bot").get_by_role("button", name=button).click()
    await page.get_by_role("dialog").get_by_role("button", name=confirmed, exact=True).click()


async def test_a_strategy_is_activated_seen_at_work_and_stopped(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await furnish(home, exchange)
    await activate(page)
    await press(page, "Démarrer", "Démarrer")
    await expect(page.locator(".bot .tag")).to_have_text("Au travail")
    await expect(page.get_by_text("Elle attend sa première bougie close.")).to_be_visible()

    await expect(page.get_by_text(re.compile("Achat de .* ETH"))).to_be_visible(timeout=A_CANDLE)
    await expect(page.locator(".bot-figure", has_text="Position")).to_have_text(re.compile(r"0,\d+"))
    await expect(page.locator(".bot-figure", has_text="Dernière décision")).to_contain_text("entrée, sorties")
    await expect(page.locator(".bot-figure", has_text="Gain latent")).to_contain_text("USDT")
    await expect(page.locator(".bot-filter")).to_have_text(re.compile("it_is_open.*laisse passer"))
    await expect(page.locator(".bot-watch dt", has_text="close")).to_be_visible()

    await press(page, "Arrêter", "Arrêter")
    await expect(page.locator(".bot .tag")).to_have_text("Au repos")
    await press(page, "Clôturer la position", "Vendre maintenant")
    await expect(page.locator(".bot-figure", has_text="Position")).to_contain_text("aucune")
    await press(page, "Supprimer cette activation", "Supprimer")
    await expect(page.get_by_text("Aucune stratégie au travail pour l’instant")).to_be_visible()
