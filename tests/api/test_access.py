"""Who may speak to the API, and how far."""

from __future__ import annotations

import httpx
import pytest

from aristobot.kinds import Role, TokenScope
from tests.street import Person, Street

#: What these tests show does not depend on the database; the others of the API run on both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _body(answer: httpx.Response) -> dict[str, str]:
    error: dict[str, str] = answer.json()["error"]
    return error


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Bearer aristobot_x", "Basic YTpi", "Bearer \x01", "Bearer " + "a" * 5000]
)
async def test_without_a_valid_token_there_is_nothing(street: Street, authorization: str) -> None:
    web = street.web()
    for path in ("/api/account/", "/api/orders/", "/metrics", "/api/docs", "/api/openapi.json"):
        headers = [(b"Authorization", authorization.encode())] if authorization else []
        answer = await web.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert _body(answer)["trace_id"] == answer.headers["x-trace-id"]


async def test_a_cookie_opens_nothing(street: Street, alice: Person) -> None:
    session = await street.app.accounts.sessions.open(await street.app.accounts.household.get(alice.id))
    for value in (session.token, alice.token):
        answer = await street.web().get("/api/account/", headers={"Cookie": f"session={value}; token={value}"})
        assert answer.status_code == 401


async def test_a_token_in_the_query_opens_no_rest(street: Street, alice: Person) -> None:
    assert (await street.web().get(f"/api/account/?token={alice.token}")).status_code == 401


async def test_scopes_open_what_they_say(street: Street, alice: Person) -> None:
    reader = await street.person("Rita", TokenScope.READ)
    assert (await reader.web.get("/api/brokers/")).status_code == 200
    refused = await reader.web.post("/api/brokers/", json={})
    assert (refused.status_code, _body(refused)["code"]) == (403, "scope_too_small")
    trader = await street.person("Tom")
    assert (await trader.web.get("/api/users/")).status_code == 403
    assert (await trader.web.get("/api/docs")).status_code == 403
    assert (await alice.web.get("/api/users/")).status_code == 200
    docs = await alice.web.get("/api/docs")
    assert docs.status_code == 200
    assert "<script" not in docs.text
    assert "/api/orders/{order_id}/" in (await alice.web.get("/api/openapi.json")).json()["paths"]


async def test_a_role_that_shrinks_takes_its_tokens_along(street: Street, alice: Person) -> None:
    other = await street.person("Olga", TokenScope.ADMIN, Role.ADMINISTRATOR)
    answer = await alice.web.patch(f"/api/users/{other.id}/", json={"role": "viewer"})
    assert answer.status_code == 200, answer.text
    assert (await other.web.get("/api/users/")).status_code == 403
    assert (await other.web.get("/api/account/")).status_code == 200
    await alice.web.patch(f"/api/users/{other.id}/", json={"is_active": False})
    assert (await other.web.get("/api/account/")).status_code == 401


async def test_a_token_is_told_once_and_ends_at_once(street: Street, alice: Person) -> None:
    made = await alice.web.post("/api/tokens/", json={"scope": "read", "name": "phone"})
    assert made.status_code == 201
    token = made.json()["token"]
    assert (await street.web(token).get("/api/account/")).json()["scope"] == "read"
    listed = await alice.web.get("/api/tokens/")
    assert token not in listed.text
    assert made.json()["last_four"] == token[-4:]
    assert (await alice.web.delete(f"/api/tokens/{made.json()['id']}/")).status_code == 204
    assert (await street.web(token).get("/api/account/")).status_code == 401


async def test_errors_speak_the_users_language(street: Street, bob: Person) -> None:
    english = await bob.web.get("/api/orders/?limit=0")
    await bob.web.patch("/api/account/", json={"language": "fr"})
    french = await bob.web.get("/api/orders/?limit=0")
    assert _body(english)["field"] == _body(french)["field"] == "limit"
    assert _body(english)["message"] != _body(french)["message"]
    stranger = await street.web().get("/api/account/", headers={"Accept-Language": "fr-FR,fr;q=0.9"})
    assert "jeton" in _body(stranger)["message"].lower()


async def test_health_is_for_everybody_and_says_little(street: Street) -> None:
    web = street.web()
    assert (await web.get("/health")).json() == {"status": "ok", "version": "0.1.0"}
    ready = await web.get("/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)


async def test_a_watchman_who_asks_for_the_headers_alone_hears_the_same_as_on_the_port_of_alerts(street: Street) -> None:
    web = street.web()
    assert [(await web.head(path)).status_code for path in ("/health", "/ready")] == [200, 503]


async def test_a_path_that_does_not_exist_answers_in_the_same_shape(street: Street, bob: Person) -> None:
    for answer in (await bob.web.get("/api/nothing/"), await bob.web.put("/api/orders/")):
        assert set(_body(answer)) >= {"code", "message", "trace_id"}
    assert (await bob.web.get("/api/nothing/")).status_code == 404
    assert (await bob.web.put("/api/orders/")).status_code == 405
