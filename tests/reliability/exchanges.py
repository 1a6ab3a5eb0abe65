"""The exchanges of the storm: a process of its own with one simulator per house, so that one kill meets one house.

`python -m tests.reliability.exchanges 3` prints their addresses as one JSON line and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from aristobot.clock import SystemClock
from services.simulator.binance import BinanceDialect
from services.simulator.bitget import BitgetDialect
from services.simulator.kraken import KrakenDialect
from services.simulator.server import SimulatorServer


async def serve(number: int) -> None:
    """Open `number` worlds whose budgets are not counted: a house that dies twice a second asks more than one that lives."""
    servers = [SimulatorServer(SystemClock(), seed=seed) for seed in range(1, number + 1)]
    for server in servers:
        await server.start()
        for dialect in server.dialects.values():
            if isinstance(dialect, BinanceDialect | KrakenDialect | BitgetDialect):
                dialect.limits.counting = False
    print(json.dumps([addresses(server) for server in servers]), flush=True)
    try:
        await asyncio.to_thread(sys.stdin.read)
    finally:
        for server in servers:
            await server.stop()


def addresses(server: SimulatorServer) -> dict[str, Any]:
    """Where one world is: its control port, and each exchange as a house is told it."""
    found = {name: asdict(server.endpoints(name)) for name in server.dialects}
    return {"control": server.control_url, "exchanges": found}


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
