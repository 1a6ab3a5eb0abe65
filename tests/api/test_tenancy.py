"""Another user's things answer exactly as things that do not exist: on every operation of the API."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import msgspec
from fastapi.routing import APIRoute

from aristobot.kinds import HaltScope, OrderOrigin, StudyStatus
from aristobot.notices import Notice, NoticeKind, Outlet
from aristobot.orders import OrderStatus
from aristobot.store import studies as studies_kept
from aristobot.store.study_tables import Study
from services.api import (
    account,
    activations,
    backtests,
    brokers,
    health,
    heartbeat,
    house,
    market,
    notifications,
    orders,
    people,
    positions,
    statistics,
    strategies,
    studies,
    webhooks,
)
from services.audit_trail import Actor
from services.backtest_wish import Wish
from tests.builders import MIDNIGHT, a_fill_row, a_position, a_webhook, a_webhook_state, an_activation, an_order
from tests.services.searching import a_definition, waves
from tests.street import HAND, Person, Street

_HEADERS = {"Idempotency-Key": "one"}
_ADMINISTRATION = ("/api/users/", "/api/tokens/")


def _operations() -> list[tuple[str, str]]:
    """Method and path of every operation with an id in its path."""
    resources = (
        account,
        activations,
        backtests,
        brokers,
        health,
        heartbeat,
        house,
        market,
        notifications,
        orders,
        people,
        positions,
        statistics,
        strategies,
        studies,
        webhooks,
    )
    routers = [one.router for one in resources]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return [(method, route.path) for route in routes for method in sorted(route.methods or ()) if "{" in route.path]


def _a_study(owner: uuid.UUID) -> Study:
    """A search that was stopped."""
    asked = a_definition(waves(200))
    return Study(
        user_id=owner,
        strategy="SECRET",
        status=StudyStatus.STOPPED,
        code="SECRET",
        definition=msgspec.to_builtins(asked),
        created_at=MIDNIGHT,
    )


async def _belongings(street: Street, owner: Person) -> dict[str, str]:
    """One of everything, by the name of its path parameter."""
    broker = await owner.broker()
    row = await street.app.brokers.get(owner.id, uuid.UUID(broker["id"]))
    position = a_position(row, symbol="SECRET/USDT")
    order = an_order(row, position_id=position.id, status=OrderStatus.OPEN, symbol="SECRET/USDT", origin=OrderOrigin.MANUAL)
    alert = a_webhook(row, symbol="SECRET/USDT", payload=b'{"symbol": "SECRETUSDT"}')
    state = a_webhook_state(row, symbol="SECRET/USDT", position_id=position.id, opening_webhook_id=alert.id)
    fill = a_fill_row(order)
    await street.app.db.write(owner.id, lambda s: s.add_all([position, alert]))
    await street.app.db.write(owner.id, lambda s: s.add_all([order, state]))
    await street.app.db.write(owner.id, lambda s: s.add(fill))
    form = {"url": "http://127.0.0.1:9/SECRET", "key": "SECRET" * 4}
    await street.app.news.settings.save(owner.id, Outlet.WEBHOOK, form, Actor("alice", "cli", owner.id))
    await street.app.news.book.tell(owner.id, Notice(NoticeKind.SERVICE, "reason.told_service_fallen", {"service": "SECRET"}))
    wish = Wish("SECRET", "SECRET", "binance", "SECRET/USDT", "1h", MIDNIGHT - timedelta(days=9), MIDNIGHT)
    backtest = await street.app.backtester.start(owner.id, wish)
    study = await street.app.db.write(owner.id, partial(studies_kept.create, row=_a_study(owner.id)))
    written = await street.app.strategies.create(owner.id, "SECRET", "SECRET = 1")
    version = await street.app.strategies.version(owner.id, written.id, 1)
    active = an_activation(row, version.id)
    await street.app.db.write(owner.id, lambda s: s.add(active))
    ids = {
        "activation_id": active.id,
        "strategy_id": written.id,
        "backtest_id": backtest.id,
        "study_id": study.id,
        "broker_id": broker["id"],
        "order_id": order.id,
        "position_id": position.id,
        "webhook_id": alert.id,
    }
    return {name: str(value) for name, value in ids.items()}


#: Alice's channel and version: no ids, but words that for Bob stand for nothing.
_CHANNEL = {"channel": "webhook", "number": "1"}


def _body_for(path: str, ids: dict[str, str]) -> dict[str, Any]:
    if "protection" in path:
        return {"stop_loss": "1"}
    if "orders" in path:
        return {"price": "1"}
    if "draft" in path:
        return {"code": "mine = 1", "of": 1}
    if "versions" in path:
        return {"code": "mine = 1"}
    if path == "/api/backtests/{backtest_id}/":
        return {"pinned": True}
    return {"name": "Mine now"} if re.fullmatch(r"/api/brokers/\{broker_id\}/", path) else {}


async def _ask(person: Person, method: str, path: str, ids: dict[str, str], body: dict[str, Any]) -> httpx.Response:
    url = re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path)
    sent = body if method in ("POST", "PUT", "PATCH") else None
    return await person.web.request(method, url, json=sent, headers=_HEADERS)


def _anonymous(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    return answer.status_code, json.dumps({**error, "trace_id": ""}, sort_keys=True)


async def test_a_foreign_id_is_not_found_on_every_operation(street: Street, alice: Person, bob: Person) -> None:
    ids = await _belongings(street, alice) | _CHANNEL
    nothing = {name: str(uuid.uuid4()) for name in ids} | {"number": "1"}
    malformed = dict.fromkeys(ids, "not-an-id")
    probed = 0
    for method, path in _operations():
        if path.startswith(_ADMINISTRATION):
            continue
        body = _body_for(path, ids)
        foreign = _anonymous(await _ask(bob, method, path, ids, body))
        assert foreign[0] == 404, (method, path, foreign)
        assert foreign == _anonymous(await _ask(bob, method, path, nothing, body)), (method, path)
        assert (await _ask(bob, method, path, malformed, body)).status_code == 404, (method, path)
        probed += 1
    assert probed >= 15
    row = await street.app.brokers.get(alice.id, uuid.UUID(ids["broker_id"]))
    assert (row.name, row.deleted_at) == ("Main", None)


async def test_a_foreign_id_in_a_query_answers_as_one_that_does_not_exist(street: Street, alice: Person, bob: Person) -> None:
    ids = await _belongings(street, alice)
    document = (await alice.web.get("/api/openapi.json")).json()
    probed = 0
    for path, operations in document["paths"].items():
        asked = [one["name"] for one in operations.get("get", {}).get("parameters", ()) if one["in"] == "query"]
        for name in [one for one in asked if one in ids]:
            foreign, nothing = [
                await bob.web.get(path, params={name: value, "period": "24h"}) for value in (ids[name], str(uuid.uuid4()))
            ]
            assert _without_moments(foreign) == _without_moments(nothing), (path, name)
            assert "SECRET" not in foreign.text, (path, name)
            probed += 1
    assert probed >= 10


def _without_moments(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, re.sub(r"\d{4}-\d\d-\d\dT[^\"]+|\"trace_id\":\"\w+\"", "", answer.text)


async def test_lists_show_ones_own_alone(street: Street, alice: Person, bob: Person) -> None:
    ids = await _belongings(street, alice)
    await bob.broker(name="Bobs")
    paths = ["/api/brokers/", "/api/orders/", "/api/fills/", "/api/positions/", "/api/webhooks/", "/api/webhooks/recent/"]
    paths += ["/api/webhook-states/", "/api/webhook-states/open/", "/api/health/", "/api/audit/"]
    paths += ["/api/notifications/", "/api/backtests/", "/api/studies/", "/api/statistics/"]
    paths += ["/api/notifications/", "/api/strategies/", "/api/activations/"]
    for path in paths:
        mine, theirs = await alice.web.get(path), await bob.web.get(path)
        assert mine.status_code == theirs.status_code == 200, (path, mine.text, theirs.text)
        assert not [value for value in ids.values() if value in theirs.text], path
        assert "SECRET" not in theirs.text, path
        assert "items" not in mine.json() or mine.json()["items"], path
    for path in ("/api/orders/", "/api/positions/", "/api/fills/", "/api/webhooks/", "/api/webhooks/stats/"):
        filtered = await bob.web.get(path, params={"broker_id": ids["broker_id"]})
        assert filtered.json().get("items", []) == []
        assert filtered.json().get("total", 0) == 0


async def test_a_foreign_broker_takes_no_order_no_default_and_no_halt(street: Street, alice: Person, bob: Person) -> None:
    ids = await _belongings(street, alice)
    order = {"broker_id": ids["broker_id"], "symbol": "BTC/USDT", "side": "buy", "quantity": "1", "price": "1"}
    halt = {"scope": "broker", "scope_id": ids["broker_id"]}
    for answer in (
        await bob.web.post("/api/orders/", json=order, headers=_HEADERS),
        await bob.web.post("/api/orders/preview/", json=order),
        await bob.web.patch("/api/account/", json={"default_broker": ids["broker_id"]}),
        await bob.web.post("/api/kill-switch/", json=halt),
        await bob.web.post("/api/kill-switch/", json={"scope": "user", "scope_id": str(alice.id)}),
        await bob.web.post("/api/kill-switch/", json={"scope": "strategy", "scope_id": str(uuid.uuid4())}),
        await bob.web.post("/api/kill-switch/", json={"scope": "strategy", "scope_id": ids["strategy_id"]}),
        await bob.web.post("/api/kill-switch/", json={"scope": "strategy", "scope_id": ids["activation_id"]}),
        await bob.web.get("/api/kill-switch/outlook/", params={"scope": "strategy", "scope_id": ids["strategy_id"]}),
    ):
        assert answer.status_code == 404, answer.text
    assert street.app.kill_switch.active() == []
    assert (await bob.web.post("/api/kill-switch/", json={"scope": "all"})).status_code == 403


async def test_a_foreign_halt_is_neither_seen_nor_released(street: Street, alice: Person, bob: Person) -> None:
    broker = await alice.broker()
    made = await alice.web.post("/api/kill-switch/", json={"scope": "broker", "scope_id": broker["id"], "level": "reduce"})
    assert made.status_code == 201
    assert (await bob.web.get("/api/kill-switch/")).json()["items"] == []
    await street.app.accounts.household.set_password(bob.id, "un chat vert sur le toit", HAND)
    form = {"id": made.json()["id"], "password": "un chat vert sur le toit"}
    assert (await bob.web.request("DELETE", "/api/kill-switch/", json=form)).status_code == 404
    assert [one.scope for one in street.app.kill_switch.active()] == [HaltScope.BROKER]
    released = await alice.web.delete("/api/kill-switch/")
    assert [one["id"] for one in released.json()["items"]] == [made.json()["id"]]


def test_the_probes_know_every_kind_of_id() -> None:
    names = {name for _, path in _operations() for name in re.findall(r"\{(\w+)\}", path)}
    mine = {"activation_id", "broker_id", "order_id", "position_id", "webhook_id", "strategy_id", "backtest_id", "study_id"}
    assert names == mine | {"user_id", "token_id", "channel", "number"}
