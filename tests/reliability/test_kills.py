"""The house is killed at any moment and at every point of its protocols, again and again, and must owe nobody anything.

`ARISTOBOT_KILLS` says how often (200), `ARISTOBOT_KILL_SEED` which storm it is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.clock import SystemClock
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.settings import Settings
from aristobot.store import halts, positions
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.reliability.campaign import CALM, Campaign, quiet, run, told
from tests.reliability.checker import Checker, Memory
from tests.reliability.household import a_household, a_midwife, exchanges
from tests.reliability.storm import Storm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
KILLS = int(os.environ.get("ARISTOBOT_KILLS", "200"))
SEED = int(os.environ.get("ARISTOBOT_KILL_SEED", "1"))


async def test_however_often_the_house_is_killed_no_alert_is_lost_and_no_order_doubled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = await run(Campaign(kills=KILLS, seed=SEED), tmp_path, SystemClock())
    with capsys.disabled():
        print(f"\n{told(outcomes)}")
    assert sum(one.tally.kills for one in outcomes) == KILLS
    assert [one.findings.told() for one in outcomes if one.findings.broken] == []


@pytest.mark.parametrize("point", ["cancel.received", "cancel.done", "order.received", "order.accepted", "order.replied"])
async def test_a_sell_out_is_finished_by_whoever_lives_next_and_sells_nothing_twice(tmp_path: Path, point: str) -> None:
    async with exchanges(1) as (address,), a_midwife() as midwife, a_household("house", tmp_path, address) as household:
        db = Database(Settings.load(household.settings, {}).database_url)
        storm = Storm(household, SystemClock(), SEED)
        life = await midwife.birth(household)
        await life.ready.wait()
        storm.gust(12, "BuyMarket")
        await storm.calm()
        assert await quiet(db, SystemClock(), CALM) == []
        life.kill()
        await life.dead.wait()
        await db.write(SYSTEM, sell_everything)
        for _ in range(3):  # killed while it sells, three times over
            life = await midwife.birth(household)
            await household.ask("POST", "/kill-on", {"event": point, "pid": life.pid})
            with suppress(TimeoutError):
                await asyncio.wait_for(life.dead.wait(), 3)
            life.kill()
            await life.dead.wait()
            await household.ask("DELETE", "/kill-on")
        life = await midwife.birth(household)
        await wait_until(db, lambda s: halts.active(s)[0].completed_at is not None)
        life.kill()
        await life.dead.wait()
        findings = Checker(household, storm.sent, await Memory.read(db), await household.ask("GET", "/ledger")).check()
        assert findings.told() == ""
        assert await db.read(SYSTEM, positions.open_ones) == []
        await db.close()


async def test_what_is_filled_while_the_house_is_dead_is_known_when_it_lives_again(tmp_path: Path) -> None:
    async with exchanges(1) as (address,), a_midwife() as midwife, a_household("house", tmp_path, address) as household:
        db = Database(Settings.load(household.settings, {}).database_url)
        storm = Storm(household, SystemClock(), SEED)
        life = await midwife.birth(household)
        await life.ready.wait()
        storm.gust(12, "BuyMarket")
        await storm.calm()
        assert await quiet(db, SystemClock(), CALM) == []
        life.kill()
        await life.dead.wait()
        for symbol, price in (await household.ask("GET", "/prices")).items():
            await household.ask("POST", "/price", {"symbol": symbol, "price": f"{Decimal(price) * Decimal('0.9'):.5f}"})
        life = await midwife.birth(household)
        await life.ready.wait()
        assert await quiet(db, SystemClock(), CALM) == []
        life.kill()
        await life.dead.wait()
        ledger = await household.ask("GET", "/ledger")
        findings = Checker(household, storm.sent, await Memory.read(db), ledger).check()
        assert findings.told() == ""
        assert any(fill["side"] == "sell" for fill in ledger["fills"])
        await db.close()


def sell_everything(session: GuardedSession) -> None:
    """What another process asks for while the house is dead."""
    now = SystemClock().now()
    halts.set_halt(session, scope=HaltScope.ALL, scope_id=None, level=HaltLevel.FLATTEN, by="the operator", reason="", now=now)


async def wait_until(db: Database, work: Callable[[GuardedSession], bool]) -> None:
    """Look until it is so: an order in doubt may have to wait for its fence, three lives long."""
    clock = SystemClock()
    deadline = clock.monotonic() + 90
    while not await db.read(SYSTEM, work):
        assert clock.monotonic() < deadline
        await clock.sleep(0.1)
