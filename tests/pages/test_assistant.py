"""The assistant's panel: whom it would ask, what would leave, what came back; nothing is saved and nothing is run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nicegui import ElementFilter
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from aristobot.clock import ManualClock
from aristobot.kinds import Role
from aristobot.store.tables import User as Resident
from services.app import App
from tests.pages.test_strategies import one, texts
from tests.pages.visitors import a_resident, come_in, until
from tests.services.oracle import KEY, Oracle, an_oracle
from tests.street import HAND

CODE = "class S(Strategy):\n    def should_long(self):\n        return self.pirce > 1\n"
MENDED = CODE.replace("pirce", "price")


@pytest.fixture
async def oracle() -> AsyncIterator[Oracle]:
    """A provider on this machine that mends the code."""
    async with an_oracle() as running:
        running.words = ("Voilà :\n", f"```python\n{MENDED}```")
        yield running


@pytest.fixture
async def alice(app: App, oracle: Oracle) -> Resident:
    """A user with a provider and a strategy that has an error."""
    who = await a_resident(app)
    form = {"ai_provider": "compatible", "ai_url": oracle.url, "ai_model": "tiny", "ai_key": KEY}
    await app.accounts.profiles.update(who.id, form, HAND)
    await app.strategies.create(who.id, "Cross", CODE)
    return who


@pytest.fixture
async def page(screen: User, app: App, alice: Resident) -> User:
    """Her page, with the assistant beside the editor."""
    await come_in(screen, app, alice)
    await screen.open("/strategies")
    await screen.should_see(marker="bench-name")
    screen.find(marker="open-assistant").click()
    await screen.should_see(marker="assistant-look")
    return screen


async def press(screen: User, marker: str, then: str) -> None:
    """Click, and wait for what comes then."""
    screen.find(marker=marker).click()
    await screen.should_see(marker=then)


def there(screen: User, marker: str) -> bool:
    """Whether there is any element with this mark."""
    with screen:
        return any(True for _ in ElementFilter(marker=marker))


async def mend(screen: User) -> None:
    """Ask for the error to be mended, up to the last button."""
    screen.find(marker="task-fix").click()
    await until(lambda: "2 remarques" in one(screen, "assistant-remarks").text)
    await press(screen, "assistant-look", "assistant-send")


async def test_what_leaves_is_shown_first_and_a_draft_is_taken_over_unsaved(
    page: User, app: App, alice: Resident, oracle: Oracle, clock: ManualClock
) -> None:
    await mend(page)
    assert oracle.asked == []
    assert "line 3: error: " in one(page, "outgoing-material").text
    shown = [one(page, f"outgoing-{part}").text for part in ("instructions", "material")]
    assert f"127.0.0.1:{oracle.port} (OpenAI API)" in " ".join(texts(page, "outgoing-facts"))
    await press(page, "assistant-send", "draft-card")
    await until(lambda: one(page, "draft-count").text == "+1 −1 lignes")
    [(_, _, _, sent)] = oracle.asked
    assert [message["content"] for message in sent["messages"]] == shown
    assert "pirce" not in " ".join(texts(page, "draft-remarks"))
    one(page, "code").set_value(CODE + "\n# mine\n")  # meanwhile the author goes on typing
    await until(lambda: one(page, "draft-count").text == "+1 −3 lignes", clock)
    page.find(marker="take-draft").click()
    await until(lambda: one(page, "code").value == MENDED)
    await page.should_see("Ctrl-Z")
    await clock.advance(2)
    (row,) = await app.strategies.mine(alice.id)
    assert (row.versions, row.row.archived_at) == (1, None)  # nothing was saved
    assert one(page, "trial-verdict").text == "pas essayée"  # and nothing was run


async def test_a_draft_that_is_thrown_away_changes_nothing(page: User) -> None:
    await mend(page)
    await press(page, "assistant-send", "draft-card")
    await until(lambda: one(page, "draft-count").text)
    page.find(marker="drop-draft").click()
    await page.should_see("L’éditeur est resté comme il était")
    assert one(page, "code").value == CODE
    page.find(marker="assistant-again").click()
    await until(lambda: one(page, "assistant-form").visible)


async def test_an_answer_outlives_the_page_and_stays_with_its_strategy(page: User, app: App, alice: Resident) -> None:
    assert not one(page, "assistant-last").visible
    await mend(page)
    await press(page, "assistant-send", "draft-card")
    (first,) = await app.strategies.mine(alice.id)
    other = await app.strategies.create(alice.id, "Other", "x = 1\n")
    await page.open(f"/strategies?strategy={other.id}")
    await page.should_see(marker="bench-name")
    await press(page, "open-assistant", "assistant-look")
    assert not one(page, "assistant-last").visible
    await page.open(f"/strategies?strategy={first.row.id}")
    await page.should_see(marker="bench-name")
    await press(page, "open-assistant", "assistant-last")
    await press(page, "assistant-last", "draft-card")
    await until(lambda: one(page, "draft-count").text == "+1 −1 lignes")


async def test_an_answer_is_stopped_and_what_came_stays(page: User, oracle: Oracle) -> None:
    oracle.mood = "slow"
    await mend(page)
    await press(page, "assistant-send", "assistant-stop")
    await until(lambda: "Voilà" in one(page, "assistant-stream").text)
    await press(page, "assistant-stop", "assistant-heard")
    await until(oracle.gone.is_set)
    assert "Voilà" in one(page, "assistant-heard").text
    oracle.mood = 200
    await press(page, "assistant-resend", "draft-card")


@pytest.mark.parametrize(("mood", "words"), [(401, "refuse la clé"), (429, "dans une minute"), ("html", "/v1")])
async def test_what_went_wrong_is_said_with_its_cure(page: User, oracle: Oracle, mood: Any, words: str) -> None:
    oracle.mood = mood
    await mend(page)
    await press(page, "assistant-send", "assistant-fault")
    assert words in " ".join(texts(page, "assistant-fault"))
    assert KEY not in " ".join(texts(page, "assistant"))
    assert there(page, "assistant-cure")
    page.find(marker="assistant-again").click()
    await until(lambda: one(page, "assistant-form").visible)


async def test_another_strategy_begins_with_a_clean_desk(page: User, app: App, alice: Resident, oracle: Oracle) -> None:
    def items() -> list[Element]:
        with page:
            return [*ElementFilter(marker="strategy-item")]

    await app.strategies.create(alice.id, "Other", "x = 1\n")
    oracle.mood = "slow"
    await mend(page)
    await press(page, "assistant-send", "assistant-stop")
    await until(lambda: oracle.asked)
    await until(lambda: len(items()) == 2)
    UserInteraction(page, {next(item for item in items() if "aria-current" not in item.props)}, None).click()
    await until(lambda: one(page, "bench-name").text == "Other")
    await until(oracle.gone.is_set)  # an answer that belongs to the one before is not waited for
    assert one(page, "assistant-form").visible
    assert not there(page, "assistant-stop")


async def test_a_question_without_words_is_told_at_its_field(page: User, oracle: Oracle) -> None:
    page.find(marker="task-pine").click()
    page.find(marker="assistant-look").click()
    await until(lambda: "collez le script" in str(one(page, "assistant-words").error))
    assert oracle.asked == []


async def test_without_a_provider_it_leads_to_where_one_is_chosen(screen: User, app: App) -> None:
    bob = await a_resident(app, "bob")
    await app.strategies.create(bob.id, "Cross", CODE)
    await come_in(screen, app, bob)
    await screen.open("/strategies")
    await screen.should_see(marker="bench-name")
    await press(screen, "open-assistant", "choose-provider")
    await screen.should_see("Personne à qui demander")
    assert not one(screen, "assistant-form").visible


async def test_who_only_looks_asks_nobody(screen: User, app: App) -> None:
    vera = await a_resident(app, "vera", role=Role.TRADER)
    await app.strategies.create(vera.id, "Cross", CODE)
    await a_resident(app, "olga")
    await app.accounts.household.change(vera.id, HAND, role=Role.VIEWER)
    await come_in(screen, app, vera)
    await screen.open("/strategies")
    await screen.should_see(marker="bench-name")
    assert not one(screen, "open-assistant").enabled
