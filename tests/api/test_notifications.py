"""News, channels and the kill switch by API."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal

import pytest

from aristobot.kinds import HaltLevel, TokenScope
from aristobot.notices import Notice, NoticeKind
from aristobot.store import audit
from aristobot.store.tenancy import SYSTEM
from services.kill_switch import HALT_FILE
from tests.builders import a_position
from tests.exchanges.small_server import Say, small_server
from tests.street import Person, Street


async def _tell(street: Street, person: Person, text: str) -> None:
    await street.app.news.book.tell(person.id, Notice(NoticeKind.BACKUP, "reason.told_backup_failed", {"detail": text}))


async def test_news_are_listed_in_words_newest_first_and_marked_read(street: Street, alice: Person, bob: Person) -> None:
    for text in ("first", "second", "third"):
        await _tell(street, bob, text)
    page = (await bob.web.get("/api/notifications/", params={"limit": 2})).json()
    assert [one["message"] for one in page["items"]] == [f"No backup could be taken: {text}" for text in ("third", "second")]
    rest = (await bob.web.get("/api/notifications/", params={"limit": 2, "cursor": page["next"]})).json()
    assert [one["facts"]["detail"] for one in rest["items"]] == ["first"]
    ids = [page["items"][0]["id"]]
    assert (await alice.web.post("/api/notifications/read/", json={"ids": ids})).json() == {"unread": 0}
    assert (await bob.web.post("/api/notifications/read/", json={"ids": ids})).json() == {"unread": 2}
    unread = (await bob.web.get("/api/notifications/", params={"unread": True})).json()["items"]
    assert [one["facts"]["detail"] for one in unread] == ["second", "first"]
    assert (await bob.web.post("/api/notifications/read/", json={})).json() == {"unread": 0}


async def test_switches_change_one_kind_and_leave_the_others(street: Street, bob: Person) -> None:
    before = (await bob.web.get("/api/notifications/settings/")).json()
    after = (await bob.web.patch("/api/notifications/settings/", json={"switches": {"halt": ["email"]}})).json()
    assert after["switches"] == before["switches"] | {"halt": ["email"]}
    wrong = await bob.web.patch("/api/notifications/settings/", json={"switches": {"halt": ["pigeon"]}})
    assert wrong.status_code == 422


async def test_a_channel_is_set_up_tried_switched_off_and_removed_and_keeps_its_secrets(street: Street, bob: Person) -> None:
    path, form = "/api/notifications/channels/webhook/", {"url": "", "key": "a long enough secret"}
    async with small_server() as server:
        server.rest = lambda _: Say({})
        form["url"] = f"{server.endpoints.rest}/secret-path"
        made = await bob.web.put(path, json={"form": form})
        assert made.status_code == 200, made.text
        assert "secret" not in made.text
        assert (await bob.web.post(path + "test/")).status_code == 204
        assert json.loads(server.asked[0].body)["title"] == "Test"
        server.rest = lambda _: Say({}, 500)
        failed = await bob.web.post(path + "test/")
        assert (failed.status_code, failed.json()["error"]["code"]) == (409, "channel_answer")
    off = await bob.web.put(path, json={"enabled": False})
    assert off.json()["enabled"] is False
    assert (await bob.web.delete(path)).status_code == 204
    assert (await bob.web.get("/api/notifications/settings/")).json()["channels"] == []
    assert (await bob.web.put(path, json={"form": {"url": "ftp://x"}})).json()["error"]["field"] == "url"


async def test_a_token_that_may_only_read_changes_nothing(street: Street) -> None:
    reader = await street.person("Carol", TokenScope.READ)
    answers = [
        await reader.web.patch("/api/notifications/settings/", json={"switches": {}}),
        await reader.web.put("/api/notifications/channels/webhook/", json={}),
        await reader.web.post("/api/kill-switch/", json={}),
    ]
    assert [one.status_code for one in answers] == [403, 403, 403]
    assert (await reader.web.get("/api/notifications/")).status_code == 200


async def test_what_a_halt_would_do_is_told_and_its_setting_and_release_are_on_record(street: Street, bob: Person) -> None:
    broker = await bob.broker()
    told = await bob.web.get("/api/kill-switch/outlook/", params={"scope": "broker", "scope_id": broker["id"]})
    assert told.json() == {"brokers": ["Main"], "entries": 0, "positions": 0, "value": {}}
    assert (await bob.web.get("/api/kill-switch/outlook/", params={"scope": "all"})).status_code == 403
    await bob.web.post("/api/kill-switch/", json={"level": "reduce", "reason": "tired"})
    newest = (await street.app.db.read(SYSTEM, audit.recent))[0]
    assert (newest.action, newest.user_id, (newest.after or {})["level"]) == ("halt.set", bob.id, "reduce")


async def test_what_a_halt_would_sell_is_told_to_its_last_digit(street: Street, bob: Person) -> None:
    broker = await street.app.brokers.get(bob.id, uuid.UUID((await bob.broker())["id"]))
    held = a_position(broker, quantity=Decimal("0.03327669"), current_price=Decimal("0.000000123456789012"))
    await street.app.db.write(bob.id, lambda s: s.add(held))
    told = await bob.web.get("/api/kill-switch/outlook/")
    assert told.status_code == 200, told.text
    assert told.json() == {"brokers": ["Main"], "entries": 0, "positions": 1, "value": {"USDT": "0.00000000410823329634773028"}}


@pytest.mark.parametrize("level", list(HaltLevel))
async def test_every_scope_and_level_can_be_stopped_by_api(street: Street, alice: Person, bob: Person, level: HaltLevel) -> None:
    broker = await bob.broker()
    ids = {"all": None, "user": str(bob.id), "broker": broker["id"]}
    for scope, scope_id in ids.items():
        made = await alice.web.post("/api/kill-switch/", json={"scope": scope, "scope_id": scope_id, "level": level.value})
        assert made.status_code == 201
        [seen] = (await bob.web.get("/api/kill-switch/")).json()["items"]
        assert (seen["scope"], seen["scope_id"], seen["level"]) == (scope, scope_id, level.value)
        assert street.app.kill_switch.level(bob.id, uuid.UUID(broker["id"])) is level
        await alice.web.delete("/api/kill-switch/")
    unknown = {"scope": "strategy", "scope_id": str(uuid.uuid4()), "level": level.value}
    assert (await alice.web.post("/api/kill-switch/", json=unknown)).status_code == 404


async def test_an_administrator_halts_another_user_and_takes_the_halt_file_away(
    street: Street, alice: Person, bob: Person
) -> None:
    made = await alice.web.post("/api/kill-switch/", json={"scope": "user", "scope_id": str(bob.id)})
    assert made.status_code == 201
    (street.app.settings.data_dir / HALT_FILE).touch()
    await street.app.kill_switch.load()
    seen = (await bob.web.get("/api/kill-switch/")).json()["items"]
    assert [(one["scope"], one["reason"]) for one in seen] == [("all", "halt_file"), ("user", "")]
    assert len((await alice.web.delete("/api/kill-switch/")).json()["items"]) == 2
    assert not (street.app.settings.data_dir / HALT_FILE).exists()
    assert (await bob.web.get("/api/kill-switch/")).json()["items"] == []


async def test_a_halt_file_beside_its_row_is_one_halt_that_is_told_and_released_once(street: Street, alice: Person) -> None:
    file = street.app.settings.data_dir / HALT_FILE
    file.touch()
    form = {"scope": "all", "level": "reduce", "reason": "storm"}
    made = (await alice.web.post("/api/kill-switch/", json=form)).json()
    assert (await alice.web.get("/api/kill-switch/")).json()["items"] == [made]
    assert (await alice.web.delete("/api/kill-switch/")).json()["items"] == [made]
    assert not file.exists()
    assert (await alice.web.get("/api/kill-switch/")).json()["items"] == []
    assert street.app.kill_switch.level(alice.id, uuid.uuid4()) is None
