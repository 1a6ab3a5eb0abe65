"""Strategies over the API: written, looked over, saved as versions, put away and taken back."""

from __future__ import annotations

import pytest

from aristobot.templates import template
from tests.street import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/api/strategies/"


async def test_a_strategy_is_written_saved_and_put_away(alice: Person) -> None:
    made = (await alice.web.post(PATH, json={"name": "Cross", "template": "ema_cross"})).json()
    assert (made["name"], made["versions"], made["has_draft"], made["archived"]) == ("Cross", 1, False, False)
    at = f"{PATH}{made['id']}/"
    first = (await alice.web.get(f"{at}versions/1/")).json()
    assert (first["code"], first["review"]) == (template("ema_cross").text, None)

    saved = await alice.web.post(f"{at}versions/", json={"code": first["code"] + "\n", "note": "longer", "based_on": 1})
    assert saved.status_code == 201
    assert (saved.json()["number"], saved.json()["sound"]) == (2, True)
    assert saved.json()["review"]["isolation"]["level"] in ("sealed", "limited", "guarded")
    again = await alice.web.post(f"{at}versions/", json={"code": "a = 1", "based_on": 1, "trial": False})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "changed_meanwhile")
    listed = (await alice.web.get(f"{at}versions/")).json()["items"]
    assert [(one["number"], one["note"], one["sound"]) for one in listed] == [(2, "longer", True), (1, "", None)]
    assert "code" not in listed[0]

    assert (await alice.web.patch(at, json={"name": "Crossing"})).json()["name"] == "Crossing"
    assert (await alice.web.delete(at)).status_code == 204
    assert (await alice.web.get(PATH)).json()["items"] == []
    assert [one["name"] for one in (await alice.web.get(PATH, params={"archived": True})).json()["items"]] == ["Crossing"]
    assert (await alice.web.patch(at, json={"archived": False})).json()["archived"] is False


async def test_a_text_is_looked_over_in_the_readers_language_and_nothing_is_kept(alice: Person) -> None:
    answer = (await alice.web.post(f"{PATH}validate/", json={"code": "class S(Strategy):\n    x = pirce\n"})).json()
    assert not answer["sound"]
    found = next(one for one in answer["diagnostics"] if one["line"] == 2)
    assert (found["column"], found["end_column"], found["severity"]) == (8, 13, "error")
    assert "pirce" in found["message"]
    assert answer["isolation"] is None
    assert (await alice.web.get(PATH)).json()["items"] == []


async def test_what_is_missing_or_taken_is_said_with_its_field(alice: Person) -> None:
    for form, status in (
        ({"name": "Cross"}, 422),
        ({"name": "", "code": "a"}, 422),
        ({"name": "Cross", "code": "a", "template": "ema_cross"}, 422),
        ({"name": "Cross", "template": "no_such"}, 404),
    ):
        assert (await alice.web.post(PATH, json=form)).status_code == status, form
    assert (await alice.web.post(PATH, json={"name": "Cross", "code": "a"})).status_code == 201
    assert (await alice.web.post(PATH, json={"name": "cross", "code": "a"})).status_code == 409


async def test_a_draft_is_kept_read_and_dropped_without_becoming_a_version(alice: Person, bob: Person) -> None:
    made = (await alice.web.post(PATH, json={"name": "Cross", "code": "a = 1"})).json()
    at = f"{PATH}{made['id']}/"
    assert (await alice.web.get(f"{at}draft/")).status_code == 404
    kept = await alice.web.put(f"{at}draft/", json={"code": "a = 2\r\n", "of": 1})
    assert (kept.status_code, kept.json()["code"], kept.json()["of"]) == (200, "a = 2\n", 1)
    assert (await alice.web.get(f"{at}draft/")).json() == kept.json()
    now = (await alice.web.get(at)).json()
    assert (now["versions"], now["has_draft"]) == (1, True)
    for form, status in (({"code": "a", "of": 2}, 404), ({"code": "a"}, 422)):
        assert (await alice.web.put(f"{at}draft/", json=form)).status_code == status
    assert (await bob.web.get(f"{at}draft/")).status_code == 404
    assert (await bob.web.put(f"{at}draft/", json={"code": "a = 3", "of": 1})).status_code == 404
    assert (await alice.web.delete(f"{at}draft/")).status_code == 204
    assert not (await alice.web.get(at)).json()["has_draft"]
