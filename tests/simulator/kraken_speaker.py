"""Somebody who speaks Kraken plainly: signs, sends, and shows the answer as it is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import websockets

from services.simulator.server import SimulatorServer
from tests.simulator.guest import Guest

SECRET = base64.b64encode(b"a secret of the tests").decode()


class KrakenSpeaker(Guest):
    """One account's owner."""

    market = "BTC/USD"

    def __init__(self, server: SimulatorServer, key: str = "key-one", secret: str = SECRET) -> None:
        super().__init__(server, server.url)
        self.key = key
        self.secret = secret
        self.nonces = itertools.count(1)

    def sign(self, path: str, nonce: str, body: str) -> str:
        """`API-Sign`, as the documentation describes it."""
        message = path.encode() + hashlib.sha256((nonce + body).encode()).digest()
        return base64.b64encode(hmac.new(base64.b64decode(self.secret), message, hashlib.sha512).digest()).decode()

    async def get(self, call: str, prefix: str = "/kraken", **params: Any) -> Any:
        """A public question."""
        return (await self.http.get(f"{prefix}/0/public/{call}", params=params)).json()

    async def post(self, call: str, params: dict[str, Any], *, nonce: int | None = None, as_json: bool = False) -> httpx.Response:
        """A signed question."""
        path, number = f"/0/private/{call}", str(next(self.nonces) if nonce is None else nonce)
        given = {"nonce": number, **params}
        body = json.dumps(given) if as_json else urlencode(given)
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        headers = {"API-Key": self.key, "API-Sign": self.sign(path, number, body), "Content-Type": kind}
        return await self.http.post(f"/kraken{path}", content=body, headers=headers)

    async def ask(self, call: str, **params: Any) -> Any:
        """A signed question that must be answered well."""
        answer = (await self.post(call, params)).json()
        assert answer["error"] == [], answer["error"]
        return answer["result"]

    async def refused(self, call: str, **params: Any) -> str:
        """The error of a signed question."""
        answer = (await self.post(call, params)).json()
        assert len(answer["error"]) == 1, answer
        return str(answer["error"][0])

    async def order(self, side: str = "buy", kind: str = "limit", volume: str = "0.01", **more: Any) -> str:
        """Place an order on BTC/USD and return its id."""
        placed = await self.ask("AddOrder", **{"pair": "XBTUSD", "type": side, "ordertype": kind, "volume": volume, **more})
        return str(placed["txid"][0])

    async def status(self, txid: str) -> Any:
        """What became of an order."""
        return (await self.ask("QueryOrders", txid=txid, trades="true"))[txid]

    async def held(self, asset: str) -> tuple[Decimal, Decimal]:
        """All of an asset, and what orders hold of it."""
        found = (await self.ask("BalanceEx"))[asset]
        return Decimal(found["balance"]), Decimal(found["hold_trade"])

    @asynccontextmanager
    async def public(self) -> AsyncIterator[Listening]:
        """A connection to the public socket, greeted."""
        async with self._socket("/kraken/v2") as listening:
            yield listening

    @asynccontextmanager
    async def private(self) -> AsyncIterator[Listening]:
        """A connection to the private socket, greeted, with a token."""
        token = (await self.ask("GetWebSocketsToken"))["token"]
        async with self._socket("/kraken/v2/private") as listening:
            listening.token = token
            yield listening

    @asynccontextmanager
    async def _socket(self, path: str) -> AsyncIterator[Listening]:
        address = self.server.url.replace("http", "ws", 1) + path
        async with websockets.connect(address, compression=None) as connection:
            listening = Listening(connection)
            listening.greeting = await listening.hear()
            yield listening


class Listening:
    """A socket that is read: answers by their numbers, and what is pushed between them."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection
        self.token = ""
        self.greeting: Any = None
        self.pushed: list[Any] = []
        self._numbers = itertools.count(1)

    async def hear(self, seconds: float = 3) -> Any:
        """The next message, numbers read exactly; raise TimeoutError when none comes."""
        return json.loads(await asyncio.wait_for(self.connection.recv(), seconds), parse_float=Decimal)

    async def call(self, method: str, **params: Any) -> Any:
        """Ask, and read the answer; what is pushed before it is kept."""
        number = next(self._numbers)
        token = {"token": self.token} if self.token else {}
        await self.connection.send(json.dumps({"method": method, "params": {**token, **params}, "req_id": number}))
        while True:
            message = await self.hear()
            if message.get("req_id") == number:
                return message
            self.pushed.append(message)

    async def next(self, channel: str, seconds: float = 3) -> Any:
        """The next message of a channel."""
        while True:
            message = self.pushed.pop(0) if self.pushed else await self.hear(seconds)
            if message.get("channel") == channel:
                return message
