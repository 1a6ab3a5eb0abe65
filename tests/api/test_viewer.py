"""Somebody who only looks is refused on every operation and at every door that would change something."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import services
from aristobot.errors import AccessDenied
from aristobot.kinds import HaltLevel, HaltScope, Role, TokenScope
from services.audit_trail import Actor
from services.halt_desk import Hand, Wish
from services.rights import doors_of
from tests.street import HAND, Person, Street

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

#: What changes nothing although it is a POST, or only the viewer's own bell.
_LOOKS = {"/api/orders/preview/", "/api/frontend-log", "/api/notifications/read/"}
#: Services that keep something of a user's own: how they are spoken to, how they come in, what their bell has told.
_OWN = {"SecondFactor", "LoginSessions", "Profiles", "Household", "ApiTokens", "NoticeBook", "RestartReports"}
#: Services that act for the house itself, on behalf of a user: their callers were asked before.
_MACHINERY = {"OrderDesk", "OrderChecks", "OrderMonitor", "BrokerBook", "Portfolio"}
_MACHINERY |= {"BracketKeeper", "ExitPlacer", "ExitOrders", "ExitDoubts", "ExecutionWindows"}


async def _somebody_who_looks(street: Street) -> Person:
    """A viewer with a token that reached far when they still were an administrator."""
    await street.person("Olga", TokenScope.ADMIN, Role.ADMINISTRATOR)  # one must remain
    person = await street.person("Vera", TokenScope.ADMIN, Role.ADMINISTRATOR)
    await street.app.accounts.household.change(person.id, HAND, role=Role.VIEWER)
    return person


@on_sqlite
async def test_every_operation_that_changes_something_refuses_a_viewer(street: Street, alice: Person) -> None:
    vera = await _somebody_who_looks(street)
    document = (await alice.web.get("/api/openapi.json")).json()
    asked = 0
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"get"}:
            url = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
            answer = await vera.web.request(method.upper(), url, json={}, headers={"Idempotency-Key": "one"})
            if path in _LOOKS:
                assert answer.status_code != 403, (method, path)
                continue
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_too_small"), (method, path, answer.text)
            asked += 1
    assert asked >= 25
    for path in ("/api/brokers/", "/api/orders/", "/api/account/", "/api/kill-switch/"):
        assert (await vera.web.get(path)).status_code == 200
    for path in ("/api/users/", "/api/tokens/", "/api/openapi.json", "/api/docs"):
        assert (await vera.web.get(path)).status_code == 403


def _services() -> Iterator[type]:
    for module in pkgutil.iter_modules(services.__path__):
        found = importlib.import_module(f"services.{module.name}") if module.name not in ("simulator", "demo") else None
        kinds = inspect.getmembers(found, inspect.isclass) if found is not None else []
        yield from (kind for _, kind in kinds if kind.__module__ == f"services.{module.name}")


def test_every_service_with_doors_is_closed_to_viewers_or_known_to_be_another_matter() -> None:
    with_doors = {kind.__name__ for kind in _services() if doors_of(kind)}
    closed = {kind.__name__ for kind in _services() if any(hasattr(door, "__wrapped__") for door in doors_of(kind).values())}
    assert with_doors - closed == _OWN | _MACHINERY
    assert closed == {
        "Brokers",
        "WebhookAddresses",
        "ManualTrading",
        "RestingOrders",
        "NotifierSettings",
        "SilenceWatchdog",
        "AiProviders",
        "Assistant",
        "DustSweeper",
        "StrategyDesk",
        "StrategyTrials",
        "Backtester",
        "StrategySources",
        "StudyDesk",
        "ActivationDesk",
        "StrategyTrading",
    }


@on_sqlite
async def test_every_closed_door_says_why_before_it_looks_at_anything_else(street: Street) -> None:
    vera, app = await _somebody_who_looks(street), street.app
    doors: list[Any] = [app.brokers, app.brokers.webhooks, app.hand, app.hand.resting]
    doors += [
        app.news.settings,
        app.news.watchdog,
        app.accounts.profiles.ai,
        app.assistant,
        app.dust,
        app.backtester,
        app.backtester.sources,
        app.studies,
        app.strategies,
        app.runner,
        app.runner.desk,
    ]
    tried = 0
    for service in doors:
        for name, door in doors_of(type(service)).items():
            if not hasattr(door, "__wrapped__"):
                continue
            needed = len(
                [one for one in inspect.signature(door).parameters.values() if one.default is one.empty and one.kind < 3]
            )
            keywords = {one.name: None for one in inspect.signature(door).parameters.values() if one.kind == one.KEYWORD_ONLY}
            with pytest.raises(AccessDenied, match="viewer_only_looks"):
                await getattr(service, name)(vera.id, *[None] * (needed - 2), **keywords)
            tried += 1
    assert tried >= 20


@on_sqlite
async def test_a_viewer_changes_their_language_and_nothing_else_of_their_profile(street: Street) -> None:
    vera, app = await _somebody_who_looks(street), street.app
    by = Actor("Vera", "screen", vera.id)
    changed = await app.accounts.profiles.update(vera.id, {"language": "fr", "timezone": "UTC"}, by)
    assert (changed.language, changed.timezone) == ("fr", "UTC")
    for form in ({"cost_method": "fifo"}, {"ai_key": "k"}, {"language": "en", "default_broker_id": None}):
        with pytest.raises(AccessDenied):
            await app.accounts.profiles.update(vera.id, form, by)
    assert (await app.accounts.household.get(vera.id)).language == "fr"


@on_sqlite
async def test_a_viewer_stops_nothing_and_keeps_no_household(street: Street, bob: Person) -> None:
    vera, app = await _somebody_who_looks(street), street.app
    by = Actor("Vera", "screen", vera.id)
    with pytest.raises(AccessDenied):
        await app.halts.halt(Hand(vera.id, Role.VIEWER, by), Wish(HaltScope.USER, vera.id, HaltLevel.HALT))
    household = app.accounts.household
    for who in (by, Actor("Bob", "screen", bob.id)):
        for act in (
            household.change(bob.id, who, role=Role.ADMINISTRATOR),
            household.reset_password(vera.id if who is not by else bob.id, who),
            household.set_password(vera.id if who is not by else bob.id, "un chat vert sur le toit", who),
            app.accounts.tokens.create(vera.id if who is not by else bob.id, TokenScope.READ, who),
        ):
            with pytest.raises(AccessDenied, match="administrators_only"):
                await act
    with pytest.raises(AccessDenied, match="scope_beyond_role"):
        await app.accounts.tokens.create(vera.id, TokenScope.TRADE, by)
