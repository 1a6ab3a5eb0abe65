"""A simulator and a client that speaks Kraken to it, and Kraken's own messages, for the tests of that client."""

from __future__ import annotations

import asyncio
import base64
import json
from decimal import Decimal
from typing import Any

import msgspec

from aristobot.clock import ManualClock
from aristobot.exchange import AccountUpdate, BalanceChanged, Credentials, Endpoints, StreamReset
from aristobot.orders import OrderReport, OrderStatus
from services.exchanges.kraken import KrakenClient
from services.simulator.server import SimulatorServer
from tests.exchanges.house import QUICK
from tests.exchanges.messages import PAYLOADS
from tests.exchanges.small_server import soon

D = Decimal
KRAKEN = PAYLOADS / "kraken"


def credentials(name: str) -> Credentials:
    """A key of its own, with a secret as Kraken makes them."""
    return Credentials(f"key-{name}".ljust(56, "a"), base64.b64encode(name.encode().ljust(64, b"s")).decode())


ONE, OTHER = credentials("one"), credentials("other")


class KrakenHouse:
    """A simulator, a client that speaks to it, and two accounts with play money. A coin costs 100."""

    def __init__(self, clock: ManualClock, server: SimulatorServer) -> None:
        self.clock, self.server = clock, server
        host = server.url.removeprefix("http://")
        self.endpoints = Endpoints(f"http://{host}/kraken", f"ws://{host}/kraken/v2", f"ws://{host}/kraken/v2/private")
        self.client = KrakenClient(clock, self.endpoints, QUICK)
        for keys in (ONE, OTHER):
            self.open_account(keys)
        self.price("100")

    def open_account(self, keys: Credentials, money: str = "10000") -> None:
        """Play money for a key."""
        self.server.venue.open_account("kraken", keys.api_key, keys.api_secret, {"USDT": D(money), "BTC": D(1)})

    def price(self, price: str) -> None:
        """Move the market."""
        self.server.world.feed.move("BTC/USDT", price)

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong."""
        self.server.world.faults.write(script)

    def asked(self, event: str) -> list[str]:
        """The paths, or socket methods, under which something was asked."""
        return [entry.path for entry in self.server.world.journal.entries if entry.event == event]

    async def follow(self, keys: Credentials) -> tuple[list[AccountUpdate], asyncio.Task[None]]:
        """Listen to an account in the background, from its first words on."""
        updates: list[AccountUpdate] = []

        async def listen() -> None:
            async for update in self.client.stream_account(keys):
                updates.append(update)

        task = asyncio.create_task(listen())
        await soon(lambda: StreamReset() in updates)
        await soon(lambda: any(isinstance(one, BalanceChanged) for one in updates))
        return updates, task


def said_of(updates: list[AccountUpdate], client_order_id: str) -> list[OrderStatus]:
    """What was told of one order."""
    return [one.status for one in updates if isinstance(one, OrderReport) and one.client_order_id == client_order_id]


def money_in(updates: list[AccountUpdate], asset: str) -> list[tuple[Decimal, Decimal]]:
    """Free and held amounts of one asset, as they were told."""
    pushed = [one for one in updates if isinstance(one, BalanceChanged)]
    return [(one.free, one.locked) for push in pushed for one in push.balances if one.asset == asset]


def body(path: str) -> bytes:
    """A REST answer, byte for byte."""
    return (KRAKEN / path).read_bytes()


def heard(path: str) -> list[bytes]:
    """What the exchange says in a dialogue or a list of messages, each as one frame, numbers as they are written."""
    found = json.loads(body(path), parse_float=lambda text: msgspec.Raw(text.encode()))
    return [msgspec.json.encode(one["message"]) for one in found if one.get("dir", "recv") == "recv"]


def vectors() -> dict[str, Any]:
    """Kraken's signing rule as data."""
    found: dict[str, Any] = json.loads((PAYLOADS / "signing-vectors.json").read_text())["kraken"]
    return found
