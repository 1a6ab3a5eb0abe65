"""Coming in, staying in, going out: attempts, second factor, sessions, tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied, InvalidInput, NotFound, NotSignedIn
from aristobot.events import SessionEnded
from aristobot.kinds import Role, TokenScope
from aristobot.store import sessions, tokens
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.second_factor import accepted_step, code_at
from services.sign_in import LoginForm, Visitor
from tests.services.entrance import FAR, HAND, HERE, PASSWORD, a_member, accounts_of, logged_in

WRONG = "un chien vert sur le toit"


async def test_wrong_name_wrong_password_and_wrong_code_sound_the_same(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    enrolment = accounts.second_factor.begin(alice.id, alice.name)
    await accounts.second_factor.complete(alice.id, code_at(enrolment.secret, clock.now()), HAND)
    bob = await a_member(accounts, "Bob")
    await accounts.household.change(bob.id, HAND, active=False)
    refusals = []
    for form in (
        LoginForm("Nobody", PASSWORD),
        LoginForm("Alice", WRONG),
        LoginForm("Alice", PASSWORD),
        LoginForm("Alice", PASSWORD, "000000"),
        LoginForm("Bob", PASSWORD),
    ):
        with pytest.raises(NotSignedIn) as refused:
            await accounts.sign_in.log_in(form, HERE)
        refusals.append((refused.value.code, refused.value.facts))
    assert set(map(str, refusals)) == {"('sign_in_failed', {})"}


async def test_after_five_failures_one_waits_a_minute_then_longer_but_never_for_ever(
    db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    await a_member(accounts)

    async def refused(password: str) -> float:
        try:
            await accounts.sign_in.log_in(LoginForm("alice ", password), FAR)
        except NotSignedIn:
            return 0
        except AccessDenied as held:
            return float(str(held.facts["retry_after"]))
        return -1

    assert [await refused(WRONG) for _ in range(5)] == [0] * 5
    assert await refused(PASSWORD) == 60, "the right password does not help while one must wait"
    waits = []
    for _ in range(6):
        await clock.advance(await refused(WRONG))
        assert await refused(WRONG) == 0
        waits.append(await refused(WRONG))
    assert waits == [120, 240, 480, 900, 900, 900]
    await logged_in(accounts, visitor=HERE)
    await clock.advance(900)
    assert await refused(PASSWORD) == -1
    assert await refused(WRONG) == 0, "a success forgets the failures"


async def test_a_hundred_guesses_at_once_get_five_tries(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    await a_member(accounts)
    guesses = [accounts.sign_in.log_in(LoginForm("Alice", f"{WRONG} {number}"), FAR) for number in range(100)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(one, NotSignedIn) for one in results) == 5
    assert sum(isinstance(one, AccessDenied) for one in results) == 95


async def test_an_address_that_tries_many_names_is_held_back_too(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    for number in range(25):
        accounts.attempts.begin(f"name {number}", "10.0.0.1")
    with pytest.raises(AccessDenied):
        accounts.attempts.begin("another name", "10.0.0.1")
    accounts.attempts.begin("another name", "10.0.0.2")


async def test_a_code_counts_once(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    enrolment = accounts.second_factor.begin(alice.id, alice.name)
    assert enrolment.uri.startswith("otpauth://totp/Aristobot:Alice?")
    with pytest.raises(InvalidInput):
        await accounts.second_factor.complete(alice.id, "000000", HAND)
    first = code_at(enrolment.secret, clock.now())
    await accounts.second_factor.complete(alice.id, first, HAND)
    with pytest.raises(NotSignedIn):
        await logged_in(accounts, code=first)
    await clock.advance(30)
    code = code_at(enrolment.secret, clock.now())
    both = await asyncio.gather(logged_in(accounts, code=code), logged_in(accounts, code=code), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["NewSession", "NotSignedIn"]


async def test_a_code_may_be_one_step_early_or_late(clock: ManualClock) -> None:
    secret, now = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", clock.now()
    step = int(now.timestamp()) // 30
    for off, accepted in ((-60, None), (-30, step - 1), (0, step), (30, step + 1), (60, None)):
        assert accepted_step(secret, code_at(secret, now + timedelta(seconds=off)), now, 0) == accepted
    assert accepted_step(secret, code_at(secret, now), now, step) is None
    assert accepted_step(secret, "１２３４５６", now, 0) is None


async def test_a_recovery_code_replaces_a_lost_phone_once(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    enrolment = accounts.second_factor.begin(alice.id, alice.name)
    codes = await accounts.second_factor.complete(alice.id, code_at(enrolment.secret, clock.now()), HAND)
    assert len(set(codes)) == 10
    typed = codes[3].upper().replace("-", " ")
    both = await asyncio.gather(logged_in(accounts, code=typed), logged_in(accounts, code=codes[3]), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["NewSession", "NotSignedIn"]
    await accounts.second_factor.switch_off(alice.id, HAND)
    await logged_in(accounts)


async def test_each_login_is_a_new_session_and_its_token_is_not_in_the_store(
    db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    first, second = await logged_in(accounts), await logged_in(accounts)
    assert first.token != second.token
    assert first.who.session_id != second.who.session_id
    assert len(first.token) >= 43
    rows = await db.read(alice.id, sessions.of_user)
    assert first.token not in str([row.model_dump() for row in rows])
    assert (await accounts.sessions.check(first.token)).name == "Alice"
    for wrong in ("", "x", first.token[:-1], first.token + "x", "\ud800"):
        with pytest.raises(NotSignedIn):
            await accounts.sessions.check(wrong)


async def test_a_session_ends_after_twelve_idle_hours_and_after_seven_days(
    db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    await a_member(accounts)
    idle = await logged_in(accounts)
    await clock.advance(12 * 3600)
    assert not accounts.sessions.alive(idle.who.session_id)
    with pytest.raises(NotSignedIn):
        await accounts.sessions.check(idle.token)
    busy = await logged_in(accounts)
    for _ in range(7 * 4):
        assert (await accounts.sessions.check(busy.token)).session_id == busy.who.session_id
        await clock.advance(6 * 3600)
    with pytest.raises(NotSignedIn):
        await accounts.sessions.check(busy.token)


async def test_logins_are_forgotten_a_year_after_they_expired(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    await logged_in(accounts)
    await clock.advance(timedelta(days=371).total_seconds())
    await logged_in(accounts)
    assert len(await db.read(alice.id, sessions.of_user)) == 2
    await clock.advance(timedelta(days=2).total_seconds())
    await logged_in(accounts)
    assert len(await db.read(alice.id, sessions.of_user)) == 2


async def test_ending_a_session_rings_the_bell_at_once(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice, bob = await a_member(accounts), await a_member(accounts, "Bob")
    heard: list[SessionEnded] = []
    accounts.sessions._bus.listen(SessionEnded, do=heard.append)
    mine, other, bobs = await logged_in(accounts), await logged_in(accounts), await logged_in(accounts, "Bob")
    with pytest.raises(NotFound):
        await accounts.sessions.end(alice.id, bobs.who.session_id)
    await accounts.sessions.end(alice.id, other.who.session_id)
    assert [event.session_id for event in heard] == [other.who.session_id]
    assert not accounts.sessions.alive(other.who.session_id)
    assert [row.id for row in await accounts.sessions.mine(alice.id)] == [mine.who.session_id]
    await accounts.sign_in.log_out(mine.who)
    await accounts.household.change(bob.id, HAND, active=False)
    assert [event.session_id for event in heard] == [other.who.session_id, mine.who.session_id, bobs.who.session_id]
    for gone in (mine, other, bobs):
        with pytest.raises(NotSignedIn):
            await accounts.sessions.check(gone.token)


async def test_a_new_password_ends_the_other_sessions(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    mine, other = await logged_in(accounts), await logged_in(accounts)
    await accounts.household.set_password(alice.id, "une autre phrase, plus longue", HAND, keep=mine.who.session_id)
    renewed = await accounts.sessions.renew(await accounts.sessions.check(mine.token))
    assert renewed.token != mine.token
    for gone in (mine, other):
        with pytest.raises(NotSignedIn):
            await accounts.sessions.check(gone.token)
    assert (await accounts.sessions.check(renewed.token)).user_id == alice.id


async def test_the_sweep_ends_what_expired_and_writes_down_who_was_seen(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    used, idle = await logged_in(accounts), await logged_in(accounts)
    ended = accounts.sessions._bus.subscribe(SessionEnded)
    sweeping = asyncio.create_task(accounts.sessions.run())
    await clock.advance(11 * 3600)
    accounts.sessions.used(used.who.session_id)
    await clock.advance(3600)
    async with asyncio.timeout(20):
        assert (await anext(ended)).session_id == idle.who.session_id
    sweeping.cancel()
    rows = {row.id: row for row in await db.read(alice.id, sessions.of_user)}
    assert rows[idle.who.session_id].ended_at is not None
    assert accounts.sessions.alive(used.who.session_id)


async def test_grave_matters_want_the_password_again_every_five_minutes(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    await a_member(accounts)
    who = (await logged_in(accounts)).who
    assert accounts.sign_in.is_confirmed(who.session_id)
    await clock.advance(301)
    assert not accounts.sign_in.is_confirmed(who.session_id)
    with pytest.raises(NotSignedIn):
        await accounts.sign_in.confirm(who, LoginForm("", WRONG), HERE)
    await accounts.sign_in.confirm(who, LoginForm("Bob", PASSWORD), HERE)
    assert accounts.sign_in.is_confirmed(who.session_id)


async def test_a_token_reaches_as_far_as_its_scope_and_its_owner(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice, bob = await a_member(accounts), await a_member(accounts, "Bob", Role.TRADER)
    token, row = await accounts.tokens.create(bob.id, TokenScope.TRADE, HAND, name="script")
    holder = await accounts.tokens.holder(token)
    assert (holder.name, [holder.may(scope) for scope in TokenScope]) == ("Bob", [True, True, False])
    assert token.endswith(row.last_four)
    with pytest.raises(AccessDenied):
        await accounts.tokens.create(bob.id, TokenScope.ADMIN, HAND)
    await accounts.household.change(bob.id, HAND, role=Role.VIEWER)
    assert [(await accounts.tokens.holder(token)).may(scope) for scope in TokenScope] == [True, False, False]
    with pytest.raises(NotFound):
        await accounts.tokens.revoke(row.id, HAND, owner=alice.id)
    await accounts.tokens.revoke(row.id, HAND, owner=bob.id)
    with pytest.raises(NotSignedIn):
        await accounts.tokens.holder(token)
    assert token not in str([one.model_dump() for one in await db.read(SYSTEM, tokens.of_user)])


async def test_a_token_expires_and_dies_with_its_user(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice, bob = await a_member(accounts), await a_member(accounts, "Bob")
    short, _ = await accounts.tokens.create(alice.id, TokenScope.READ, HAND, life=timedelta(days=1))
    lasting, _ = await accounts.tokens.create(bob.id, TokenScope.READ, HAND, life=None)
    await clock.advance(86400)
    with pytest.raises(NotSignedIn):
        await accounts.tokens.holder(short)
    assert (await accounts.tokens.holder(lasting)).name == "Bob"
    await accounts.household.change(bob.id, HAND, active=False)
    with pytest.raises(NotSignedIn):
        await accounts.tokens.holder(lasting)
    with pytest.raises(InvalidInput):
        await accounts.tokens.create(alice.id, TokenScope.READ, HAND, life=timedelta(0))


async def test_a_strange_browser_name_is_kept_as_text(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    accounts = accounts_of(db, clock, tmp_path)
    alice = await a_member(accounts)
    await logged_in(accounts, visitor=Visitor("127.0.0.1", "evil\x00\ud800" + "x" * 400))
    rows = await accounts.sessions.mine(alice.id)
    assert rows[0].user_agent == "evil" + "x" * 251
