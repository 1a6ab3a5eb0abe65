"""A process of the house in whose folders lie more files than on the disk: `python -m tests.exchanges.new_exchange FOLDER NAME`.

It says which exchanges the gateway lists, and tries some of the behaviours on the new one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import services.exchanges
import services.simulator
from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.vault import Vault
from services.exchange_gateway import ExchangeGateway
from services.exchanges.transport import Timeouts


async def listed(folder: Path) -> list[str]:
    """What the house lists wherever exchanges are listed."""
    db, vault = Database(f"sqlite:///{folder / 'house.db'}"), Vault.open_or_create(folder / "key")
    gateway = ExchangeGateway(db, Bus(), ManualClock(), vault, Settings.load({"data_dir": folder}))
    await db.close()
    return gateway.exchanges()


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


async def main(folder: Path, name: str) -> None:
    """Look into the new folders as well, and print what is found."""
    services.exchanges.__path__.append(str(folder / "exchanges"))
    services.simulator.__path__.append(str(folder / "simulator"))
    print(*await listed(folder))
    print(await tried(name))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
