"""The toy: a whole exchange on this machine, to send curl at."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys

from aristobot.clock import SystemClock
from services.simulator.server import SimulatorServer


async def simulate(port: int, control_port: int, seed: int) -> None:
    """Open the simulator with one account per dialect, print one line about it, and serve until interrupted."""
    server = SimulatorServer(SystemClock(), port, control_port, seed)
    await server.start()
    server.world.feed.walk(on=True, seed=seed)
    accounts = [dialect.ready_account() for dialect in server.dialects.values()]
    ready = {
        "event": "ready",
        "url": server.url,
        "control": server.control_url,
        "accounts": [
            {"exchange": one.exchange, "key": one.key, "secret": one.secret, "passphrase": one.passphrase} for one in accounts
        ],
    }
    print(json.dumps(ready), flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()


def main(arguments: list[str] | None = None) -> int:
    """`python -m services.simulator [--port P] [--control-port C] [--seed N]`."""
    parser = argparse.ArgumentParser(prog="aristobot simulator", description="A local exchange, real on the wire.")
    parser.add_argument("--port", type=int, default=9100, help="for the exchanges; 0 takes a free one")
    parser.add_argument("--control-port", type=int, default=9101, help="for accounts, prices and faults; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same prices")
    options = parser.parse_args(arguments)
    gc.set_threshold(100_000, 50, 100)  # everything is remembered here: looking through it again and again costs half the speed
    try:
        asyncio.run(simulate(options.port, options.control_port, options.seed))
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
