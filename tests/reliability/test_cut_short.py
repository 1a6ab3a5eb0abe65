"""What must be whole or not at all is killed half-way: an upgrade, a backup, a change of the master key (K10)."""

from __future__ import annotations

import random
import sqlite3
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store import brokers, halts, users
from aristobot.store.backups import check_sqlite
from aristobot.store.database import Database
from aristobot.store.migrate import head, upgrade_at_start
from aristobot.store.restoring import sweep_leftovers
from aristobot.store.safekeeping import opened_backup
from aristobot.store.shelf import Shelf
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.verification import verify
from aristobot.vault import SealBroken, Vault
from tests.builders import a_broker, a_user, a_webhook
from tests.reliability.household import Life, Midwife, a_midwife

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
KILLS = 8
_CLOCK = SystemClock()


@dataclass
class Victim:
    """A data folder in which an act is begun and killed."""

    midwife: Midwife
    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def options(self) -> dict[str, Any]:
        """As the child is told them."""
        return {"data_dir": str(self.folder)}

    @property
    def settings(self) -> Settings:
        """As the test reads them."""
        return Settings.load(self.options, {})

    async def whole(self, act: str) -> float:
        """Let the act come to its end; how long it took."""
        life: Life = await self.midwife.begin("victim", self.options, act=act)
        await life.ready.wait()
        began = _CLOCK.monotonic()
        await life.dead.wait()
        assert life.status == 0
        return _CLOCK.monotonic() - began

    async def cut_short(self, act: str, within: float) -> bool:
        """Kill the act at some moment; whether it was killed before its end."""
        life = await self.midwife.begin("victim", self.options, act=act)
        await life.ready.wait()
        await _CLOCK.sleep(self.chance.uniform(0, within))
        life.kill()
        await life.dead.wait()
        return life.status != 0


async def killed_often(
    victim: Callable[[int], Victim], act: str, lasts: float, then: Callable[[Victim], Awaitable[None]]
) -> None:
    """Begin and kill an act until enough kills came before its end; `then` looks at what each left behind."""
    in_time = attempts = 0
    while in_time < KILLS:
        attempts += 1
        assert attempts < 8 * KILLS, "it is always over before the kill comes"
        one = victim(attempts)
        in_time += await one.cut_short(act, lasts)
        await then(one)


async def test_a_killed_upgrade_is_completed_by_the_next_one(tmp_path: Path) -> None:
    async with a_midwife() as midwife:
        lasts = await Victim(midwife, tmp_path / "first").whole("upgrade")

        async def look(victim: Victim) -> None:
            await victim.whole("upgrade")
            check_sqlite(victim.folder / "aristobot.db")
            with closing(sqlite3.connect(victim.folder / "aristobot.db")) as connection:
                assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(head(),)]

        await killed_often(lambda number: Victim(midwife, tmp_path / str(number), random.Random(number)), "upgrade", lasts, look)


async def test_a_killed_backup_leaves_the_memory_and_the_last_good_copy_whole(tmp_path: Path) -> None:
    async with a_midwife() as midwife:
        victim = Victim(midwife, tmp_path)
        db = await furnished(victim)
        lasts, shelf = await victim.whole("backup"), Shelf.of(victim.settings)

        async def look(_: Victim) -> None:
            with opened_backup(tmp_path / "backups" / "by-hand.backup", shelf):
                check_sqlite(tmp_path / "aristobot.db")
            assert [one.name for one in shelf.folder.iterdir()] == ["by-hand.backup"]

        await killed_often(lambda _: victim, "backup", lasts, look)
        assert verify(victim.settings.database_url).passed
        await db.close()


async def test_a_killed_restore_leaves_the_memory_that_was_there_or_the_restored_one(tmp_path: Path) -> None:
    async with a_midwife() as midwife:
        victim = Victim(midwife, tmp_path)
        await (await furnished(victim)).close()
        await victim.whole("backup")
        url, shelf = victim.settings.database_url, Shelf.of(victim.settings)
        lasts, seen = await victim.whole("restore"), set[tuple[int, int]]()

        async def look(_: Victim) -> None:
            sweep_leftovers(url, shelf)
            assert verify(url).passed
            assert left_in_the_clear(tmp_path) == []
            db = Database(url)
            seen.add(await db.read(SYSTEM, lambda session: (len(users.everyone(session)), len(halts.active(session)))))
            await db.write(SYSTEM, _begin_again)
            await db.close()

        await look(victim)
        assert seen == {(5, 1)}
        await killed_often(lambda _: victim, "restore", lasts, look)
        assert seen <= {(5, 1), (6, 0)}


def left_in_the_clear(folder: Path) -> list[Path]:
    """What a killed backup or restore left."""
    return [*folder.glob("*.restored*"), *folder.glob("backups/working-*")]


def _begin_again(session: GuardedSession) -> None:
    """As it was before the restore: nothing halted, and a user that the backup does not know."""
    for halt in halts.active(session):
        halts.release(session, halt.id, by="Ann", now=_CLOCK.now())
    if len(users.everyone(session)) == 5:
        session.add(a_user())


async def test_a_killed_change_of_the_master_key_leaves_every_secret_readable(tmp_path: Path) -> None:
    async with a_midwife() as midwife:
        victim = Victim(midwife, tmp_path)
        db = await furnished(victim)
        first = Vault.open_or_create(victim.settings.master_key_file)
        lasts = await victim.whole("rotate")

        async def look(_: Victim) -> None:
            assert set(await secrets(db, Vault.open_or_create(victim.settings.master_key_file))) == {"a secret"}

        await killed_often(lambda _: victim, "rotate", lasts, look)
        await victim.whole("rotate")
        await look(victim)
        with pytest.raises(SealBroken):
            await secrets(db, first)
        await db.close()


async def furnished(victim: Victim) -> Database:
    """A memory with a few users, sealed keys, and megabytes of alerts."""
    settings = victim.settings
    upgrade_at_start(settings.database_url, Shelf.of(settings))
    vault, db = Vault.open_or_create(settings.master_key_file), Database(settings.database_url)

    def fill(session: GuardedSession) -> None:
        for _ in range(5):
            user = a_user()
            session.add(user)
            session.flush()
            for number in range(4):
                broker = a_broker(user, name=f"Broker {number}", id=uuid.uuid4())
                broker.api_secret_sealed = vault.seal("a secret", f"user:{user.id}", f"broker:{broker.id}", "api_secret")
                session.add(broker)
                session.flush()
                session.add_all([a_webhook(broker, payload=b"x" * 20_000) for _ in range(10)])

    await db.write(SYSTEM, fill)
    return db


async def secrets(db: Database, vault: Vault) -> list[str]:
    """Every broker's secret, opened."""
    rows: list[Broker] = await db.read(SYSTEM, brokers.tradable)
    return [vault.unseal(row.api_secret_sealed, f"user:{row.user_id}", f"broker:{row.id}", "api_secret") for row in rows]
