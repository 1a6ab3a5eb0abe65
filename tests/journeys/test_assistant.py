"""The assistant beside the editor, in a real browser against a provider on this machine: nothing leaves unseen, nothing runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.test_accessibility import faults
from tests.journeys.test_first_day import move_in
from tests.journeys.test_strategies import from_template, line
from tests.services.oracle import KEY, Oracle, an_oracle

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
WISH = "Achète quand le RSI remonte au-dessus de 30, revends à 60."
DRAFT = '''"""Buy a fall that has run its course."""


class Reversal(Strategy):
    timeframe = "1h"

    def should_long(self):
        rsi = ta.rsi(self.candles, 14, sequential=True)
        return rsi[-2] < 30 <= rsi[-1]

    def should_exit(self):
        return ta.rsi(self.candles, 14) > 60

    def stop_loss_price(self):
        return self.pirce * 0.96
'''
ANSWER = (
    "<think>RSI…</think>",
    "### Ce que fait l’ébauche\n\n- achète quand le **RSI** remonte\n- revend à `60`\n",
    '<img src="http://127.0.0.1:9/seen" onerror="document.title=\'hacked\'"> [ici](javascript:alert(1))\n\n```python\n',
    *re.findall(r".{1,40}", DRAFT, re.DOTALL),
    "```\n\nÀ essayer avant de s’y fier.",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot that nobody lives in yet."""
    folder: Path = tmp_path_factory.mktemp("assistant")
    with a_home(folder / "data", [], exchange.settings) as running:
        yield running


async def choose_provider(page: Page, url: str) -> None:
    """On the account page."""
    await page.get_by_label("Fournisseur", exact=True).click()
    await page.get_by_role("option", name="Un autre", exact=False).click()
    await page.get_by_label("Adresse", exact=True).fill(url)
    await page.get_by_label("Modèle").fill("tiny")
    await page.get_by_label("Clé", exact=True).fill(KEY)
    card = page.locator("section.panel", has=page.get_by_role("heading", name="Fournisseur d’IA"))
    await card.get_by_role("button", name="Enregistrer").click()
    await expect(card.get_by_text("Une clé est enregistrée", exact=False)).to_be_visible()


async def ask(page: Page, beside: Locator, words: str) -> None:
    """See what would leave, and look for what must not."""
    await beside.get_by_label("Que doit-elle faire ?").fill(words)
    await page.keyboard.press("Control+Enter")
    await expect(beside.get_by_text("Rien n’est encore parti", exact=False)).to_be_visible()


async def the_draft_is_seen_and_taken(page: Page, beside: Locator, oracle: Oracle) -> None:
    """Streamed, checked, compared; taken over as one step that can be undone."""
    await expect(beside.locator(".stream")).to_contain_text("RSI")
    await expect(beside.get_by_role("button", name="Arrêter")).to_be_focused()
    oracle.go_on.set()
    await expect(beside.get_by_role("heading", name="Ce que fait l’ébauche")).to_be_visible()
    answer = beside.locator(".answer")
    assert await answer.locator("img, a, script").count() == 0
    await expect(answer).to_contain_text("[ici](javascript:alert(1))")
    await expect(answer).not_to_contain_text("RSI…")
    await expect(beside.locator(".draft-remarks")).to_contain_text("« price »")
    await expect(beside.locator(".compare .came", has_text="class Reversal(Strategy):")).to_be_visible()
    await expect(beside.locator(".compare .went", has_text="class EmaCross(Strategy):")).to_be_visible()

    assert await faults(page) == []
    before = await page.locator(".cm-content").inner_text()
    await beside.get_by_role("button", name="Reprendre dans l’éditeur").click()
    await expect(line(page, "class Reversal(Strategy):")).to_be_visible()
    await expect(page.locator(".cm-wavy.cm-error")).to_have_text("self.pirce")
    await expect(page.get_by_text("non enregistrée", exact=True)).to_be_visible()
    await page.locator(".cm-content").click()
    await page.keyboard.press("Control+z")
    await expect(line(page, "class EmaCross(Strategy):")).to_be_visible()
    assert await page.locator(".cm-content").inner_text() == before
    await page.keyboard.press("Control+y")
    await expect(line(page, "class Reversal(Strategy):")).to_be_visible()


async def nothing_of_another_comes_back(page: Page) -> None:
    """Another strategy is opened: what was typed into the one before cannot be undone into it."""
    await page.get_by_role("button", name="Nouvelle stratégie").first.click()
    await page.get_by_role("radio", name=re.compile("Retournement du RSI")).click()
    await page.get_by_role("button", name="Créer", exact=True).click()
    await expect(line(page, "class RsiReversal(Strategy):")).to_be_visible()
    await page.locator(".cm-content").click()
    before = await page.locator(".cm-content").inner_text()
    for _press in range(3):
        await page.keyboard.press("Control+z")
    assert await page.locator(".cm-content").inner_text() == before


async def test_a_strategy_is_asked_for_seen_to_leave_and_taken_over(home: Home, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await from_template(page, "Croisement de moyennes")
    await page.get_by_role("button", name="Assistant", exact=True).click()
    await expect(page.get_by_text("Personne à qui demander")).to_be_visible()
    await page.get_by_role("button", name="Choisir un fournisseur").click()
    async with an_oracle() as oracle:
        oracle.words, oracle.mood = ANSWER, "slow"
        await choose_provider(page, oracle.url)
        await page.goto("/strategies")
        await page.get_by_role("button", name="Assistant", exact=True).click()
        beside = page.get_by_role("complementary", name="Assistant")
        await ask(page, beside, f"{WISH} Ma clé : {SECRET}")
        await expect(beside.get_by_text(f"127.0.0.1:{oracle.port} (OpenAI API)")).to_be_visible()
        await expect(beside.get_by_text("clés ou mots de passe (1)", exact=False)).to_be_visible()
        assert await faults(page) == []
        shown = await beside.locator("pre").all_inner_texts()
        assert oracle.asked == []
        await page.keyboard.press("Enter")  # « Envoyer » has the focus
        await the_draft_is_seen_and_taken(page, beside, oracle)
        [(_, _, _, sent)] = oracle.asked
        assert [one["content"] for one in sent["messages"]][::-1] == [shown[0], await beside_instructions(sent, shown)]
        assert SECRET not in json.dumps(sent)
        assert "Alice" not in json.dumps(sent)
    await expect(page.locator(".version-item")).to_have_count(1)  # nothing was saved, nothing was run
    await expect(page.get_by_text("pas essayée", exact=True)).to_be_visible()
    assert "hacked" not in await page.title()

    await beside.get_by_role("button", name="Autre demande").click()
    await ask(page, beside, WISH)  # nobody is there any more
    await beside.get_by_role("button", name="Envoyer", exact=True).click()
    await expect(beside.get_by_role("alert")).to_contain_text("vérifiez l’adresse et le port")
    await beside.get_by_role("button", name="Modifier la demande").click()
    await expect(beside.get_by_label("Que doit-elle faire ?")).to_have_value(WISH)
    await nothing_of_another_comes_back(page)


async def beside_instructions(sent: dict[str, list[dict[str, str]]], shown: list[str]) -> str:
    """The instructions that left, which were shown letter by letter too."""
    left = sent["messages"][0]["content"]
    assert left in (shown[1], left.strip())
    return left
