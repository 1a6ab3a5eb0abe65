"""Searches over the API: asked for, followed, read, stopped, gone on with and forgotten."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from aristobot.kinds import StudyStatus
from services.api.feeds import FEEDS
from tests.services.searching import WAVES
from tests.services.test_study_desk import furnish, over, searching
from tests.street import Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORM: dict[str, Any] = {
    "strategy": "Waves",
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
    "since": "2024-01-01T00:00:00Z",
    "until": "2024-02-20T00:00:00Z",
    "parameters": {"enter": "30:40:5", "leave": 12},
    "goal": "net_profit",
    "least_trades": 3,
    "sampler": "grid",
    "trials": 9,
    "workers": 1,
    "costs": {"taker": "0.001", "slippage_bps": "2"},
}


async def test_a_search_is_asked_for_followed_read_and_forgotten(street: Street, alice: Person) -> None:
    furnish(street)
    await street.app.strategies.create(alice.id, "Waves", WAVES)
    asked = await alice.web.post("/api/studies/", json=FORM)
    assert (asked.status_code, asked.json()["progress"]["stage"]) == (201, "queued"), asked.text
    path = f"/api/studies/{asked.json()['id']}/"
    row = await street.app.studies.get(alice.id, uuid.UUID(asked.json()["id"]))
    async with searching(street):
        assert (await over(street, row)).status is StudyStatus.DONE
    found = (await alice.web.get(path)).json()
    assert (found["status"], found["fixed"], found["costs"]["taker"]) == ("done", {"leave": 12}, "0.001"), found["message"]
    assert found["axes"][0] == {"name": "enter", "kind": "int", "low": 30.0, "high": 40.0, "step": 5.0, "options": []}
    assert found["findings"]["best"][0]["learned"]["parameters"] == {"enter": 35, "leave": 12}
    assert found["findings"]["tried"] == 3
    tried = (await alice.web.get(f"{path}trials/", params={"limit": 2})).json()
    assert [one["number"] for one in tried["items"]] == [2, 1]
    rest = (await alice.web.get(f"{path}trials/", params={"limit": 2, "cursor": tried["next"]})).json()
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([0], None)
    late = {"since": tried["items"][0]["done_at"]}
    assert 2 in [one["number"] for one in (await alice.web.get(f"{path}trials/", params=late)).json()["items"]]
    assert (await alice.web.get(f"{path}trials/", params={"cursor": "x"})).json()["error"]["code"] == "bad_cursor"
    listed = (await alice.web.get("/api/studies/", params={"limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [found["id"]]
    assert (await alice.web.post(f"{path}resume/")).json()["error"]["code"] == "study_not_resumable"
    assert (await alice.web.delete(path)).status_code == 204
    assert (await alice.web.get(path)).status_code == 404


async def test_what_cannot_be_searched_is_refused_and_what_waits_is_stopped(street: Street, alice: Person, bob: Person) -> None:
    mine = {**FORM, "strategy": "ema_cross", "parameters": {"fast": "5:20:5"}}
    for change, status, code in (
        ({"strategy": "nobody"}, 404, "not_found"),
        ({"timeframe": "7y"}, 422, "unknown_timeframe"),
        ({"goal": "beauty"}, 422, "no_such_figure"),
        ({"sampler": "genetic"}, 422, "unknown_choice"),
        ({"luck": 1}, 422, "unknown_field"),
    ):
        answer = await alice.web.post("/api/studies/", json={**mine, **change})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    distant = await bob.web.post("/api/studies/", json={**mine, "scheduler": "tcp://127.0.0.1:1"})
    assert (distant.status_code, distant.json()["error"]["code"]) == (403, "scheduler_for_administrators")
    waiting = await alice.web.post("/api/studies/", json=mine)
    path = f"/api/studies/{waiting.json()['id']}"
    assert (await alice.web.post(f"{path}/cancel/")).json()["status"] == "stopped"
    resumed = (await alice.web.post(f"{path}/resume/")).json()
    assert (resumed["status"], resumed["progress"]["stage"]) == ("queued", "queued")
    assert "study" in FEEDS
