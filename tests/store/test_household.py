"""Users, their logins and tokens, their brokers: what the repositories remember and forget."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import BrokerAccess, BrokerMode, Role, TokenScope
from aristobot.store import brokers, sessions, tokens, users
from aristobot.store.database import Database
from aristobot.store.inbox import token_owners
from aristobot.store.tables import ApiToken, Broker, LoginSession, User, WebhookToken
from aristobot.store.tenancy import SYSTEM, TenantError
from aristobot.store.trading_tables import Order
from tests.builders import MIDNIGHT, a_broker, a_user, an_order

HOUR = timedelta(hours=1)


@pytest.fixture
async def ann(db: Database) -> User:
    """A trader called Ann."""
    return await db.write(SYSTEM, lambda s: users.create(s, a_user(name="Ann", name_key=users.key_of("Ann"))))


@pytest.fixture
async def bob(db: Database) -> User:
    """An administrator called Bob."""
    row = a_user(name="Bob", name_key=users.key_of("Bob"), role=Role.ADMINISTRATOR, is_active=False)
    return await db.write(SYSTEM, lambda s: users.create(s, row))


@pytest.mark.parametrize("spelled", ["Ann", "ANN", "  ann ", "Ａnn"])
async def test_a_user_is_found_however_the_name_is_written(db: Database, ann: User, spelled: str) -> None:
    found = await db.read(SYSTEM, lambda s: users.by_name(s, spelled))
    assert found is not None
    assert found.id == ann.id


async def test_the_household_is_seen_by_the_services_and_each_user_sees_themselves(db: Database, ann: User, bob: User) -> None:
    assert {one.name for one in await db.read(SYSTEM, users.everyone)} == {"Ann", "Bob"}
    assert [one.name for one in await db.read(ann.id, users.everyone)] == ["Ann"]
    assert await db.read(SYSTEM, users.active_count) == 1
    assert await db.read(SYSTEM, lambda s: users.is_administrator(s, bob.id))
    assert not await db.read(SYSTEM, lambda s: users.is_administrator(s, ann.id))
    with pytest.raises(NotFound):
        await db.read(ann.id, lambda s: users.get(s, bob.id))


async def test_a_code_of_the_second_factor_works_once_for_one_of_many(db: Database, ann: User) -> None:
    outcomes = await asyncio.gather(*(db.write(SYSTEM, lambda s: users.advance_totp(s, ann.id, 100)) for _ in range(6)))
    assert sorted(outcomes) == [False] * 5 + [True]
    assert not await db.write(SYSTEM, lambda s: users.advance_totp(s, ann.id, 99))
    assert await db.write(ann.id, lambda s: users.advance_totp(s, ann.id, 101))


def a_login(user: User, token_hash: str) -> LoginSession:
    expires = MIDNIGHT + 10 * HOUR
    return LoginSession(user_id=user.id, token_hash=token_hash, created_at=MIDNIGHT, last_seen_at=MIDNIGHT, expires_at=expires)


async def test_a_login_is_found_by_its_hash_touched_and_ended_once(db: Database, ann: User) -> None:
    login = await db.write(ann.id, lambda s: sessions.create(s, a_login(ann, "hash")))
    await db.write(ann.id, lambda s: sessions.touch(s, login.id, MIDNIGHT + HOUR))
    await db.write(ann.id, lambda s: sessions.touch(s, login.id, MIDNIGHT))
    found = await db.read(SYSTEM, lambda s: sessions.by_hash(s, "hash"))
    assert found is not None
    assert found.last_seen_at == MIDNIGHT + HOUR
    ended = await db.write(SYSTEM, lambda s: sessions.end(s, login.id, MIDNIGHT + HOUR))
    assert ended is not None
    assert await db.write(SYSTEM, lambda s: sessions.end(s, login.id, MIDNIGHT + 2 * HOUR)) is None
    assert [row.ended_at for row in await db.read(ann.id, sessions.of_user)] == [MIDNIGHT + HOUR]


async def test_nobody_ends_the_login_of_another(db: Database, ann: User, bob: User) -> None:
    login = await db.write(ann.id, lambda s: sessions.create(s, a_login(ann, "hash")))
    assert await db.write(bob.id, lambda s: sessions.end(s, login.id, MIDNIGHT)) is None
    assert await db.read(bob.id, sessions.of_user) == []


async def test_expired_logins_can_be_forgotten(db: Database, ann: User) -> None:
    await db.write(ann.id, lambda s: [sessions.create(s, a_login(ann, name)) for name in ("one", "two")])
    assert await db.write(SYSTEM, lambda s: sessions.forget_before(s, MIDNIGHT + 10 * HOUR)) == 0
    assert await db.write(SYSTEM, lambda s: sessions.forget_before(s, MIDNIGHT + 11 * HOUR)) == 2


async def test_a_token_is_revoked_for_good_and_only_by_its_owner(db: Database, ann: User, bob: User) -> None:
    row = ApiToken(user_id=ann.id, scope=TokenScope.READ, token_hash="hash", last_four="abcd", created_at=MIDNIGHT)
    await db.write(ann.id, lambda s: tokens.create(s, row))
    with pytest.raises(NotFound):
        await db.write(bob.id, lambda s: tokens.revoke(s, row.id, MIDNIGHT))
    await db.write(ann.id, lambda s: tokens.revoke(s, row.id, MIDNIGHT))
    await db.write(ann.id, lambda s: tokens.revoke(s, row.id, MIDNIGHT + HOUR))
    await db.write(ann.id, lambda s: tokens.touch(s, row.id, MIDNIGHT + HOUR))
    found = await db.read(SYSTEM, lambda s: tokens.by_hash(s, "hash"))
    assert found is not None
    assert (found.revoked_at, found.last_used_at) == (MIDNIGHT, MIDNIGHT + HOUR)
    assert [one.id for one in await db.read(ann.id, tokens.of_user)] == [row.id]


async def some_brokers(db: Database, user: User, *names: str) -> list[Broker]:
    rows = [a_broker(user, name=name, created_at=MIDNIGHT + HOUR * place) for place, name in enumerate(names)]
    return await db.write(user.id, lambda s: [brokers.create(s, row) for row in rows])


async def default_of(db: Database, user: User) -> list[str]:
    return [row.name for row in await db.read(user.id, brokers.mine) if row.is_default]


async def test_brokers_are_listed_in_order_the_default_one_first(db: Database, ann: User) -> None:
    _, second, _ = await some_brokers(db, ann, "One", "Two", "Three")
    await db.write(ann.id, lambda s: brokers.set_default(s, second.id))
    assert [row.name for row in await db.read(ann.id, brokers.mine)] == ["Two", "One", "Three"]


async def test_there_is_one_default_broker_or_none(db: Database, ann: User, bob: User) -> None:
    first, second = await some_brokers(db, ann, "One", "Two")
    (other,) = await some_brokers(db, bob, "Bob's")
    await db.write(bob.id, lambda s: brokers.set_default(s, other.id))
    for chosen in (first, second, first):
        await db.write(ann.id, partial(brokers.set_default, broker_id=chosen.id))
        assert await default_of(db, ann) == [chosen.name]
    await db.write(SYSTEM, lambda s: brokers.set_default(s, second.id))
    assert await default_of(db, ann) == ["Two"]
    await db.write(ann.id, lambda s: brokers.set_default(s, None))
    assert await default_of(db, ann) == []
    assert await default_of(db, bob) == ["Bob's"]


async def test_the_services_must_say_whose_default_they_mean(db: Database) -> None:
    with pytest.raises(TenantError):
        await db.write(SYSTEM, lambda s: brokers.set_default(s, None))


async def test_a_broker_is_saved_over_the_version_that_was_read(db: Database, ann: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    saved = await db.write(ann.id, lambda s: brokers.save(s, row.id, row.version, name="Other", mode=BrokerMode.WEBHOOKS))
    assert (saved.name, saved.mode, saved.version) == ("Other", BrokerMode.WEBHOOKS, row.version + 1)
    with pytest.raises(Conflict) as caught:
        await db.write(ann.id, lambda s: brokers.save(s, row.id, row.version, name="Late"))
    assert caught.value.code == "changed_meanwhile"


async def test_nobody_finds_the_broker_of_another(db: Database, ann: User, bob: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    for look in (brokers.get, partial(brokers.remove, now=MIDNIGHT)):
        with pytest.raises(NotFound):
            await db.write(bob.id, partial(look, broker_id=row.id))
    with pytest.raises(NotFound):
        await db.write(bob.id, lambda s: brokers.set_default(s, row.id))


async def test_removing_a_broker_wipes_its_secrets_and_keeps_its_history(db: Database, ann: User) -> None:
    sealed = {"api_key_sealed": "sealed-key", "api_secret_sealed": "sealed-secret", "passphrase_sealed": "sealed-word"}
    row = a_broker(ann, **sealed, key_last_four="abcd", mode=BrokerMode.WEBHOOKS, is_default=True)
    order = an_order(row)
    await db.write(ann.id, lambda s: s.add_all([row, order]))
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "hash", "abcd", MIDNIGHT, HOUR))

    await db.write(ann.id, lambda s: brokers.remove(s, row.id, MIDNIGHT + HOUR))

    (left,) = await db.read(ann.id, lambda s: brokers.mine(s, with_deleted=True))
    assert (left.api_key_sealed, left.api_secret_sealed, left.passphrase_sealed, left.key_last_four) == ("", "", "", "")
    assert (left.mode, left.access, left.is_default) == (BrokerMode.OFF, BrokerAccess.READ_ONLY, False)
    assert left.deleted_at == MIDNIGHT + HOUR
    assert await db.read(ann.id, lambda s: s.exec(select(WebhookToken)).all()) == []
    assert [one.id for one in await db.read(ann.id, lambda s: s.exec(select(Order)).all())] == [order.id]
    assert await db.read(SYSTEM, brokers.tradable) == []
    with pytest.raises(NotFound):
        await db.read(ann.id, lambda s: brokers.get(s, row.id))


async def led_to(db: Database, token_hash: str, hours: float) -> uuid.UUID | None:
    """The broker to which the ingress lets a token lead, so many hours after midnight."""
    owner = (await db.read(SYSTEM, token_owners)).get(token_hash)
    valid = owner is not None and (owner.expires_at is None or owner.expires_at > MIDNIGHT + hours * HOUR)
    return owner.broker_id if owner is not None and valid else None


async def test_two_webhook_tokens_are_valid_while_one_replaces_the_other(db: Database, ann: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "old", "aaaa", MIDNIGHT, HOUR))
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "new", "bbbb", MIDNIGHT + HOUR, 2 * HOUR))
    assert [await led_to(db, "old", hours) for hours in (1, 2.9, 3, 4)] == [row.id, row.id, None, None]
    assert [await led_to(db, "new", hours) for hours in (1, 4, 9999)] == [row.id] * 3
    valid = await db.read(ann.id, lambda s: brokers.tokens_of(s, row.id, MIDNIGHT + HOUR))
    assert [one.last_four for one in valid] == ["bbbb", "aaaa"]


async def test_a_third_token_never_lengthens_the_life_of_the_first(db: Database, ann: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "first", "aaaa", MIDNIGHT, HOUR))
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "second", "bbbb", MIDNIGHT, HOUR))
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "third", "cccc", MIDNIGHT, 5 * HOUR))
    assert [await led_to(db, name, 2) for name in ("first", "second", "third")] == [None, row.id, row.id]


async def test_a_token_without_overlap_ends_at_once(db: Database, ann: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "old", "aaaa", MIDNIGHT, HOUR))
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "new", "bbbb", MIDNIGHT, timedelta(0)))
    assert [await led_to(db, name, 0) for name in ("old", "new")] == [None, row.id]


async def test_a_passing_token_lives_beside_the_lasting_one(db: Database, ann: User) -> None:
    (row,) = await some_brokers(db, ann, "One")
    await db.write(ann.id, lambda s: brokers.add_token(s, row, "lasting", "aaaa", MIDNIGHT, HOUR))
    await db.write(ann.id, lambda s: brokers.add_passing_token(s, row, "passing", "bbbb", MIDNIGHT, HOUR))
    assert [await led_to(db, name, 0.5) for name in ("lasting", "passing")] == [row.id, row.id]
    assert [await led_to(db, name, 1) for name in ("lasting", "passing")] == [row.id, None]


async def test_a_token_that_nobody_gave_leads_nowhere(db: Database, ann: User) -> None:
    await some_brokers(db, ann, "One")
    assert await led_to(db, "hash", 0) is None
