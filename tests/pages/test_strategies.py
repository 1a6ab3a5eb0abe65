"""The page of strategies: begun from a template, looked over as it is typed, saved as versions, never lost."""

from __future__ import annotations

from typing import Any

import pytest
from nicegui import ElementFilter
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.kinds import Role
from aristobot.store.tables import User as Resident
from services.app import App
from tests.pages.visitors import a_resident, come_in, until
from tests.street import HAND


def one(screen: User, marker: str) -> Any:
    """The first element with this mark, hidden or not."""
    with screen:
        return next(iter(ElementFilter(marker=marker)))


def texts(screen: User, marker: str) -> list[str]:
    """What the elements with this mark say, with all that is inside them."""
    with screen:
        found = [*ElementFilter(marker=marker)]
    return [" ".join(str(getattr(part, "text", "")) for part in root.descendants(include_self=True)).strip() for root in found]


@pytest.fixture
async def alice(app: App) -> Resident:
    """A user with one strategy of one version."""
    who = await a_resident(app)
    await app.strategies.create(who.id, "Cross", "class S(Strategy):\n    pass\n")
    return who


@pytest.fixture
async def page(screen: User, app: App, alice: Resident) -> User:
    """Her page, open."""
    await come_in(screen, app, alice)
    await screen.open("/strategies")
    await screen.should_see(marker="bench-name")
    return screen


async def test_a_first_visit_offers_a_template_and_opens_what_is_made(screen: User, app: App) -> None:
    bob = await a_resident(app, "bob")
    await come_in(screen, app, bob)
    await screen.open("/strategies")
    await screen.should_see("Pas encore de stratégie")
    screen.find(marker="first-strategy").click()
    await screen.should_see(marker="template-breakout")
    screen.find(marker="template-breakout").click()
    assert one(screen, "strategy-name").value == "Cassure de plage"
    screen.find(marker="create-strategy").click()
    await until(lambda: "class Breakout" in one(screen, "code").value)
    assert [row.row.name for row in await app.strategies.mine(bob.id)] == ["Cassure de plage"]


async def test_what_is_typed_is_looked_over_and_kept_as_a_draft(
    page: User, app: App, clock: ManualClock, alice: Resident
) -> None:
    await page.should_see("version 1")
    one(page, "code").set_value("class S(Strategy):\n    x = pirce\n")
    await page.should_see("non enregistrée")
    await until(lambda: any("pirce" in text for text in texts(page, "finding")), clock)
    (row,) = await app.strategies.mine(alice.id)

    async def kept() -> str | None:
        return (await app.strategies.get(alice.id, row.row.id)).draft

    await clock.advance(2)
    await until(lambda: "brouillon" in " ".join(texts(page, "strategy-item")), clock)
    assert await kept() == "class S(Strategy):\n    x = pirce\n"
    await page.open("/strategies")
    await page.should_see("Brouillon de la version 1")
    assert "pirce" in one(page, "code").value
    page.find(marker="discard-draft").click()
    await page.should_see(marker="confirm")
    page.find(marker="confirm").click()
    await until(lambda: "pirce" not in one(page, "code").value)
    assert await kept() is None


async def test_a_save_is_the_next_version_with_its_trial(page: User, app: App, alice: Resident) -> None:
    text = "class S(Strategy):\n    def should_long(self):\n        return True\n"
    one(page, "code").set_value(text)
    page.find(marker="save-strategy").click()
    await page.should_see("version 2")
    (row,) = await app.strategies.mine(alice.id)
    assert row.versions == 2
    await until(lambda: one(page, "trial-verdict").text not in ("pas essayée", "en cours…"))
    (newest, _oldest) = await app.strategies.versions(alice.id, row.row.id)
    assert newest.code == text
    assert newest.review is not None


async def test_an_older_version_is_compared_and_taken_back(page: User, app: App, alice: Resident) -> None:
    (row,) = await app.strategies.mine(alice.id)
    await app.strategies.save(alice.id, row.row.id, "class S(Strategy):\n    timeframe = '4h'\n")
    await page.open("/strategies")
    await page.should_see(marker="bench-name")
    page.find(marker="menu-compare").click()
    await page.should_see(marker="compare-count")
    await until(lambda: one(page, "compare-count").text == "+1 −1 lignes")
    page.find(marker="take-version").click()
    assert one(page, "code").value == "class S(Strategy):\n    pass\n"


async def test_it_is_renamed_put_away_and_taken_back(page: User, app: App, alice: Resident) -> None:
    page.find(marker="menu-rename").click()
    await page.should_see(marker="new-name")
    one(page, "new-name").set_value("Crossing")
    page.find(marker="rename").click()
    await until(lambda: one(page, "bench-name").text == "Crossing")
    page.find(marker="menu-archive").click()
    await page.should_see(marker="confirm")
    page.find(marker="confirm").click()
    await page.should_see("Pas encore de stratégie")
    await page.should_see("Archives (1)")
    assert [row.row.name for row in await app.strategies.mine(alice.id, archived=True)] == ["Crossing"]


async def test_who_only_looks_reads_and_presses_nothing(screen: User, app: App) -> None:
    vera = await a_resident(app, "vera", role=Role.TRADER)
    await app.strategies.create(vera.id, "Cross", "a = 1")
    await a_resident(app, "olga")
    await app.accounts.household.change(vera.id, HAND, role=Role.VIEWER)
    await come_in(screen, app, vera)
    await screen.open("/strategies")
    await screen.should_see("version 1")
    for marker in ("save-strategy", "try-strategy", "code", "new-strategy"):
        assert not one(screen, marker).enabled, marker


async def test_a_file_becomes_a_strategy_with_a_name_of_its_own_and_goes_out_as_a_file(
    page: User, app: App, alice: Resident
) -> None:
    page.find(marker="new-strategy").click()
    await page.should_see(marker="strategy-name")
    upload = one(page, "strategy-file")
    for name, data in (("broken.py", b"\xff\xfe"), ("cross.py", b"\xef\xbb\xbfb = 2\r\n")):
        await upload.handle_uploads([SmallFileUpload(name=name, content_type="text/x-python", _data=data)])
    await page.should_see("pas un texte en UTF-8")
    await until(lambda: one(page, "bench-name").text == "cross 2")
    assert one(page, "code").value == "b = 2\n"
    page.find(marker="menu-export").click()
    answer = await page.download.next()
    assert answer.content == b"b = 2\n"
    assert sorted(row.row.name for row in await app.strategies.mine(alice.id)) == ["Cross", "cross 2"]
