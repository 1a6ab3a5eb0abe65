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
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.vault import SealBroken, Vault, add_master_key
from services.key_rotation import rotate
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
    assert len(settings.master_key_file.read_text().split()) == 1
    assert (await db.read(SYSTEM, lambda s: audit.verify(s, new.derive("audit")))).whole
    row = await db.read(broker.user_id, lambda s: brokers.get(s, broker.id))
    assert new.unseal(row.api_secret_sealed, f"user:{row.user_id}", f"broker:{row.id}", "api_secret") == "a secret"


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
