"""Activations over the API: made, changed, refused, forgotten."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from aristobot.kinds import ActivationStatus
from aristobot.store.strategy_tables import ActivationLine
from tests.builders import MIDNIGHT, an_activation
from tests.street import Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/api/activations/"


async def form(alice: Person, street: Street, **differences: object) -> dict[str, object]:
    """What a request for a new one says."""
    broker = await alice.broker(mode="STRATEGIES")
    await street.app.catalog.refresh("binance")
    strategy = (await alice.web.post("/api/strategies/", json={"name": "Cross", "template": "ema_cross"})).json()
    version = (await alice.web.get(f"/api/strategies/{strategy['id']}/versions/")).json()["items"][0]
    given = {"version_id": version["id"], "broker_id": broker["id"], "symbol": "BTC/USDT", "timeframe": "1h", "allotted": "250"}
    return given | differences


async def test_an_activation_is_made_changed_and_forgotten(alice: Person, street: Street) -> None:
    wanted = await form(alice, street, parameters={"fast": 10})
    made = await alice.web.post(PATH, json=wanted)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["strategy"], told["version"], told["broker"], told["status"]) == ("Cross", 1, "Main", "stopped")
    assert (told["allotted"], told["parameters"], told["position"], told["gained"]) == ("250", {"fast": 10}, None, "0")
    assert (await alice.web.post(PATH, json=wanted)).json()["error"]["code"] == "already_active"
    at = f"{PATH}{told['id']}/"
    changed = (await alice.web.patch(at, json={"allotted": "99.5", "parameters": {}})).json()
    assert (changed["allotted"], changed["parameters"]) == ("99.5", {})
    assert (await alice.web.get(f"{at}log/")).json() == {"items": [], "next": None}
    refused = await alice.web.post(f"{at}start/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_ready")
    assert (await alice.web.post(f"{at}stop/")).json()["status"] == "stopped"
    assert (await alice.web.delete(at)).status_code == 204
    assert (await alice.web.get(PATH)).json()["items"] == []


async def test_what_cannot_be_is_refused_with_its_field(alice: Person, street: Street) -> None:
    wanted = await form(alice, street)
    for differences, status, field in (
        ({"allotted": "0"}, 422, "allotted"),
        ({"timeframe": "7m"}, 422, "interval"),
        ({"symbol": "NO/SUCH"}, 422, None),
        ({"broker_id": wanted["version_id"]}, 404, None),
    ):
        answer = await alice.web.post(PATH, json=wanted | differences)
        assert answer.status_code == status, (differences, answer.text)
        assert field is None or answer.json()["error"].get("field", field) == field


async def test_a_running_one_is_not_changed_and_one_that_fell_says_why(alice: Person, street: Street) -> None:
    wanted = await form(alice, street)
    row = await street.app.brokers.get(alice.id, uuid.UUID(str(wanted["broker_id"])))
    fallen = {"status": ActivationStatus.FAILED, "reason": "strategy_hook_fell", "reason_facts": {"detail": "oh no"}}
    active = an_activation(row, uuid.UUID(str(wanted["version_id"])), **fallen)
    await street.app.db.write(alice.id, lambda s: s.add(active))
    told = (await alice.web.get(f"{PATH}{active.id}/")).json()
    assert told["message"] == "The strategy fell in its own code: oh no"
    for answer in (
        await alice.web.patch(f"{PATH}{active.id}/", json={"allotted": "1"}),
        await alice.web.delete(f"{PATH}{active.id}/"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "activation_running")


async def test_the_log_comes_in_pages_and_no_older_than_it_is_asked_for(alice: Person, street: Street) -> None:
    wanted = await form(alice, street)
    row = await street.app.brokers.get(alice.id, uuid.UUID(str(wanted["broker_id"])))
    active = an_activation(row, uuid.UUID(str(wanted["version_id"])))
    await street.app.db.write(alice.id, lambda s: s.add(active))
    said = [
        ActivationLine(user_id=alice.id, activation_id=active.id, at=MIDNIGHT + timedelta(hours=hour), text=f"line {hour}")
        for hour in range(4)
    ]
    await street.app.db.write(alice.id, lambda s: s.add_all(said))

    async def texts(**asked: str) -> tuple[list[str], str | None]:
        page = (await alice.web.get(f"{PATH}{active.id}/log/", params=asked)).json()
        return [line["text"] for line in page["items"]], page["next"]

    newest, cursor = await texts(limit="2")
    assert newest == ["line 3", "line 2"]
    assert await texts(limit="2", cursor=str(cursor)) == (["line 1", "line 0"], None)
    assert await texts(since=(MIDNIGHT + timedelta(hours=2)).isoformat()) == (["line 3", "line 2"], None)
