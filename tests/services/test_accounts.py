"""The household and its first administrator."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied, AristobotError, Conflict, InvalidInput, NotFound, NotSignedIn
from aristobot.kinds import Role
from aristobot.store import audit, users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.household import NewUser
from services.sign_in import LoginForm, Visitor
from tests.services.entrance import FAR, HAND, HERE, PASSWORD, a_member, accounts_of, logged_in


async def test_the_first_administrator_needs_the_code_of_the_console_and_this_machine(
    db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    assert await accounts.needs_first_admin()
    code = await accounts.announce_first_admin()
    new = NewUser("Alice", PASSWORD, Role.VIEWER)
    with pytest.raises(AccessDenied):
        await accounts.create_first_admin(code, new, FAR)
    with pytest.raises(InvalidInput) as wrong:
        await accounts.create_first_admin("00000000" if code != "00000000" else "1", new, HERE)
    assert wrong.value.field == "code"
    made = await accounts.create_first_admin(code, new, HERE)
    assert made.role is Role.ADMINISTRATOR
    assert not await accounts.needs_first_admin()
    assert await accounts.announce_first_admin() == ""
    with pytest.raises(InvalidInput):
        await accounts.create_first_admin(code, NewUser("Bob", PASSWORD), HERE)


async def test_of_two_first_administrators_at_once_one_is_too_late(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    code = await accounts.announce_first_admin()
    tries = [accounts.create_first_admin(code, NewUser(name, PASSWORD), HERE) for name in ("Alice", "Bob")]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["AccessDenied", "User"]
    assert len(await accounts.household.everyone()) == 1


async def test_guessing_the_console_code_is_held_back(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    code = await accounts.announce_first_admin()
    for _ in range(5):
        with pytest.raises(InvalidInput):
            await accounts.create_first_admin("nope", NewUser("Alice", PASSWORD), HERE)
    with pytest.raises(AccessDenied) as held:
        await accounts.create_first_admin(code, NewUser("Alice", PASSWORD), HERE)
    assert held.value.code == "too_many_attempts"


async def test_five_active_users_are_the_household(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    made = [await a_member(accounts, name) for name in ("A-one", "B-two", "C-three", "D-four")]
    both = await asyncio.gather(a_member(accounts, "E-five"), a_member(accounts, "F-six"), return_exceptions=True)
    assert [type(one).__name__ for one in both].count("Conflict") == 1
    await accounts.household.change(made[0].id, HAND, active=False)
    await a_member(accounts, "G-seven")
    with pytest.raises(Conflict) as full:
        await accounts.household.change(made[0].id, HAND, active=True)
    assert full.value.code == "too_many_users"


async def test_a_name_is_taken_however_it_is_written(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    await a_member(accounts, "Élodie")
    for name in ("élodie", " ÉLODIE ", "E\u0301lodie"):
        with pytest.raises(InvalidInput) as taken:
            await a_member(accounts, name)
        assert taken.value.field == "name"


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\nb", "a\x00b", "\ud800", "ﷺ" * 10])
async def test_a_name_that_cannot_be_shown_is_refused(db: Database, clock: ManualClock, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        await a_member(accounts_of(db, clock, tmp_path), name)


async def test_the_last_administrator_stays(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    await a_member(accounts, "Bob", Role.TRADER)
    for change in ({"role": Role.TRADER}, {"active": False}):
        with pytest.raises(Conflict) as refused:
            await accounts.household.change(alice.id, HAND, **change)
        assert refused.value.code == "last_administrator"
    with pytest.raises(NotFound):
        await accounts.household.change(uuid.uuid4(), HAND, active=False)


async def test_a_profile_changes_what_is_named_and_seals_the_key(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    await accounts.profiles.update(alice.id, {"ai_key": "sk-very-secret", "language": "en"}, HAND)
    row = await db.read(SYSTEM, lambda s: users.get(s, alice.id))
    assert (row.language, row.timezone) == ("en", "Europe/Paris")
    assert row.ai_key_sealed is not None
    assert "very-secret" not in row.ai_key_sealed
    await accounts.profiles.update(alice.id, {"ai_key": ""}, HAND)
    assert (await accounts.household.get(alice.id)).ai_key_sealed is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "de"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "Europe"),
        ("ai_provider", "skynet"),
        ("ai_url", "javascript:alert(1)"),
        ("ai_url", "http://user:pw@host"),
    ],
)
async def test_a_profile_value_that_cannot_be_names_its_field(
    db: Database, clock: ManualClock, tmp_path: Path, field: str, value: str
) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    with pytest.raises(InvalidInput) as refused:
        await accounts.profiles.update(alice.id, {field: value}, HAND)
    assert refused.value.field == field


async def test_the_debug_door_opens_on_this_machine_in_debug_mode_alone(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    closed = accounts_of(db, clock, tmp_path)
    assert await closed.ensure_house_user() is None
    assert await closed.sign_in.open_house_door(HERE) is None
    debug = accounts_of(db, clock, tmp_path, debug=True)
    dev = await debug.ensure_house_user()
    assert dev is not None
    again = await debug.ensure_house_user()
    assert again is not None
    assert (dev.name, dev.id) == ("dev", again.id)
    assert await debug.sign_in.open_house_door(FAR) is None
    opened = await debug.sign_in.open_house_door(HERE)
    assert opened is not None
    assert opened.who.name == "dev"
    with pytest.raises(NotSignedIn):
        await debug.sign_in.log_in(LoginForm("dev", ""), HERE)
    assert await closed.sign_in.open_house_door(HERE) is None


async def test_every_grave_act_is_in_the_sealed_audit(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    await logged_in(accounts)
    with pytest.raises(AristobotError):
        await accounts.sign_in.log_in(LoginForm("Alice", "wrong password!!"), Visitor("10.0.0.9"))
    await accounts.household.set_password(alice.id, "une autre phrase, plus longue", HAND)
    entries = await db.read(SYSTEM, lambda s: audit.recent(s))
    assert [entry.action for entry in reversed(entries)] == ["user.created", "sign_in", "sign_in.refused", "user.password"]
    assert all(PASSWORD not in str(entry.model_dump()) for entry in entries)
    assert (await db.read(SYSTEM, accounts.trail.verify)).whole
