"""A process of the house in whose folders lie more files than on the disk.

`python -m tests.exchanges.new_exchange FOLDER NAME KIND` says which exchanges the gateway lists, and tries some of the behaviours
on the new one, whose accounts are of one kind.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx

import services.exchanges
import services.simulator
from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.settings import Settings, address_variable
from aristobot.store.database import Database
from aristobot.vault import Vault
from services.exchange_gateway import ExchangeGateway
from services.exchanges.transport import Timeouts
from services.simulator.server import SimulatorServer


async def listed(folder: Path, name: str) -> list[str]:
    """What the house lists wherever exchanges are listed; the new one's address may be set from outside like any other's."""
    db, vault = Database(f"sqlite:///{folder / 'house.db'}"), Vault.open_or_create(folder / "key")
    environ = {address_variable(name, "rest"): "https://elsewhere.example"}
    settings = Settings.load({"data_dir": folder}, environ)
    assert settings.exchange_urls == {name: {"rest": "https://elsewhere.example"}}
    gateway = ExchangeGateway(db, Bus(), ManualClock(), vault, settings)
    await db.close()
    return gateway.exchanges()


async def opened(name: str, kind: str) -> None:
    """Open an account with the simulator as anybody would who has read nothing of kinds of accounts."""
    server = SimulatorServer(ManualClock())
    await server.start()
    account = {"exchange": name, "key": "key", "secret": server.dialects[name].secret("secret"), "balances": {"USDT": "1"}}
    async with httpx.AsyncClient(trust_env=False) as web:
        (await web.post(f"{server.control_url}/accounts", json=account)).raise_for_status()
    assert server.venue.accounts[name, "key"].mode == kind
    await server.stop()


async def tried(name: str) -> int:
    """How many behaviours were tried, on every way that the new exchange's orders take."""
    from tests.exchanges import compliance, test_compliance_orders, test_compliance_reading

    behaviours = (
        test_compliance_reading.test_markets_come_with_their_rules,
        test_compliance_reading.test_wrong_keys_are_bad_keys,
        test_compliance_orders.test_a_limit_order_rests_and_is_cancelled,
    )
    number = 0
    for case in compliance.cases(routes=True):
        for behaviour in behaviours if case.exchange == name else ():
            async with compliance.a_bench(ManualClock(), case) as bench:
                await bench.client.close()
                bench.client = bench.another_client(Timeouts())  # patient: this process shares a busy machine
                await bench.client.instruments()
                await behaviour(bench)
                number += 1
    return number


async def main(folder: Path, name: str, kind: str) -> None:
    """Look into the new folders as well, and print what is found."""
    services.exchanges.__path__.append(str(folder / "exchanges"))
    services.simulator.__path__.append(str(folder / "simulator"))
    print(*await listed(folder, name))
    await opened(name, kind)
    print(await tried(name))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
