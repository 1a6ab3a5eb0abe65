"""The entrance hall for tests: accounts on a database of the test's own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.kinds import Role
from aristobot.settings import Settings
from aristobot.store import sessions, users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM
from aristobot.vault import Vault
from services.accounts import Accounts
from services.audit_trail import Actor
from services.household import NewUser
from services.login_sessions import NewSession
from services.sign_in import LoginForm, Visitor

PASSWORD = "un chat vert sur le toit"
HERE = Visitor("127.0.0.1", "a browser")
FAR = Visitor("192.168.1.20", "another browser")
HAND = Actor("the test", "cli")


def settings_of(folder: Path, **options: Any) -> Settings:
    """Settings that know nothing of the machine's environment."""
    return Settings.load({"data_dir": folder / "data", **options}, {})


def accounts_of(db: Database, clock: ManualClock, folder: Path, **options: Any) -> Accounts:
    """Accounts with their own bus and master key."""
    settings = settings_of(folder, **options)
    return Accounts(db, Bus(), clock, Vault.open_or_create(folder / "secret.key"), settings)


async def a_member(accounts: Accounts, name: str = "Alice", role: Role = Role.ADMINISTRATOR) -> User:
    """Somebody with a password."""
    return await accounts.household.add(NewUser(name, PASSWORD, role), HAND)


async def logged_in(accounts: Accounts, name: str = "Alice", code: str = "", visitor: Visitor = HERE) -> NewSession:
    """A fresh session of somebody."""
    return await accounts.sign_in.log_in(LoginForm(name, PASSWORD, code), visitor)


async def rows_of(db: Database, user_id: uuid.UUID) -> tuple[User, int]:
    """The user's row, and how many sessions were ever opened."""
    user = await db.read(SYSTEM, lambda s: users.get(s, user_id))
    return user, len(await db.read(user_id, sessions.of_user))
