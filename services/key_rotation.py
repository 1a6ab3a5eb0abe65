"""A new master key: everything is sealed again with it in one transaction, then the old key retires.

Each step can be repeated: while the key file holds both, what either of them sealed can be opened. A retired key is of use for
the backups of its time alone; what comes out of one is sealed with today's key before it takes the place of the memory (`adopt`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aristobot.clock import SystemClock
from aristobot.errors import StoreDamaged
from aristobot.settings import Settings
from aristobot.store import audit, brokers, notifications, users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.vault import Vault, add_master_key, retire_old_master_keys
from services.audit_trail import SYSTEM_ACTOR, AuditTrail

_SEALED_OF_USERS = ("totp_sealed", "ai_key_sealed")
_SEALED_OF_CHANNELS = ("secret_sealed",)
_SEALED_OF_BROKERS = ("api_key_sealed", "api_secret_sealed", "passphrase_sealed")


def rotate(settings: Settings) -> int:
    """Do all three steps; how many values were sealed again. Raises SealBroken, StoreDamaged, StoreError: then nothing changed.

    Nobody else may use the database meanwhile (hold the instance lock).
    """
    Vault.open_or_create(settings.master_key_file)
    vault = add_master_key(settings.master_key_file)
    count = asyncio.run(_seal_again(settings.database_url, vault))
    retire_old_master_keys(settings.master_key_file)
    return count


@dataclass(frozen=True, slots=True)
class Adopted:
    """How many values were sealed with today's key, how many nobody can open, and whether the audit holds."""

    sealed: int
    lost: int
    audit_holds: bool


def adopt(url: str, master_key_file: Path) -> Adopted:
    """Make the memory out of a backup our own: what retired keys sealed is sealed with today's; nobody else may use it meanwhile.

    What no key of the file opens stays as it is: it has to be entered anew. Raises ConfigurationError, StoreError.
    """
    return asyncio.run(_adopt(url, Vault.open_or_create(master_key_file)))


def unopened(session: GuardedSession, vault: Vault) -> int:
    """How many sealed values no key in use opens: they have to be entered anew, or the right key file put back."""
    return sum(not vault.opens(getattr(row, name)) for row, name in _sealed_values(session))


def unopened_in(url: str, vault: Vault) -> int:
    """The same of a database that is not open. Raises StoreError."""

    async def look() -> int:
        db = Database(url)
        try:
            return await db.read(SYSTEM, lambda session: unopened(session, vault))
        finally:
            await db.close()

    return asyncio.run(look())


async def _adopt(url: str, vault: Vault) -> Adopted:
    db = Database(url)
    try:
        sealed, lost = await db.write(SYSTEM, lambda session: _take_over(session, vault, vault.with_retired()))
        return Adopted(sealed, lost, await _audit_held(db, vault.derive_ever("audit")))
    finally:
        await db.close()


def _take_over(session: GuardedSession, today: Vault, ever: Vault) -> tuple[int, int]:
    sealed = lost = 0
    for row, name in _sealed_values(session):
        token = getattr(row, name)
        if today.opens(token):
            continue
        if ever.opens(token):
            setattr(row, name, ever.reseal(token))
            sealed += 1
        else:
            lost += 1
    return sealed, lost


async def _audit_held(db: Database, keys: list[bytes]) -> bool:
    if (await db.read(SYSTEM, lambda session: audit.verify(session, keys[0]))).whole:
        return True
    with suppress(StoreDamaged):
        await db.write(SYSTEM, lambda session: audit.reseal(session, keys))
        return True
    return False


async def _seal_again(url: str, vault: Vault) -> int:
    db = Database(url)
    try:
        return await db.write(SYSTEM, lambda session: _all(session, vault))
    finally:
        await db.close()


def _all(session: GuardedSession, vault: Vault) -> int:
    count = 0
    for row, name in _sealed_values(session):
        setattr(row, name, vault.reseal(getattr(row, name)))
        count += 1
    audit.reseal(session, vault.derive_each("audit"))
    AuditTrail(vault, SystemClock()).record(session, "master_key.rotated", SYSTEM_ACTOR, after={"values": count})
    return count


def _sealed_values(session: GuardedSession) -> Iterator[tuple[object, str]]:
    """Every row with the name of each of its columns that holds something sealed."""
    subjects: tuple[tuple[Iterable[object], tuple[str, ...]], ...] = (
        (users.everyone(session), _SEALED_OF_USERS),
        (brokers.mine(session, with_deleted=True), _SEALED_OF_BROKERS),
        (notifications.channels(session), _SEALED_OF_CHANNELS),
    )
    for rows, names in subjects:
        for row in rows:
            yield from ((row, name) for name in names if getattr(row, name))
