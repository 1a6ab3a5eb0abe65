"""Somebody who speaks Bitget plainly, classic or unified: signs, sends, and shows the answer as it is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import websockets

from aristobot.clock import Clock, to_milliseconds
from services.simulator.bitget import BitgetDialect
from services.simulator.server import SimulatorServer
from tests.simulator.guest import Guest

V2 = "/api/v2/spot/trade"
V3 = "/api/v3/trade"


class BitgetSpeaker(Guest):
    """One account's owner."""

    def __init__(self, server: SimulatorServer, clock: Clock, key: str = "key-one") -> None:
        super().__init__(server, f"{server.url}/bitget")
        self.key = key
        self.secret = "secret-one"
        self.passphrase = "pass-one"
        self._clock = clock

    def now(self) -> int:
        """Milliseconds, by our own clock."""
        return to_milliseconds(self._clock.now())

    def sign(self, text: str) -> str:
        """Base64 of the HMAC."""
        return base64.b64encode(hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256)).decode()

    def headers(self, method: str, path: str, body: str = "") -> dict[str, str]:
        """What proves who asks; `path` with its query."""
        timestamp = str(self.now())
        return {
            "ACCESS-KEY": self.key,
            "ACCESS-SIGN": self.sign(timestamp + method + path + body),
            "ACCESS-TIMESTAMP": timestamp,
            "ACCESS-PASSPHRASE": self.passphrase,
            "Content-Type": "application/json",
        }

    async def public(self, path: str, **params: Any) -> httpx.Response:
        """A question that anybody may ask."""
        return await self.http.get(path, params=params)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """A signed question."""
        address = f"{path}?{urlencode(sorted(params.items()))}" if params else path
        return await self.http.get(address, headers=self.headers("GET", address))

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """A signed request."""
        text = json.dumps(body)
        return await self.http.post(path, content=text, headers=self.headers("POST", path, text))

    async def read(self, path: str, **params: Any) -> Any:
        """The data of a signed question that is answered."""
        return told(await self.get(path, **params))

    async def do(self, path: str, **body: Any) -> Any:
        """The data of a signed request that is answered."""
        return told(await self.post(path, **body))

    async def refused(self, path: str, **body: Any) -> str:
        """The code of a request that is refused."""
        answer = await self.post(path, **body)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["code"])

    @asynccontextmanager
    async def socket(self, version: str, kind: str) -> AsyncIterator[BitgetSocket]:
        """A connection, `v2` or `v3`, `public` or `private`."""
        address = self.server.url.replace("http", "ws", 1) + f"/bitget/{version}/ws/{kind}"
        async with websockets.connect(address, compression=None) as connection:
            yield BitgetSocket(self, connection)


@asynccontextmanager
async def bitget_owner(server: SimulatorServer, clock: Clock, mode: str) -> AsyncIterator[BitgetSpeaker]:
    """Open an account of 10,000 USDT and 1 BTC, and speak for it; nobody counts how often."""
    dialect = server.dialects["bitget"]
    assert isinstance(dialect, BitgetDialect)
    dialect.limits.counting = False
    account = server.venue.open_account("bitget", "key-one", "secret-one", {"USDT": Decimal(10_000), "BTC": Decimal(1)})
    account.passphrase, account.mode = "pass-one", mode
    async with BitgetSpeaker(server, clock) as speaker:
        yield speaker


def told(answer: httpx.Response) -> Any:
    """The data of an answer; fail when it is a refusal."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (200, "00000"), answer.text
    return body["data"]


class BitgetSocket:
    """A socket that is talked to."""

    def __init__(self, speaker: BitgetSpeaker, connection: websockets.ClientConnection) -> None:
        self._speaker = speaker
        self.connection = connection

    async def send(self, message: object) -> None:
        """Say something."""
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def hear(self, seconds: float = 3) -> Any:
        """The next message, JSON or a bare text; raise TimeoutError when none comes."""
        text = await asyncio.wait_for(self.connection.recv(), seconds)
        assert isinstance(text, str)
        return json.loads(text) if text.startswith("{") else text

    async def ask(self, message: object) -> Any:
        """Say something, and hear what comes next."""
        await self.send(message)
        return await self.hear()

    async def login(self, **other: str) -> Any:
        """Say who we are; the timestamp in seconds."""
        timestamp = str(self._speaker.now() // 1000)
        proof = {
            "apiKey": self._speaker.key,
            "passphrase": self._speaker.passphrase,
            "timestamp": timestamp,
            "sign": self._speaker.sign(timestamp + "GET/user/verify"),
        }
        return await self.ask({"op": "login", "args": [proof | other]})

    async def subscribe(self, *args: dict[str, str]) -> list[Any]:
        """Subscribe, and hear one answer for each."""
        await self.send({"op": "subscribe", "args": list(args)})
        return [await self.hear() for _ in args]
