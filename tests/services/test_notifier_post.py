"""News leave the house: once, together, again after a failure, under the same name after a crash; a failure stops nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from aristobot.notices import Notice, NoticeKind, Outlet
from aristobot.store import notifications
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM
from services import notifier_post
from services.notifier_post import NotifierPost
from services.notifiers.outbound_webhook import OutboundWebhook, signature
from tests.exchanges.small_server import Asked, Say, SmallServer, small_server
from tests.services.outside import Belfry, hand

KEY = "a secret of the tests"


@pytest.fixture
async def address() -> AsyncIterator[SmallServer]:
    """An address that takes every message."""
    async with small_server() as server:
        server.rest = lambda _: Say({})
        yield server


@pytest.fixture
async def belfry(lite: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Belfry]:
    """A house with a post."""
    opened = Belfry(lite, tmp_path, clock)
    opened.run(opened.post)
    yield opened
    await opened.stop()


async def _listener(belfry: Belfry, address: SmallServer, **differences: Any) -> User:
    """Somebody whose news go to the address."""
    user = await belfry.user(**differences)
    form = {"url": f"{address.endpoints.rest}/hook", "key": KEY}
    await belfry.settings.save(user.id, Outlet.WEBHOOK, form, hand(user))
    return user


async def _tell(belfry: Belfry, user: User, text: str, kind: NoticeKind = NoticeKind.BACKUP) -> None:
    await belfry.book.tell(user.id, Notice(kind, "reason.told_backup_failed", {"detail": text}))


def _documents(address: SmallServer) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in address.asked]


def _details(address: SmallServer) -> list[list[str]]:
    return [[item["facts"]["detail"] for item in document["notifications"]] for document in _documents(address)]


async def _waiting(belfry: Belfry) -> int:
    """How many lanes there are, whenever they are due."""
    later = belfry.clock.now() + timedelta(days=365)
    return len(await belfry.db.read(SYSTEM, lambda s: notifications.lanes(s, later, later)))


async def test_a_message_is_json_signed_so_that_its_reader_knows_that_it_is_ours(belfry: Belfry, address: SmallServer) -> None:
    user = await _listener(belfry, address, language="fr")
    await _tell(belfry, user, "plus de place")
    await belfry.until(lambda: address.asked, moving=1)
    asked, document = address.asked[0], _documents(address)[0]
    assert (asked.method, asked.path) == ("POST", "/hook")
    assert asked.headers["x-aristobot-signature"] == signature(KEY, asked.headers["x-aristobot-timestamp"], asked.body)
    assert asked.headers["x-aristobot-delivery"] == document["id"]
    assert document["title"] == "Sauvegarde en échec"
    assert document["notifications"][0] | {"id": "", "at": ""} == {
        "id": "",
        "kind": "backup",
        "code": "reason.told_backup_failed",
        "at": "",
        "count": 1,
        "text": "Aucune sauvegarde n’a pu être faite\u00a0: plus de place",
        "facts": {"detail": "plus de place"},
    }
    await belfry.until(lambda: _nothing_waits(belfry))


async def _nothing_waits(belfry: Belfry) -> bool:
    return await _waiting(belfry) == 0


async def test_a_storm_becomes_one_message_and_the_rest_a_few(belfry: Belfry, address: SmallServer) -> None:
    user = await _listener(belfry, address)
    for number in range(40):
        await _tell(belfry, user, str(number))
    await belfry.until(lambda: address.asked, moving=1)
    assert [sorted(map(int, message)) for message in _details(address)] == [list(range(40))]
    assert "30 " in _documents(address)[0]["text"], "ten are told in full, of the rest how many they are"


async def test_a_long_storm_is_slowed_down_and_nothing_of_it_is_lost(belfry: Belfry, address: SmallServer) -> None:
    user = await _listener(belfry, address)
    began = belfry.clock.monotonic()
    for number in range(120):
        await _tell(belfry, user, str(number))
        await belfry.clock.advance(1, settle=3)
    await belfry.until(lambda: sum(map(len, _details(address))) == 120, moving=1)
    assert [text for message in _details(address) for text in message] == [str(number) for number in range(120)]
    elapsed = belfry.clock.monotonic() - began
    assert len(address.asked) <= 3 + elapsed / 20 + 1


async def test_a_channel_that_fails_is_told_behind_the_bell_once_and_tried_until_it_works(
    belfry: Belfry, address: SmallServer
) -> None:
    user = await _listener(belfry, address)
    address.rest = lambda _: Say({}, 500)
    await _tell(belfry, user, "news")
    await belfry.until(lambda: len(address.asked) >= 3, moving=1)
    rows = await belfry.told(user, 2)
    failed = next(row for row in rows if row.kind is NoticeKind.CHANNEL)
    assert failed.count == 1
    view = (await belfry.settings.channels(user.id))[Outlet.WEBHOOK]
    assert (view.fault, view.fault_facts) == ("channel_answer", {"status": "500"})
    address.rest = lambda _: Say({})
    await belfry.until(lambda: _nothing_waits(belfry), moving=2)
    view = (await belfry.settings.channels(user.id))[Outlet.WEBHOOK]
    assert (view.fault, view.failing_since) == ("", None)
    assert len({asked.headers["x-aristobot-delivery"] for asked in address.asked}) == 1
    assert _details(address)[-1] == ["news"], "the channel is not told of its own failure"


async def test_the_pauses_grow_and_the_other_side_may_ask_for_longer_ones(belfry: Belfry, address: SmallServer) -> None:
    moments: list[float] = []

    def busy(_asked: Asked) -> Say:
        moments.append(belfry.clock.monotonic())
        return Say({}, 429, {"Retry-After": "120"}) if len(moments) == 1 else Say({}, 500)

    user = await _listener(belfry, address)
    address.rest = busy
    await _tell(belfry, user, "news")
    await belfry.until(lambda: len(moments) >= 3, moving=4)
    first, second = moments[1] - moments[0], moments[2] - moments[1]
    assert first >= 120
    assert 15 <= second < 60


async def test_a_message_that_was_cut_off_by_a_crash_leaves_again_under_the_same_name(
    db: Database, tmp_path: Path, clock: ManualClock, address: SmallServer
) -> None:
    belfry = Belfry(db, tmp_path, clock)
    user = await _listener(belfry, address)
    arrived = asyncio.Event()

    def never(_asked: Asked) -> Say:
        arrived.set()
        return Say({}, 500)

    address.rest = never
    await _tell(belfry, user, "before")
    belfry.run(belfry.post)
    await belfry.until(arrived.is_set, moving=1)
    await belfry.stop()
    await _tell(belfry, user, "after")
    address.rest = lambda _: Say({})
    channels = {Outlet.WEBHOOK: OutboundWebhook(clock)}
    belfry.run(NotifierPost(db, belfry.bus, clock, book=belfry.book, settings=belfry.settings, channels=channels))
    await belfry.until(lambda: len(address.asked) == 3, moving=1)
    await belfry.stop()
    first, again, new = (asked.headers["x-aristobot-delivery"] for asked in address.asked)
    assert first == again != new
    assert _details(address) == [["before"], ["before"], ["after"]]


async def test_a_switched_off_kind_or_channel_and_a_disabled_user_send_nothing(belfry: Belfry, address: SmallServer) -> None:
    user = await _listener(belfry, address)
    await belfry.settings.switch(user.id, NoticeKind.BACKUP, frozenset({Outlet.TOAST}))
    await _tell(belfry, user, "not this")
    await belfry.settings.enable(user.id, Outlet.WEBHOOK, enabled=False, by=hand(user))
    await _tell(belfry, user, "nor this", NoticeKind.SERVICE)
    await belfry.settings.enable(user.id, Outlet.WEBHOOK, enabled=True, by=hand(user))
    await _tell(belfry, user, "this", NoticeKind.SERVICE)
    await belfry.until(lambda: address.asked, moving=1)
    assert _details(address) == [["this"]]


async def test_what_nobody_took_for_a_day_is_let_go(
    belfry: Belfry, address: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier_post, "_LOOK_EVERY", 300.0)  # seventeen thousand looks in a day show no more than these
    user = await _listener(belfry, address)
    address.rest = lambda _: Say({}, 500)
    await _tell(belfry, user, "old")
    await belfry.until(lambda: address.asked, moving=1)
    await belfry.clock.advance(86_400, settle=1)
    await belfry.until(lambda: _nothing_waits(belfry), moving=5)


async def test_a_silent_channel_of_one_user_holds_nobody_else_up(belfry: Belfry, address: SmallServer) -> None:
    slow, quick = await belfry.user(), await _listener(belfry, address)
    await belfry.settings.save(slow.id, Outlet.WEBHOOK, {"url": "http://127.0.0.1:9/", "key": KEY}, hand(slow))
    await _tell(belfry, slow, "nowhere")
    await _tell(belfry, quick, "news")
    await belfry.until(lambda: address.asked, moving=1)
    assert _details(address) == [["news"]]


async def test_a_repaired_channel_is_tried_at_once(belfry: Belfry, address: SmallServer) -> None:
    user = await belfry.user()
    await belfry.settings.save(user.id, Outlet.WEBHOOK, {"url": "http://127.0.0.1:9/", "key": KEY}, hand(user))
    await _tell(belfry, user, "news")

    async def fails() -> bool:
        return bool((await belfry.settings.channels(user.id))[Outlet.WEBHOOK].fault)

    await belfry.until(fails, moving=1)
    await belfry.settings.save(user.id, Outlet.WEBHOOK, {"url": f"{address.endpoints.rest}/hook"}, hand(user))
    before = belfry.clock.monotonic()
    await belfry.until(lambda: address.asked, moving=0.2)
    assert belfry.clock.monotonic() - before < 5
    assert address.asked[0].headers["x-aristobot-signature"].startswith("sha256="), "the key that was not typed again stayed"


async def test_secrets_lie_sealed_and_are_never_shown(belfry: Belfry, address: SmallServer) -> None:
    user = await _listener(belfry, address)
    rows = await belfry.db.read(user.id, notifications.channels)
    assert KEY not in repr(rows[0].model_dump())
    view = (await belfry.settings.channels(user.id))[Outlet.WEBHOOK]
    assert KEY not in repr(view)
    assert "/hook" not in repr(view)
    assert (await belfry.settings.opened(rows[0]))["key"] == KEY
