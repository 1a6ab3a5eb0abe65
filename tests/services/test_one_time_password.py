"""A one-time password: told once, good for choosing one's own, and for nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied, AristobotError, InvalidInput, NotSignedIn
from aristobot.kinds import Role
from aristobot.language import explain
from aristobot.store import audit
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.accounts import Accounts
from services.household import NewUser
from services.passwords import check_strength, one_time_password
from services.second_factor import code_at
from services.sign_in import LoginForm
from tests.services.entrance import HAND, HERE, PASSWORD, a_member, accounts_of, logged_in

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWN = "sept lapins dans le pré"


@pytest.fixture
def accounts(db: Database, clock: ManualClock, tmp_path: Path) -> Accounts:
    """The entrance hall."""
    return accounts_of(db, clock, tmp_path)


@ON_SQLITE
async def test_somebody_invited_chooses_their_own_password_at_the_first_login(accounts: Accounts, db: Database) -> None:
    bob, once = await accounts.household.invite(NewUser("Bob", "", Role.TRADER), HAND)
    assert bob.must_choose_password
    with pytest.raises(AccessDenied, match="choose_password"):
        await accounts.sign_in.log_in(LoginForm("Bob", once), HERE)
    assert await accounts.sessions.mine(bob.id) == []
    for chosen, code in ((once, "password_unchanged"), ("short", "password_too_short"), ("bobbobbobbob", "password_too_common")):
        with pytest.raises(InvalidInput, match=code):
            await accounts.sign_in.log_in(LoginForm("Bob", once, chosen=chosen), HERE)
    assert (await accounts.sign_in.log_in(LoginForm("Bob", once, chosen=OWN), HERE)).who.user_id == bob.id
    assert (await accounts.sign_in.log_in(LoginForm("Bob", OWN), HERE)).who.name == "Bob"
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.log_in(LoginForm("Bob", once, chosen="encore un autre mot"), HERE)
    acts = [entry.action for entry in await db.read(SYSTEM, lambda s: audit.recent(s, 20))]
    assert {"user.created", "user.password"} <= set(acts)


@ON_SQLITE
async def test_a_reset_ends_every_session_and_the_old_password(accounts: Accounts, db: Database) -> None:
    alice = await a_member(accounts)
    opened = await logged_in(accounts)
    once, _ = await accounts.household.reset_password(alice.id, HAND)
    assert not accounts.sessions.alive(opened.who.session_id)
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.log_in(LoginForm("Alice", PASSWORD, chosen=OWN), HERE)
    assert await accounts.sign_in.log_in(LoginForm("Alice", once, chosen=OWN), HERE)
    entries = await db.read(SYSTEM, lambda s: audit.recent(s, 20))
    assert "user.password_reset" in [entry.action for entry in entries]
    assert once not in str([(entry.before, entry.after) for entry in entries])


@ON_SQLITE
async def test_it_opens_no_door_past_the_phone(accounts: Accounts, clock: ManualClock) -> None:
    alice = await a_member(accounts)
    secret = accounts.second_factor.begin(alice.id, "Alice").secret
    await accounts.second_factor.complete(alice.id, code_at(secret, clock.now()), HAND)
    await clock.advance(30)
    once, _ = await accounts.household.reset_password(alice.id, HAND)
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.log_in(LoginForm("Alice", once, "000000", OWN), HERE)
    code = code_at(secret, clock.now())
    with pytest.raises(AccessDenied, match="choose_password"):
        await accounts.sign_in.log_in(LoginForm("Alice", once, code), HERE)
    assert await accounts.sign_in.log_in(LoginForm("Alice", once, code, OWN), HERE)  # the code was not used up


@ON_SQLITE
async def test_asking_again_and_again_without_choosing_is_held_back(accounts: Accounts) -> None:
    _, once = await accounts.household.invite(NewUser("Bob", "", Role.TRADER), HAND)
    for _ in range(5):
        with pytest.raises(AccessDenied, match="choose_password"):
            await accounts.sign_in.log_in(LoginForm("Bob", once), HERE)
    with pytest.raises(AccessDenied, match="too_many_attempts"):
        await accounts.sign_in.log_in(LoginForm("Bob", once, chosen=OWN), HERE)


@ON_SQLITE
@pytest.mark.parametrize("reset", [False, True], ids=["invited", "reset"])
async def test_it_waits_for_three_days_and_is_then_good_for_nothing(accounts: Accounts, clock: ManualClock, reset: bool) -> None:
    bob, once = await accounts.household.invite(NewUser("Bob", "", Role.TRADER), HAND)
    until = bob.password_expires_at
    if reset:
        await clock.advance(3600)
        once, until = await accounts.household.reset_password(bob.id, HAND)
    assert until == clock.now() + timedelta(hours=72)
    await clock.advance(72 * 3600 - 1)
    with pytest.raises(AccessDenied, match="choose_password"):
        await accounts.sign_in.log_in(LoginForm("Bob", once), HERE)
    await clock.advance(1)
    for chosen in ("", OWN):
        with pytest.raises(AccessDenied, match="password_expired") as refused:
            await accounts.sign_in.log_in(LoginForm("Bob", once, chosen=chosen), HERE)
    assert "72 heures" in explain(refused.value, language="fr")
    with pytest.raises(NotSignedIn):  # who does not know it is told nothing
        await accounts.sign_in.log_in(LoginForm("Bob", once + "x", chosen=OWN), HERE)
    again, _ = await accounts.household.reset_password(bob.id, HAND)
    assert await accounts.sign_in.log_in(LoginForm("Bob", again, chosen=OWN), HERE)
    await clock.advance(100 * 3600)
    assert await accounts.sign_in.log_in(LoginForm("Bob", OWN), HERE)  # their own has no end


@ON_SQLITE
async def test_of_two_who_use_it_at_once_one_is_too_late(accounts: Accounts) -> None:
    _, once = await accounts.household.invite(NewUser("Bob", "", Role.TRADER), HAND)
    forms = [LoginForm("Bob", once, chosen=one) for one in (OWN, "huit lapins dans le pré")]
    tries = await asyncio.gather(*(accounts.sign_in.log_in(form, HERE) for form in forms), return_exceptions=True)
    assert sorted(isinstance(one, AristobotError) for one in tries) == [False, True]


def test_no_two_are_alike_and_each_is_strong() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        check_strength(one, name="Bob")
        assert not set(one) & set("0O1lI")
