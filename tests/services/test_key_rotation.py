"""A new master key: what was sealed opens with it alone, and a broken audit is not sealed over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import StoreDamaged
from aristobot.notices import Outlet
from aristobot.settings import Settings
from aristobot.store import audit, brokers, notifications
from aristobot.store.database import Database
from aristobot.store.notice_tables import NotificationChannel
from aristobot.store.restoring import restore
from aristobot.store.safekeeping import backup
from aristobot.store.shelf import Shelf
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.vault import SealBroken, Vault, add_master_key
from services.key_rotation import Adopted, adopt, rotate
from services.second_factor import code_at
from tests.builders import a_broker
from tests.services.entrance import HAND, a_member, accounts_of


async def _furnished(db: Database, url: str, clock: ManualClock, folder: Path) -> tuple[Settings, Broker]:
    """A user with a second factor, an AI key and a broker, all sealed."""
    accounts = accounts_of(db, clock, folder)
    alice = await a_member(accounts)
    enrolment = accounts.second_factor.begin(alice.id, alice.name)
    await accounts.second_factor.complete(alice.id, code_at(enrolment.secret, clock.now()), HAND)
    await accounts.profiles.update(alice.id, {"ai_key": "sk-secret"}, HAND)
    broker = a_broker(alice)
    vault = Vault.open_or_create(folder / "secret.key")
    broker.api_secret_sealed = vault.seal("a secret", f"user:{alice.id}", f"broker:{broker.id}", "api_secret")
    await db.write(alice.id, lambda s: brokers.create(s, broker))
    channel = NotificationChannel(user_id=alice.id, channel=Outlet.WEBHOOK, updated_at=clock.now())
    channel.secret_sealed = vault.seal("a way out", "channel")
    await db.write(alice.id, lambda s: s.add(channel))
    options = {"data_dir": folder / "data", "database_url": url, "master_key_file": folder / "secret.key"}
    return Settings.load(options, {}), broker


async def test_everything_sealed_opens_with_the_new_key_alone(
    db: Database, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    settings, broker = await _furnished(db, database_url, clock, tmp_path)
    old = Vault.open_or_create(settings.master_key_file)
    assert await asyncio.to_thread(rotate, settings) == 4
    new = Vault.open_or_create(settings.master_key_file)
    row = await db.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    context = (f"user:{row.user_id}", f"broker:{row.id}", "api_secret")
    assert new.unseal(row.api_secret_sealed, *context) == "a secret"
    [channel] = await db.read(broker.user_id, notifications.channels)
    assert new.unseal(channel.secret_sealed, "channel") == "a way out"
    with pytest.raises(SealBroken):
        old.unseal(row.api_secret_sealed, *context)
    assert (await db.read(SYSTEM, lambda s: audit.verify(s, new.derive("audit")))).whole
    assert not (await db.read(SYSTEM, lambda s: audit.verify(s, old.derive("audit")))).whole


async def test_a_rotation_that_was_cut_off_is_finished_by_the_next(
    db: Database, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    settings, broker = await _furnished(db, database_url, clock, tmp_path)
    add_master_key(settings.master_key_file)  # and then the power went
    await a_member(accounts_of(db, clock, tmp_path), "Bob")  # whose entry the newer key has sealed
    assert await asyncio.to_thread(rotate, settings) == 4
    new = Vault.open_or_create(settings.master_key_file)
    assert [word.startswith("retired:") for word in settings.master_key_file.read_text().split()] == [False, True, True]
    assert (await db.read(SYSTEM, lambda s: audit.verify(s, new.derive("audit")))).whole
    row = await db.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    assert new.unseal(row.api_secret_sealed, f"user:{row.user_id}", f"broker:{row.id}", "api_secret") == "a secret"


async def test_a_backup_from_before_a_rotation_comes_back_with_every_secret_and_its_audit(
    db: Database, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    settings, broker = await _furnished(db, database_url, clock, tmp_path)
    shelf, path = Shelf.of(settings), settings.master_key_file
    old = Vault.open_or_create(path)
    file = await asyncio.to_thread(backup, database_url, tmp_path / "one.backup", shelf, clock.now())
    for _ in range(2):
        await asyncio.to_thread(rotate, settings)
    outcome: list[Adopted] = []
    await db.close()
    await asyncio.to_thread(
        restore, database_url, file, shelf, clock.now(), by="Ann", then=lambda url: outcome.append(adopt(url, path))
    )
    assert outcome == [Adopted(sealed=4, lost=0, audit_holds=True)]
    new, restored = Vault.open_or_create(path), Database(database_url)
    row = await restored.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    assert new.unseal(row.api_secret_sealed, f"user:{row.user_id}", f"broker:{row.id}", "api_secret") == "a secret"
    assert not old.opens(row.api_secret_sealed)
    assert (await restored.read(SYSTEM, lambda s: audit.verify(s, new.derive("audit")))).whole
    await restored.close()


async def test_what_nobody_can_open_is_counted_and_left_alone(
    db: Database, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    settings, broker = await _furnished(db, database_url, clock, tmp_path)
    before = broker.api_secret_sealed
    found = await asyncio.to_thread(adopt, database_url, tmp_path / "another.key")
    assert found == Adopted(sealed=0, lost=4, audit_holds=False)
    row = await db.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    assert row.api_secret_sealed == before
    assert await asyncio.to_thread(adopt, database_url, settings.master_key_file) == Adopted(0, 0, audit_holds=True)


async def test_a_broken_audit_stops_the_rotation_and_nothing_is_lost(
    db: Database, database_url: str, clock: ManualClock, tmp_path: Path
) -> None:
    settings, broker = await _furnished(db, database_url, clock, tmp_path)
    before = broker.api_secret_sealed

    def forge(session: GuardedSession) -> None:
        audit.recent(session)[-1].actor = "somebody else"

    await db.write(SYSTEM, forge)
    with pytest.raises(StoreDamaged):
        await asyncio.to_thread(rotate, settings)
    row = await db.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    assert row.api_secret_sealed == before
    opened = Vault.open_or_create(settings.master_key_file)
    assert opened.unseal(before, f"user:{row.user_id}", f"broker:{row.id}", "api_secret") == "a secret"
