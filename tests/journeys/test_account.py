"""Somebody is invited, chooses a password, speaks English, and is sent away; tokens, and an AI provider that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from aristobot.clock import SystemClock
from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_first_day import move_in
from tests.services.oracle import KEY, an_oracle

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
OWN = "sept lapins dans le pré"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("household")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def shown_once(page: Page) -> str:
    """A secret that is shown now, and put away."""
    dialog = page.get_by_role("dialog").last
    secret = await dialog.locator("pre").inner_text()
    await dialog.get_by_role("button", name="Je l’ai noté").click()
    await dialog.wait_for(state="hidden")
    return secret.strip()


async def agree(page: Page, words: str) -> None:
    """Press the button of the question that is asked."""
    await page.get_by_role("dialog").get_by_role("button", name=words, exact=True).click()


async def invite(page: Page, name: str) -> str:
    """Add a trader; their one-time password."""
    await page.get_by_role("button", name="Ajouter un utilisateur").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nom").fill(name)
    await dialog.get_by_role("button", name="Ajouter", exact=True).click()
    await page.get_by_text(f"Mot de passe de {name}").wait_for()
    return await shown_once(page)


async def first_login(page: Page, name: str, once: str) -> None:
    """With the one-time password, choosing one's own."""
    await page.goto("/account")
    await page.get_by_label("Nom").fill(name)
    await page.get_by_label("Mot de passe", exact=True).fill(once)
    await page.get_by_role("button", name="Se connecter").click()
    await page.get_by_label("Votre propre mot de passe").fill(OWN)
    await page.get_by_label("Le même mot de passe").fill(OWN)
    await page.get_by_role("button", name="Se connecter").click()
    await page.get_by_role("button", name="Arrêter le trading").wait_for()


async def make_use_and_revoke_a_token(page: Page, home: Home) -> None:
    """A token is shown once, opens the API, and opens nothing once it is revoked."""
    await page.get_by_role("button", name="Créer un jeton").click()
    await page.get_by_label("À quoi il sert").fill("mon tableur")
    await page.get_by_role("dialog").get_by_role("button", name="Créer", exact=True).click()
    await page.get_by_text("Le jeton", exact=True).wait_for()
    token = await shown_once(page)
    async with httpx.AsyncClient(base_url=home.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as web:
        assert (await web.get("/api/account/")).json()["name"] == "Alice"
        await page.get_by_role("button", name="Révoquer mon tableur").click()
        await agree(page, "Révoquer")
        await page.get_by_text("Pas encore de jeton").wait_for()
        assert (await web.get("/api/account/")).status_code == 401


async def try_an_ai_provider(page: Page) -> None:
    """With a wrong key, then with the right one; nothing is saved."""
    async with an_oracle() as oracle:
        await page.get_by_label("Fournisseur", exact=True).click()
        await page.get_by_role("option", name="Un autre", exact=False).click()
        await page.get_by_label("Adresse", exact=True).fill(oracle.url)
        await page.get_by_label("Modèle").fill("tiny")
        await page.get_by_label("Clé", exact=True).fill("sk-wrong")
        await page.get_by_role("button", name="Essayer").click()
        await page.get_by_text("Le fournisseur refuse la clé", exact=False).wait_for()
        await page.get_by_label("Clé", exact=True).fill(KEY)
        await page.get_by_role("button", name="Essayer").click()
        await page.get_by_text("Le modèle répond", exact=False).wait_for()


async def test_a_household_is_kept_from_the_account_page(home: Home, visit: OpenBrowser) -> None:
    alice = await visit(home.url)
    await move_in(alice, home)
    await make_use_and_revoke_a_token(alice, home)
    await try_an_ai_provider(alice)
    once = await invite(alice, "Bob")

    bob, elsewhere = await visit(home.url), await visit(home.url, width=390, height=844)
    await first_login(bob, "Bob", once)
    await alice.get_by_text("Actifs\u00a0: 2 sur 5").wait_for()
    assert await bob.get_by_text("Foyer", exact=True).count() == 0
    await elsewhere.goto("/strategies")
    await elsewhere.get_by_label("Nom").fill("Bob")
    await elsewhere.get_by_label("Mot de passe", exact=True).fill(OWN)
    await elsewhere.get_by_role("button", name="Se connecter").click()
    await elsewhere.get_by_role("button", name="Arrêter le trading").wait_for()

    await bob.get_by_label("Langue").click()
    await bob.get_by_role("option", name="English").click()
    await bob.get_by_role("button", name="Enregistrer").first.click()
    await bob.get_by_text("Your brokers, your language", exact=False).wait_for()
    await elsewhere.get_by_role("button", name="Stop trading").wait_for()  # the other browser too, by itself

    await bob.get_by_role("button", name="Log out everywhere else").click()
    asked = SystemClock().monotonic()
    await agree(bob, "Log out there")
    await elsewhere.wait_for_url("**/login")
    assert SystemClock().monotonic() - asked < 5.0  # 0.3 s of it is the page’s own farewell

    await alice.get_by_label("Ce que Bob peut faire").click()
    await alice.get_by_role("option", name="Observateur").click()
    await agree(alice, "Modifier")
    await bob.wait_for_url("**/login")
    await bob.get_by_label("Nom").fill("Bob")
    await bob.get_by_label("Mot de passe", exact=True).fill(OWN)
    await bob.get_by_role("button", name="Se connecter").click()
    stop = bob.get_by_role("button", name="Stop trading")
    await stop.wait_for()
    assert await stop.is_disabled()
    assert "viewer" in (await stop.get_attribute("title") or "")
