"""The house is killed while a strategy's process runs and a decision of it is carried out (K11): each is done once, whatever comes."""

from __future__ import annotations

import asyncio
import sys
import uuid
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import SystemClock
from aristobot.kinds import ActivationStatus, BrokerMode, LotStatus
from aristobot.orders import Side
from aristobot.settings import Settings
from aristobot.store import activations, brokers, orders, positions
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation, StrategyRow, StrategyVersion
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.builders import MIDNIGHT
from tests.reliability.checker import Checker, Memory
from tests.reliability.household import Household, Life, a_household, a_midwife, exchanges

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs fork, SIGKILL and /proc")
SYMBOL = "BTC/USDT"
IDLE = """
class Idle(Strategy):
    def should_long(self):
        return False
"""
#: Where the exchange kills the house: while it buys, while it sells, in turn.
POINTS = ("list.received", "cancel.done", "list.placed", "order.accepted", "list.replied", "order.received")
_CLOCK = SystemClock()


async def test_a_decision_under_way_is_carried_out_once_however_often_the_house_is_killed(tmp_path: Path) -> None:
    async with exchanges(1) as (address,), a_midwife() as midwife, a_household("h", tmp_path, address, (("binance",),)) as home:
        db = Database(Settings.load(home.settings, {}).database_url)
        active = await employed(db, home)
        for number, point in enumerate(POINTS):
            price = Decimal((await home.ask("GET", "/prices"))[SYMBOL])
            await decided(db, active, a_purchase(price) if number % 2 == 0 else {"close": "enough"})
            life = await midwife.birth(home)
            await home.ask("POST", "/kill-on", {"event": point, "pid": life.pid})
            await asyncio.wait_for(life.dead.wait(), 60)
            await home.ask("DELETE", "/kill-on")
            life = await midwife.birth(home)
            await life.ready.wait()
            await until(db, lambda s: activations.get(s, active).work is None)
            await until(db, is_guarded)
            await ended_with_its_child(life)
        rows = await db.read(SYSTEM, lambda s: orders.recent(s, home.seats[0].broker_id))
        for side in (Side.BUY, Side.SELL):
            assert sum(row.side is side and row.filled > 0 for row in rows) == len(POINTS) // 2
        held = await db.read(SYSTEM, positions.open_ones)
        assert [row for row in held if not row.is_dust] == []
        ledger = await home.ask("GET", "/ledger")
        assert Checker(home, [], await Memory.read(db), ledger).check().told() == ""
        await db.close()


def a_purchase(price: Decimal) -> dict[str, Any]:
    """Buy a little at the market, with a stop and a target."""
    entry = {"side": "buy", "type": "market", "quantity": 0.005, "price": float(price), "tag": "entry"}
    exits = {"stops": [{"price": round(float(price) * 0.9, 2), "share": 1.0}]}
    return {"entries": [entry], "targets": [{"price": round(float(price) * 1.1, 2), "share": 1.0}], **exits}


async def employed(db: Database, home: Household) -> uuid.UUID:
    """A strategy at work for the one broker that there is."""
    seat = home.seats[0]

    def work(session: GuardedSession) -> uuid.UUID:
        session.add(brokers.get(session, seat.broker_id).sqlmodel_update({"mode": BrokerMode.STRATEGIES}))
        row = StrategyRow(user_id=seat.user_id, name="Idle", name_key="idle", created_at=MIDNIGHT, updated_at=MIDNIGHT)
        session.add(row)
        session.flush()
        text = StrategyVersion(user_id=seat.user_id, strategy_id=row.id, number=1, code=IDLE, hash="0" * 64, created_at=MIDNIGHT)
        session.add(text)
        session.flush()
        what: dict[str, Any] = {
            "symbol": SYMBOL,
            "timeframe": "1h",
            "allotted": Decimal(1000),
            "status": ActivationStatus.RUNNING,
        }
        active = Activation(
            user_id=seat.user_id, version_id=text.id, broker_id=seat.broker_id, created_at=MIDNIGHT, updated_at=MIDNIGHT, **what
        )
        session.add(active)
        session.flush()
        return active.id

    return await db.write(SYSTEM, work)


async def decided(db: Database, active: uuid.UUID, decision: dict[str, Any]) -> None:
    """What a house had written when it died."""
    until = (_CLOCK.now() + timedelta(hours=1)).isoformat()

    def work(session: GuardedSession) -> None:
        turn = activations.get(session, active).turns + 1
        activations.change(session, active, turns=turn, work={"decision": decision, "turn": turn, "until": until})

    await db.write(SYSTEM, work)


def is_guarded(session: GuardedSession) -> bool:
    """Whether everything that is held has its exits resting, and nothing rests for what is not."""
    held = [row for row in positions.open_ones(session) if not row.is_dust]
    resting = [row for row in orders.alive(session) if row.status.is_working]
    return len(resting) == 2 * len(held) == len(orders.alive(session)) and all(row.status is LotStatus.OPEN for row in held)


async def ended_with_its_child(life: Life) -> None:
    """Kill it while its strategy's process runs: that goes too."""
    deadline = _CLOCK.monotonic() + 60
    while not (children := children_of(life.pid)):
        assert _CLOCK.monotonic() < deadline, "no strategy began"
        await _CLOCK.sleep(0.05)
    life.kill()
    await life.dead.wait()
    while any(is_alive(child) for child in children):
        assert _CLOCK.monotonic() < deadline, "the strategy outlived its house"
        await _CLOCK.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """The processes that a process began."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no mere entry in a list."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


async def until(db: Database, work: Any) -> None:
    """Look until it is so."""
    deadline = _CLOCK.monotonic() + 90
    while not await db.read(SYSTEM, work):
        assert _CLOCK.monotonic() < deadline, "it did not happen in time"
        await _CLOCK.sleep(0.1)
