"""Somebody who speaks Binance plainly: signs, sends, and shows the answer as it is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aristobot.clock import Clock, to_milliseconds
from services.simulator.server import SimulatorServer
from tests.simulator.guest import Guest


class Speaker(Guest):
    """One account's owner."""

    def __init__(self, server: SimulatorServer, clock: Clock, key: str = "key-one", secret: str = "secret-one") -> None:
        super().__init__(server, f"{server.url}/binance")
        self.key = key
        self.secret = secret
        self._clock = clock

    def now(self) -> int:
        """Milliseconds, by our own clock."""
        return to_milliseconds(self._clock.now())

    def sign(self, payload: str) -> str:
        """HMAC with a plain secret, Ed25519 with a PEM."""
        if self.secret.startswith("-----BEGIN"):
            key = load_pem_private_key(self.secret.encode(), None)
            assert isinstance(key, Ed25519PrivateKey)
            return base64.b64encode(key.sign(payload.encode())).decode()
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """A public question."""
        return await self.http.get(path, params=params)

    async def ask(self, method: str, path: str, **params: Any) -> httpx.Response:
        """A signed question."""
        query = urlencode({"timestamp": self.now(), **params})
        address = f"{path}?{query}&signature={quote(self.sign(query), safe='')}"
        return await self.http.request(method, address, headers={"X-MBX-APIKEY": self.key})

    async def order(self, **params: Any) -> Any:
        """Place an order on BTCUSDT and read the answer."""
        defaults = {"symbol": "BTCUSDT", "newOrderRespType": "FULL"}
        return (await self.ask("POST", "/api/v3/order", **{**defaults, **params})).json()

    async def limit(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        """Place a limit order on BTCUSDT."""
        return await self.order(side=side, type="LIMIT", timeInForce="GTC", quantity=quantity, price=price, **more)

    async def status(self, **params: Any) -> Any:
        """Ask what became of an order."""
        return (await self.ask("GET", "/api/v3/order", **{"symbol": "BTCUSDT", **params})).json()

    async def held(self, asset: str) -> tuple[str, str]:
        """Free and locked."""
        account = (await self.ask("GET", "/api/v3/account")).json()
        found = [(one["free"], one["locked"]) for one in account["balances"] if one["asset"] == asset]
        return found[0] if found else ("0.00000000", "0.00000000")

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[Trading]:
        """A connection to the WebSocket API."""
        address = self.server.url.replace("http", "ws", 1) + "/binance/ws-api/v3"
        async with websockets.connect(address, compression=None) as connection:
            yield Trading(self, connection)

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[Listening]:
        """A connection to the market streams."""
        address = self.server.url.replace("http", "ws", 1) + f"/binance{path}"
        async with websockets.connect(address, compression=None) as connection:
            yield Listening(connection)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Listening:
    """A socket that is read."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        """Say something."""
        await self.connection.send(json.dumps(message))

    async def hear(self, seconds: float = 3) -> Any:
        """The next message; raise TimeoutError when none comes."""
        return json.loads(await asyncio.wait_for(self.connection.recv(), seconds))


class Trading(Listening):
    """The WebSocket API: questions with numbers, and events between the answers."""

    def __init__(self, speaker: Speaker, connection: websockets.ClientConnection) -> None:
        super().__init__(connection)
        self._speaker = speaker
        self._numbers = itertools.count(1)
        self.events: list[Any] = []

    def signed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters with key, time and signature."""
        params = {"timestamp": self._speaker.now(), **params, "apiKey": self._speaker.key}
        payload = "&".join(f"{name}={_text(params[name])}" for name in sorted(params))
        return params | {"signature": self._speaker.sign(payload)}

    async def call(self, method: str, *, signed: bool = True, **params: Any) -> Any:
        """Ask, and read the answer; events that come before are kept."""
        number = str(next(self._numbers))
        await self.send({"id": number, "method": method, "params": self.signed(params) if signed else params})
        while True:
            message = await self.hear()
            if "event" in message:
                self.events.append(message["event"])
            elif message.get("id") == number:
                return message

    async def event(self, seconds: float = 3) -> Any:
        """The next event."""
        if self.events:
            return self.events.pop(0)
        return (await self.hear(seconds))["event"]
