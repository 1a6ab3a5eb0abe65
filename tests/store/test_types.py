"""Moments, words of closed lists, documents and texts: alike on both databases."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import DataError
from aristobot.kinds import BrokerMode
from aristobot.store.database import Database
from aristobot.store.tables import Broker, HeartbeatEvent, User
from aristobot.store.tenancy import SYSTEM
from tests.builders import MIDNIGHT, a_broker, a_user, a_webhook


async def a_stored_broker(db: Database, **differences: Any) -> Broker:
    user = a_user()
    broker = a_broker(user, **differences)
    await db.write(SYSTEM, lambda s: s.add_all([user, broker]))
    return broker


async def test_a_moment_comes_back_in_utc_from_whatever_zone_it_was_given(db: Database) -> None:
    paris = datetime(2026, 7, 1, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    await db.write(SYSTEM, lambda s: s.add(HeartbeatEvent(exchange="binance", kind="started", at=paris)))
    found = await db.read(SYSTEM, lambda s: s.exec(select(HeartbeatEvent.at)).one())
    assert found == paris
    assert found.tzinfo is UTC


async def test_moments_are_ordered_and_compared_across_centuries(db: Database) -> None:
    moments = [datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) for year in (2026, 1999, 1970, 2100)] + [MIDNIGHT]
    await db.write(SYSTEM, lambda s: s.add_all([HeartbeatEvent(exchange="binance", kind="started", at=at) for at in moments]))
    ordered = select(HeartbeatEvent.at).order_by(col(HeartbeatEvent.at))
    assert await db.read(SYSTEM, lambda s: list(s.exec(ordered))) == sorted(moments)
    later = sa.select(sa.func.count()).where(col(HeartbeatEvent.at) > MIDNIGHT)
    assert await db.read(SYSTEM, lambda s: s.scalar(later)) == 2


@pytest.mark.parametrize("moment", [MIDNIGHT.replace(tzinfo=None), "2026-01-01", 1767225600])
async def test_a_moment_without_its_zone_is_refused(db: Database, moment: Any) -> None:
    with pytest.raises(DataError) as caught:
        await db.write(SYSTEM, lambda s: s.add(HeartbeatEvent(exchange="binance", kind="started", at=moment)))
    assert caught.value.code == "moment_without_zone"


async def test_a_word_outside_its_list_is_refused_by_us(db: Database) -> None:
    broker = a_broker(uuid.uuid4(), mode="SOMETIMES")
    with pytest.raises(DataError) as caught:
        await db.write(SYSTEM, lambda s: s.add(broker))
    assert caught.value.code == "unknown_word"


async def test_a_word_outside_its_list_is_refused_by_the_database_itself(db: Database) -> None:
    await a_stored_broker(db)

    def sneak(connection: Any) -> None:
        connection.execute("UPDATE brokers SET mode = 'SOMETIMES'")

    with pytest.raises(Exception, match="value_refused"):
        await asyncio.wrap_future(db.hand_in(sneak))


async def test_words_are_stored_by_their_value_and_come_back_as_members(db: Database) -> None:
    await a_stored_broker(db, mode=BrokerMode.WEBHOOKS)
    assert await asyncio.wrap_future(db.hand_in(lambda c: c.execute("SELECT mode FROM brokers").fetchone()[0])) == "WEBHOOKS"
    assert await db.read(SYSTEM, lambda s: s.exec(select(Broker.mode)).one()) is BrokerMode.WEBHOOKS


async def test_a_document_keeps_its_shape_and_can_be_searched(db: Database) -> None:
    document = {"rights": ["read", "trade"], "label": "é", "none": None, "count": 10**15}
    await a_stored_broker(db, key_rights=document)
    found = await db.read(SYSTEM, lambda s: s.exec(select(Broker.key_rights)).one())
    assert found == document
    labelled = sa.select(sa.func.count()).where(sa.inspect(Broker).c.key_rights["label"].as_string() == "é")
    assert await db.read(SYSTEM, lambda s: s.scalar(labelled)) == 1


async def test_no_document_is_null_and_not_the_word_null(db: Database) -> None:
    await a_stored_broker(db, key_rights=None)
    counted = db.hand_in(lambda c: c.execute("SELECT count(*) FROM brokers WHERE key_rights IS NULL").fetchone()[0])
    assert await asyncio.wrap_future(counted) == 1


TEXTS: dict[str, Callable[[], User]] = {
    "text_too_long": lambda: a_user(name="n" * 65),
    "text_not_storable": lambda: a_user(password_hash="a\x00b"),
}


@pytest.mark.parametrize("code", TEXTS)
async def test_a_text_that_one_database_would_refuse_is_refused_on_both(db: Database, code: str) -> None:
    with pytest.raises(DataError) as caught:
        await db.write(SYSTEM, lambda s: s.add(TEXTS[code]()))
    assert caught.value.code == code
    assert caught.value.facts["field"] in ("name", "password_hash")


async def test_half_a_character_is_refused_on_both(db: Database) -> None:
    with pytest.raises(DataError) as caught:
        await db.write(SYSTEM, lambda s: s.add(a_user(password_hash="\ud800")))
    assert caught.value.code == "text_not_storable"


async def test_the_bytes_of_an_alert_are_kept_as_they_came(db: Database) -> None:
    broker = await a_stored_broker(db)
    webhook = a_webhook(broker, payload=bytes(range(256)))
    await db.write(broker.user_id, lambda s: s.add(webhook))
    found = await db.read(broker.user_id, lambda s: s.get_one(type(webhook), webhook.id))
    assert found.payload == bytes(range(256))
    assert found == webhook
