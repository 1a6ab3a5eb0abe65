"""A whole house with its simulator, and people who speak to its API."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from aristobot.clock import SystemClock
from aristobot.kinds import Role, TokenScope
from aristobot.settings import Settings
from aristobot.store.instance import installation
from aristobot.store.tenancy import SYSTEM
from services.api.application import build
from services.app import App
from services.audit_trail import Actor
from services.household import NewUser
from services.simulator.records import Account
from services.simulator.server import SimulatorServer
from tests.exchange_urls import exchange_urls

HAND = Actor("the test", "cli")


@dataclass(frozen=True)
class Person:
    """A user of the house, their token, and a client that carries it."""

    id: uuid.UUID
    token: str
    web: httpx.AsyncClient

    async def broker(self, **differences: Any) -> dict[str, Any]:
        """A broker of theirs, without keys that any exchange would know."""
        form = {"exchange": "binance", "name": "Main", "api_key": "key-of-nobody", "api_secret": "secret-of-nobody"}
        answer = await self.web.post("/api/brokers/", json=form | differences)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


class Street:
    """The house, the exchange in front of it, and the way to both."""

    def __init__(self, app: App, simulator: SimulatorServer) -> None:
        self.app = app
        self.simulator = simulator
        self.api: ASGIApp = build(app)
        self._clients: list[httpx.AsyncClient] = []
        self._accounts: dict[str, Account] = {}

    def web(self, token: str = "") -> httpx.AsyncClient:
        """A client of the API; without a token, a stranger."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.api), base_url="http://house", headers=headers)
        self._clients.append(client)
        return client

    async def person(self, name: str, scope: TokenScope = TokenScope.TRADE, role: Role = Role.TRADER) -> Person:
        """Somebody new in the house. Without a password: nobody logs in here."""
        user = await self.app.accounts.household.add_without_password(NewUser(name, "", role, "en"), HAND)
        token, _ = await self.app.accounts.tokens.create(user.id, scope, HAND)
        return Person(user.id, token, self.web(token))

    def account(self, **balances: str) -> dict[str, str]:
        """Keys of a fresh account at the simulated exchange."""
        key, secret = uuid.uuid4().hex, uuid.uuid4().hex
        amounts = {name: Decimal(value) for name, value in balances.items()}
        self._accounts[key] = self.simulator.venue.open_account("binance", key, secret, amounts)
        return {"api_key": key, "api_secret": secret}

    def may(self, keys: dict[str, str], *permissions: str) -> None:
        """Change what a key may do, as its owner would on the exchange's site."""
        self._accounts[keys["api_key"]].permissions = frozenset(permissions)

    async def recover(self) -> None:
        """Compare every broker with its exchange, as the start does; trading is allowed afterwards."""
        house = await self.app.db.read(SYSTEM, installation)
        self.app.floor.installation, self.app.floor.epoch = house.installation_id, house.epoch
        await self.app.floor.brokers.load()
        await self.app.gateway.look()
        await self.app.monitor.recover()
        self.app.floor.ready.set()

    async def close(self) -> None:
        """Shut everything."""
        for client in self._clients:
            await client.aclose()
        await self.app.stop()
        await self.simulator.stop()


@pytest.fixture
async def street(database_url: str, tmp_path: Path) -> AsyncIterator[Street]:
    """A house whose services do not run by themselves, and a simulated exchange that does."""
    clock = SystemClock()
    simulator = SimulatorServer(clock)
    await simulator.start()
    urls = exchange_urls(simulator.url)
    options = {"data_dir": tmp_path / "data", "database_url": database_url, "exchange_urls": urls, "language": "en"}
    house = Street(App(Settings.load(options, {}), clock), simulator)
    house.app.bus.adopt_loop()
    async with asyncio.timeout(60):
        yield house
        await house.close()


@pytest.fixture
async def alice(street: Street) -> Person:
    """An administrator."""
    return await street.person("Alice", TokenScope.ADMIN, Role.ADMINISTRATOR)


@pytest.fixture
async def bob(street: Street) -> Person:
    """A trader."""
    return await street.person("Bob")
