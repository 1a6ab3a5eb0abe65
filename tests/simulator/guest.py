"""Somebody at the simulator's door: a client for its exchange, another for its control port."""

from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from services.simulator.server import SimulatorServer
from tests.loopback import AUTHORITIES


class Guest:
    """One account's owner, who can also play fate."""

    #: The market whose price moves when none is named.
    market: ClassVar[str] = "BTC/USDT"

    def __init__(self, server: SimulatorServer, address: str) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=address, timeout=5, verify=AUTHORITIES)
        self.control = httpx.AsyncClient(base_url=server.control_url, timeout=5, verify=AUTHORITIES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.http.aclose()
        await self.control.aclose()

    async def move(self, price: str, symbol: str = "") -> None:
        """Move the price by hand."""
        (await self.control.post("/price", json={"symbol": symbol or self.market, "price": price})).raise_for_status()

    async def script(self, *entries: dict[str, Any]) -> None:
        """Write misfortunes."""
        (await self.control.post("/faults", json={"script": list(entries)})).raise_for_status()

    async def ledger(self) -> Any:
        """The truth."""
        return (await self.control.get("/ledger")).json()

    async def requests(self) -> list[Any]:
        """What the simulator received."""
        return list((await self.control.get("/requests")).json()["requests"])
