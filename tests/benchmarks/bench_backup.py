"""How long a backup of a large SQLite memory takes, and what the event loop feels of it.

`python -m tests.benchmarks.bench_backup [megabytes]` makes such a memory, copies it three times in a thread as the house does
every hour, and asks the loop every millisecond meanwhile how late it is.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

from aristobot.clock import SystemClock
from aristobot.store.database import Database
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.safekeeping import backup
from aristobot.store.shelf import Shelf
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.process_guard import take_short_turns
from tests.builders import a_broker, a_fill_row, a_shelf, a_user, a_webhook, an_order

ROUNDS = 3
_CLOCK = SystemClock()


def fill(session: GuardedSession, megabytes: int) -> None:
    """Alerts of 20 kB, and for each megabyte fifty orders with two fills each."""
    user = a_user()
    session.add(user)
    session.flush()
    broker = a_broker(user)
    session.add(broker)
    session.flush()
    for _ in range(megabytes):
        made = [an_order(broker, quantity=Decimal(3)) for _ in range(50)]
        session.add_all([*made, *(a_webhook(broker, payload=random.randbytes(20_000)) for _ in range(42))])
        session.flush()
        session.add_all(a_fill_row(order, quantity=Decimal(1)) for order in made for _ in range(2))
        session.flush()
        session.expunge_all()


async def measure(folder: Path, megabytes: int) -> None:
    """Print the figures."""
    url, shelf = f"sqlite:///{folder}/aristobot.db", a_shelf(folder)
    upgrade_at_start(url, None)
    db = Database(url)
    await db.write(SYSTEM, lambda session: fill(session, megabytes))
    await db.close()
    print(f"{(folder / 'aristobot.db').stat().st_size / 1e6:.0f} MB")
    take_short_turns()
    await _watched("idle", _CLOCK.sleep(2))
    for number in range(ROUNDS):
        await _watched("backup", asyncio.to_thread(_copy, url, shelf, number))


def _copy(url: str, shelf: Shelf, number: int) -> None:
    backup(url, shelf.folder / f"{number}.backup", shelf, _CLOCK.now())


async def _watched(what: str, work: Awaitable[None]) -> None:
    late: list[float] = []
    watching = asyncio.ensure_future(_watch(late))
    begun = _CLOCK.monotonic()
    await work
    took = _CLOCK.monotonic() - begun
    watching.cancel()
    cuts = quantiles(late, n=1000)
    print(f"{what}: {took:.2f} s; the loop is late by {cuts[499]:.2f} / {cuts[989]:.2f} / {max(late):.2f} ms (p50 / p99 / worst)")


async def _watch(late: list[float]) -> None:
    while True:
        before = _CLOCK.monotonic()
        await _CLOCK.sleep(0.001)
        late.append((_CLOCK.monotonic() - before - 0.001) * 1000)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 200))
