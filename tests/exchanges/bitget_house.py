"""A simulator and a Bitget client that speaks to it, for the tests of that client."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from aristobot.clock import ManualClock, SystemClock
from aristobot.exchange import AccountUpdate, Credentials, Endpoints
from aristobot.orders import OrderRequest, OrderType, Side
from services.exchanges.bitget import BitgetClient
from services.exchanges.transport import Timeouts
from services.simulator.server import SimulatorServer

D = Decimal
SYMBOL = "BTC/USDT"
QUICK = Timeouts(pool=0.5, connect=1.0, send=0.5, read=1.0)
CLASSIC = Credentials("bg_classic", "c" * 64, "pass of the classic one")
UNIFIED = Credentials("bg_unified", "u" * 64, "pass of the unified one")
_ids = itertools.count(1)


class BitgetHouse:
    """A simulator, a client that speaks to it, and an account of either kind with play money. A coin costs 100."""

    def __init__(self, clock: ManualClock, server: SimulatorServer, keys: Credentials) -> None:
        self.clock, self.server, self.keys = clock, server, keys
        host = server.url.removeprefix("http://")
        sockets = f"ws://{host}/bitget/v2/ws"
        self.endpoints = Endpoints(f"http://{host}/bitget", f"{sockets}/public", f"{sockets}/private")
        self.client = BitgetClient(clock, self.endpoints, QUICK)
        for one, mode in ((CLASSIC, "classic"), (UNIFIED, "unified")):
            if ("bitget", one.api_key) not in server.venue.accounts:
                account = server.venue.open_account("bitget", one.api_key, one.api_secret, {"USDT": D(10_000), "BTC": D(1)})
                account.passphrase, account.mode = one.passphrase, mode

    @property
    def is_unified(self) -> bool:
        """Whether the account at hand is a unified one."""
        return self.keys is UNIFIED

    def price(self, price: str) -> None:
        """Move the market."""
        self.server.world.feed.move(SYMBOL, price)

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong."""
        self.server.world.faults.write(script)

    def asked(self, ending: str) -> int:
        """How often something was asked whose path, or topic, ends so."""
        return sum(entry.path.endswith(ending) for entry in self.server.world.journal.entries)

    @asynccontextmanager
    async def following(self, keys: Credentials | None = None) -> AsyncIterator[list[AccountUpdate]]:
        """What the private stream tells meanwhile."""
        updates: list[AccountUpdate] = []

        async def follow() -> None:
            async for update in self.client.stream_account(keys or self.keys):
                updates.append(update)

        task = asyncio.create_task(follow())
        try:
            yield updates
        finally:
            task.cancel()


@asynccontextmanager
async def a_house(clock: ManualClock, keys: Credentials) -> AsyncIterator[BitgetHouse]:
    """A house for one of the accounts, its catalogue read; gone when the context ends."""
    server = SimulatorServer(clock)
    await server.start()
    made = BitgetHouse(clock, server, keys)
    made.price("100")
    try:
        await made.client.instruments()
        yield made
    finally:
        await made.client.close()
        await server.stop()


def new_id() -> str:
    """A client order id."""
    return f"{next(_ids):032x}"


def market(side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A market order for a tenth of a coin."""
    return OrderRequest(**{
        "client_order_id": new_id(), "symbol": SYMBOL, "side": side, "type": OrderType.MARKET, "quantity": D("0.1"), **differences
    })  # fmt: skip


def limit(price: str, side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A limit order for a tenth of a coin."""
    return market(side, **{"type": OrderType.LIMIT, "price": D(price), **differences})


def stop(trigger: str = "90", **differences: Any) -> OrderRequest:
    """A stop for a tenth of a coin."""
    return market(**{"side": Side.SELL, "type": OrderType.STOP_LOSS, "stop_price": D(trigger), **differences})


async def turn(loops: int = 30) -> None:
    """Let what is under way get somewhere."""
    for _ in range(loops):
        await SystemClock().sleep(0.001)
