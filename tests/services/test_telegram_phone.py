"""A chat is linked by a code from the screen; `/halt` stops after a second look, for the linked person alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.kinds import HaltLevel, HaltScope, Role
from aristobot.notices import Outlet
from aristobot.store import audit, users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.notifiers.channel import ChannelFault
from services.telegram_halt import PRESS_SECONDS
from services.telegram_link import CODE_SECONDS
from tests.services.outside import TOKEN, Belfry, TelegramServer, hand, telegram_server


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """Telegram."""
    async with telegram_server() as server:
        yield server


@pytest.fixture
async def belfry(lite: Database, tmp_path: Path, clock: ManualClock, telegram: TelegramServer) -> AsyncIterator[Belfry]:
    """A house that listens to its bots."""
    opened = Belfry(lite, tmp_path, clock, telegram.url)
    opened.run(opened.phone)
    yield opened
    await opened.stop()


async def _with_a_bot(belfry: Belfry) -> User:
    user = await belfry.user(Role.TRADER, name="alice", language="fr")
    await belfry.settings.save(user.id, Outlet.TELEGRAM, {"token": TOKEN}, hand(user))
    return user


async def _linked(belfry: Belfry, telegram: TelegramServer) -> User:
    user = await _with_a_bot(belfry)
    telegram.write(f"/start {belfry.phone.code(user.id)}")
    await belfry.until(lambda: any("liée à" in text for text in telegram.texts))
    return user


async def _offered(belfry: Belfry, telegram: TelegramServer) -> None:
    before = len(telegram.sent)
    telegram.write("/halt")
    await belfry.until(lambda: len(telegram.sent) > before)


async def test_a_code_of_the_screen_links_the_chat_in_which_it_is_written_once(belfry: Belfry, telegram: TelegramServer) -> None:
    user = await _with_a_bot(belfry)
    assert not (await belfry.settings.channels(user.id))[Outlet.TELEGRAM].ready
    code = belfry.phone.code(user.id)
    telegram.write(f"/start {code.lower()}", chat=7)
    await belfry.until(lambda: telegram.sent)
    view = (await belfry.settings.channels(user.id))[Outlet.TELEGRAM]
    assert (view.ready, view.settings["chat_id"], view.settings["bot"]) == (True, 7, "aristotest_bot")
    telegram.write(f"/start {code}", chat=8)
    await belfry.until(lambda: len(telegram.sent) == 2)
    assert "faux ou trop ancien" in telegram.texts[1]
    assert (await belfry.settings.channels(user.id))[Outlet.TELEGRAM].settings["chat_id"] == 7


async def test_an_old_or_a_replaced_code_links_nothing_and_guessing_is_held_back(
    belfry: Belfry, telegram: TelegramServer
) -> None:
    user = await _with_a_bot(belfry)
    replaced, old = belfry.phone.code(user.id), belfry.phone.code(user.id)
    telegram.write(f"/start {replaced}")
    await belfry.until(lambda: len(telegram.sent) == 1)
    await belfry.clock.advance(CODE_SECONDS + 1)
    telegram.write(f"/start {old}")
    await belfry.until(lambda: len(telegram.sent) == 2)
    for number in range(20):
        telegram.write(f"/start GUESS{number}")
    telegram.write(f"/start {belfry.phone.code(user.id)}", chat=8)
    await belfry.until(lambda: "liée à" in telegram.texts[-1])
    wrong = [one for one in telegram.sent if one["chat_id"] == 7]
    assert len(wrong) <= 6


async def test_halt_asks_first_and_a_pressed_button_stops_the_users_trading(belfry: Belfry, telegram: TelegramServer) -> None:
    user = await _linked(belfry, telegram)
    await _offered(belfry, telegram)
    assert belfry.kill_switch.active() == []
    telegram.press(telegram.button("halt"))
    await belfry.until(lambda: telegram.edited)
    [halt] = belfry.kill_switch.active()
    assert (halt.scope, halt.scope_id, halt.level) == (HaltScope.USER, user.id, HaltLevel.HALT)
    assert halt.set_by == f"{user.name} (telegram)"
    assert "arrêté" in telegram.edited[0]["text"]
    entry = (await belfry.db.read(SYSTEM, audit.recent))[0]
    assert (entry.action, entry.via, entry.user_id) == ("halt.set", "telegram", user.id)
    telegram.write("/status")
    await belfry.until(lambda: "aucune nouvelle entrée" in telegram.texts[-1])


async def test_a_button_works_once_and_not_for_long(belfry: Belfry, telegram: TelegramServer) -> None:
    await _linked(belfry, telegram)
    await _offered(belfry, telegram)
    old = telegram.button("reduce")
    await belfry.clock.advance(PRESS_SECONDS + 1)
    telegram.press(old)
    await belfry.until(lambda: len(telegram.edited) == 1)
    await _offered(belfry, telegram)
    no = telegram.button("no")
    telegram.press(no)
    await belfry.until(lambda: len(telegram.edited) == 2)
    telegram.press(no.replace("no:", "halt:"))
    await belfry.until(lambda: len(telegram.edited) == 3)
    assert belfry.kill_switch.active() == []
    assert [("ancien" in one["text"]) for one in telegram.edited] == [True, False, True]


async def test_strangers_groups_and_those_who_only_look_stop_nothing(belfry: Belfry, telegram: TelegramServer) -> None:
    user = await _linked(belfry, telegram)

    def demote(session: GuardedSession) -> None:
        users.get(session, user.id).role = Role.VIEWER

    await belfry.db.write(SYSTEM, demote)
    seen = len(telegram.sent)
    telegram.write("/halt", chat=999)
    telegram.write("/halt", kind="group")
    telegram.press("halt:whatever", chat=999)
    telegram.write("/halt")
    await belfry.until(lambda: len(telegram.sent) > seen)
    assert len(telegram.sent) == seen + 1
    assert "rôle" in telegram.texts[-1]
    assert belfry.kill_switch.active() == []


async def test_odd_messages_leave_the_bot_listening(belfry: Belfry, telegram: TelegramServer) -> None:
    await _linked(belfry, telegram)
    telegram._put({"message": {"chat": {"id": "seven", "type": "private"}}})
    telegram._put({"message": None})
    telegram._put({"callback_query": {"message": {"chat": {"id": 7, "type": "private"}, "message_id": "x"}, "data": 5}})
    telegram._put({"message": {"chat": {"id": 7, "type": "private"}, "text": None}})
    telegram.write("hello")
    await belfry.until(lambda: "/halt" in telegram.texts[-1] and "/status" in telegram.texts[-1])


async def test_a_bot_that_telegram_does_not_know_is_not_kept(belfry: Belfry, telegram: TelegramServer) -> None:
    telegram.token = "another"
    user = await belfry.user()
    with pytest.raises(ChannelFault, match="channel_token"):
        await belfry.settings.save(user.id, Outlet.TELEGRAM, {"token": TOKEN}, hand(user))
    assert await belfry.settings.channels(user.id) == {}


async def test_a_removed_bot_is_no_longer_listened_to(belfry: Belfry, telegram: TelegramServer) -> None:
    user = await _linked(belfry, telegram)
    await belfry.settings.remove(user.id, Outlet.TELEGRAM, hand(user))
    await belfry.until(lambda: not belfry.phone._bots)
    telegram.write("/halt")
    await belfry.clock.advance(5)
    assert belfry.kill_switch.active() == []
