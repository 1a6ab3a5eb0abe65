"""The household by API: users with one-time passwords, the AI provider, and how costs are told."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from aristobot.errors import AccessDenied
from aristobot.events import HouseholdChanged, PositionUpdated, TokensChanged
from aristobot.orders import OrderStatus, Side
from aristobot.store import audit
from aristobot.store.tenancy import SYSTEM
from services.sign_in import LoginForm
from tests.builders import a_fill_row, a_position, an_order
from tests.services.entrance import HERE
from tests.services.oracle import KEY, MODELS, an_oracle
from tests.street import Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWN = "sept lapins dans le pré"
D = Decimal


async def test_a_user_without_a_password_gets_one_that_is_good_once(street: Street, alice: Person) -> None:
    heard: list[HouseholdChanged] = []
    street.app.bus.listen(HouseholdChanged, do=heard.append)
    made = await alice.web.post("/api/users/", json={"name": "Carl", "role": "viewer"})
    assert made.status_code == 201, made.text
    once = made.json()["one_time_password"]
    sign_in = street.app.accounts.sign_in
    with pytest.raises(AccessDenied, match="choose_password"):
        await sign_in.log_in(LoginForm("Carl", once), HERE)
    assert await sign_in.log_in(LoginForm("Carl", once, chosen=OWN), HERE)
    listed = await alice.web.get("/api/users/")
    assert once not in listed.text
    assert [one["must_choose_password"] for one in listed.json()["items"]] == [False, False]
    chosen = await alice.web.post("/api/users/", json={"name": "Dora", "password": OWN})
    assert (chosen.status_code, chosen.json()["one_time_password"]) == (201, None)
    assert len(heard) == 2


async def test_a_password_is_reset_and_everything_of_its_user_ends(street: Street, alice: Person, bob: Person) -> None:
    user = await street.app.accounts.household.get(bob.id)
    opened = await street.app.accounts.sessions.open(user)
    answer = await alice.web.post(f"/api/users/{bob.id}/reset-password/")
    assert answer.status_code == 200, answer.text
    told = (await alice.web.get(f"/api/users/{bob.id}/")).json()
    assert told["password_expires_at"] == answer.json()["expires_at"]
    assert not street.app.accounts.sessions.alive(opened.who.session_id)
    assert await street.app.accounts.sign_in.log_in(LoginForm("Bob", answer.json()["one_time_password"], chosen=OWN), HERE)
    entries = await street.app.db.read(SYSTEM, lambda s: audit.recent(s, 10))
    reset = next(entry for entry in entries if entry.action == "user.password_reset")
    assert (reset.actor, reset.via, reset.subject) == ("Alice", "api", f"user:{bob.id}")
    assert (await alice.web.post(f"/api/users/{uuid.uuid4()}/reset-password/")).status_code == 404


async def test_the_last_administrator_is_neither_disabled_nor_demoted(street: Street, alice: Person) -> None:
    for change in ({"is_active": False}, {"role": "trader"}):
        answer = await alice.web.patch(f"/api/users/{alice.id}/", json=change)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_administrator")


async def test_tokens_tell_when_they_come_and_go(street: Street, alice: Person, bob: Person) -> None:
    heard: list[TokensChanged] = []
    street.app.bus.listen(TokensChanged, do=heard.append)
    made = await alice.web.post("/api/tokens/", json={"scope": "trade", "user_id": str(bob.id)})
    await alice.web.delete(f"/api/tokens/{made.json()['id']}/")
    assert [event.user_id for event in heard] == [bob.id, bob.id]


async def test_the_ai_provider_is_kept_tried_and_its_key_never_told(street: Street, bob: Person) -> None:
    async with an_oracle() as oracle:
        form = {"ai_provider": "compatible", "ai_url": oracle.url, "ai_model": "tiny", "ai_key": KEY}
        tried = await bob.web.post("/api/account/ai-test/", json=form)
        assert (tried.json()["ok"], tried.json()["models"]) == (True, list(MODELS))
        assert not (await bob.web.get("/api/account/")).json()["ai_key_set"]
        kept = await bob.web.patch("/api/account/", json=form)
        assert (kept.status_code, kept.json()["ai_key_set"]) == (200, True)
        assert KEY not in kept.text
        oracle.mood = 402
        poor = (await bob.web.post("/api/account/ai-test/")).json()
        assert (poor["ok"], poor["reason"]) == (False, "error.ai_no_credit")
        assert "credit" in poor["message"]
        assert KEY not in str(poor)
    refused = await bob.web.patch("/api/account/", json={"ai_url": "http://169.254.169.254/v1"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "ai_url")


async def test_another_way_to_tell_costs_is_seen_in_the_next_answer_and_told_to_every_page(street: Street, bob: Person) -> None:
    heard: list[PositionUpdated] = []
    street.app.bus.listen(PositionUpdated, do=heard.append)
    broker = await street.app.brokers.get(bob.id, uuid.UUID((await bob.broker())["id"]))
    position = a_position(broker)
    orders = [an_order(broker, position_id=position.id, status=OrderStatus.FILLED) for _ in range(3)]
    rows = [a_fill_row(row, price=D(price)) for row, price in zip(orders, (40_000, 50_000, 60_000), strict=True)]
    rows[2].side = Side.SELL
    await street.app.db.write(bob.id, lambda s: s.add(position))
    await street.app.db.write(bob.id, lambda s: s.add_all(orders))
    await street.app.db.write(bob.id, lambda s: s.add_all(rows))
    told: dict[str, str] = {}
    for method in ("fifo", "average"):
        assert (await bob.web.patch("/api/account/", json={"cost_method": method})).json()["cost_method"] == method
        [shown] = (await bob.web.get("/api/positions/")).json()["items"]
        told[method] = shown["realised"]
    assert {method: D(value) for method, value in told.items()} == {"fifo": 20, "average": 15}
    assert [event.position_id for event in heard] == [position.id, position.id]


async def test_lists_that_are_known_whole_come_in_pages_too(street: Street, alice: Person) -> None:
    names = ["One", "Two", "Three"]
    for name in names:
        await alice.broker(name=name)
    for path, first in (("/api/brokers/", names), ("/api/users/", ["Alice"]), ("/api/tokens/", [""])):
        whole = (await alice.web.get(path)).json()
        assert [one["name"] for one in whole["items"]] == first
        assert whole["next"] is None
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await alice.web.get("/api/brokers/", params={"limit": 2, "cursor": cursor})).json()
        seen, cursor = seen + [one["name"] for one in page["items"]], page["next"]
    assert seen == names
    future = {"since": "2999-01-01T00:00:00Z"}
    for path in ("/api/brokers/", "/api/audit/", "/api/strategies/", "/api/activations/", "/api/kill-switch/"):
        assert (await alice.web.get(path, params=future)).json()["items"] == [], path
        assert (await alice.web.get(path, params={"limit": 0})).status_code == 422, path
        assert (await alice.web.get(path, params={"cursor": "zzz"})).status_code == 422, path
    gone = (await alice.web.get("/api/brokers/", params={"limit": 1})).json()
    assert (await alice.web.delete(f"/api/brokers/{gone['items'][0]['id']}/")).status_code == 204
    answer = await alice.web.get("/api/brokers/", params={"cursor": gone["next"]})
    assert answer.json()["error"]["code"] == "bad_cursor"
