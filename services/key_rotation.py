"""A new master key: everything is sealed again with it in one transaction, then the old key goes.

Each step can be repeated: while the key file holds both, what either of them sealed can be opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store import audit, brokers, notifications, users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.vault import Vault, add_master_key, drop_old_master_keys
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
    drop_old_master_keys(settings.master_key_file)
    return count


async def _seal_again(url: str, vault: Vault) -> int:
    db = Database(url)
    try:
        return await db.write(SYSTEM, lambda session: _all(session, vault))
    finally:
        await db.close()


def _all(session: GuardedSession, vault: Vault) -> int:
    count = _reseal(vault, users.everyone(session), _SEALED_OF_USERS)
    count += _reseal(vault, brokers.mine(session, with_deleted=True), _SEALED_OF_BROKERS)
    count += _reseal(vault, notifications.channels(session), _SEALED_OF_CHANNELS)
    audit.reseal(session, vault.derive_each("audit"))
    AuditTrail(vault, SystemClock()).record(session, "master_key.rotated", SYSTEM_ACTOR, after={"values": count})
    return count


def _reseal(vault: Vault, rows: Iterable[object], names: tuple[str, ...]) -> int:
    count = 0
    for row in rows:
        for name in names:
            if sealed := getattr(row, name):
                setattr(row, name, vault.reseal(sealed))
                count += 1
    return count
