"""Alerts in the store: each once, many in one commit, and readable through the models as they went in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, select

from aristobot.clock import ManualClock
from aristobot.errors import StoreError
from aristobot.kinds import WebhookStatus
from aristobot.signals import parse
from aristobot.store.database import Database
from aristobot.store.inbox import TIMED_WINDOW, WEAK_WINDOW, Alert, AlertInbox, Stored, token_owners
from aristobot.store.tables import Broker, WebhookToken
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Webhook
from tests.builders import MIDNIGHT, a_broker, a_user

TIMED = b'{"action": "buy", "symbol": "BTCUSDT", "sent_at": "2026-01-01T00:00:00Z"}'
UNTIMED = b'{"action": "buy", "symbol": "BTCUSDT"}'


def alert(broker: Broker, raw: bytes = UNTIMED, *, at: datetime = MIDNIGHT, token: str = "hash") -> Alert:
    """The alert that a body becomes."""
    parsed = parse(raw)
    return Alert(
        user_id=broker.user_id,
        broker_id=broker.id,
        received_at=at,
        payload=raw,
        token_hash=token,
        source="203.0.113.7",
        identity=parsed.identity,
        has_time=parsed.has_time,
        row=parsed.row,
    )


async def rows(db: Database) -> Sequence[Webhook]:
    """Every stored alert, in the order of arrival."""
    return await db.read(SYSTEM, lambda s: list(s.exec(select(Webhook).order_by(col(Webhook.received_at)))))


async def test_every_column_comes_back_through_the_model_as_it_went_in(db: Database, broker: Broker) -> None:
    raw = (
        b'{"Symbol": "BTCUSDT", "Exchange": "BINANCE", "Interval": "60", "Action": "BuyLimit",'
        b'"Prix": "65000,123456789012345678", "PrixSL": "-2%",'
        b'"PrixTP": [["50%", "+3%"], ["50%", 70000]], "PourCent": 12.5, "UserID": "u", "UserExchangeID": "b",'
        b'"BarTime": "2026-01-01T00:00:00Z", "Time": "2026-01-01T01:00:00.123456+01:00", "id": "one", "market_position": "long",'
        b'"prev_market_position": "flat"}'
    )
    given = alert(broker, raw, at=datetime(2026, 1, 1, 12, 30, 15, 987654, tzinfo=UTC))

    stored = await AlertInbox(db).add(given)

    (row,) = await rows(db)
    assert stored == Stored(row.id, given.trace_id, duplicate=False)
    expected: dict[str, Any] = {
        "user_id": broker.user_id,
        "broker_id": broker.id,
        "weak_identity": False,
        "received_at": given.received_at,
        "payload": raw,
        "source": "203.0.113.7",
        "status": WebhookStatus.RECEIVED,
        "outcome": None,
        "reason": "",
        "reason_facts": None,
        "trace_id": given.trace_id,
        "claims": 0,
        "symbol": "",
        "symbol_in_payload": "BTCUSDT",
        "exchange_in_payload": "BINANCE",
        "interval": "60",
        "action": "BuyLimit",
        "price": Decimal("65000.123456789012345678"),
        "stop_loss": "-2%",
        "take_profit": "50%@+3% 50%@70000",
        "percent": Decimal("12.5"),
        "payload_user_id": "u",
        "payload_broker_id": "b",
        "payload_id": "one",
        "bar_time": MIDNIGHT,
        "sent_at": datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
        "market_position": "long",
        "prev_market_position": "flat",
        "order_ids": None,
        "result": None,
        "finished_at": None,
    }
    assert {name: getattr(row, name) for name in expected} == expected
    assert set(expected) | {"id", "dedupe_key"} == set(Webhook.model_fields)


async def test_an_explicit_id_makes_an_alert_unique_for_ever_within_its_broker(db: Database, broker: Broker) -> None:
    other = a_broker(broker.user_id, name="Other")
    await db.write(SYSTEM, lambda s: s.add(other))
    inbox, later = AlertInbox(db), MIDNIGHT + timedelta(days=400)
    first = await inbox.add(alert(broker, b'{"id": "one", "action": "PING"}'))

    again = await inbox.add(alert(broker, b'{"action": "buy", "symbol": "ETHUSDT", "id": "one"}', at=later, token="new"))
    elsewhere = await inbox.add(alert(other, b'{"id": "one", "action": "PING"}'))
    different = await inbox.add(alert(broker, b'{"id": "two", "action": "PING"}'))

    assert again == Stored(first.id, first.trace_id, duplicate=True)
    assert not elsewhere.duplicate
    assert not different.duplicate
    assert len(await rows(db)) == 3


@pytest.mark.parametrize(("raw", "window"), [(TIMED, TIMED_WINDOW), (UNTIMED, WEAK_WINDOW)])
async def test_an_equal_body_is_the_same_alert_for_as_long_as_a_resend_may_take(
    db: Database, broker: Broker, clock: ManualClock, raw: bytes, window: timedelta
) -> None:
    inbox = AlertInbox(db)
    await clock.advance(7.5)
    first = await inbox.add(alert(broker, raw, at=clock.now()))
    seen = []
    for step in (0.0, 1.0, window.total_seconds() - 1.0, 0.001):
        await clock.advance(step)
        seen.append((await inbox.add(alert(broker, raw, at=clock.now()))).duplicate)

    assert seen == [True, True, True, False]
    stored = await rows(db)
    assert [row.received_at for row in stored] == [MIDNIGHT + timedelta(seconds=7.5), clock.now()]
    assert [row.weak_identity for row in stored] == [raw == UNTIMED] * 2
    assert stored[0].id == first.id


async def test_a_clock_that_steps_back_doubles_nothing(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)
    first = await inbox.add(alert(broker, TIMED, at=MIDNIGHT + timedelta(seconds=1)))

    again = await inbox.add(alert(broker, TIMED, at=MIDNIGHT - timedelta(seconds=30)))

    assert again.id == first.id


async def test_another_token_or_another_byte_is_another_alert(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)

    stored = [
        await inbox.add(alert(broker)),
        await inbox.add(alert(broker, token="another")),
        await inbox.add(alert(broker, UNTIMED + b" ")),
    ]

    assert [one.duplicate for one in stored] == [False, False, False]


async def test_many_at_once_are_all_stored_and_equal_ones_once(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)
    bodies = [b'{"action": "PING", "id": "%d"}' % (number % 300) for number in range(600)]

    stored = await asyncio.gather(*(inbox.add(alert(broker, raw)) for raw in bodies))

    assert sum(not one.duplicate for one in stored) == 300
    assert {one.id for one in stored} == {row.id for row in await rows(db)}
    assert [one.id for one in stored[:300]] == [one.id for one in stored[300:]]


async def test_a_row_that_the_store_refuses_takes_no_neighbour_along(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)
    stranger = a_broker(broker.user_id)

    results = await asyncio.gather(
        inbox.add(alert(broker, b'{"id": "one"}')),
        inbox.add(alert(stranger, b'{"id": "two"}')),
        inbox.add(alert(broker, b'{"id": "three"}')),
        return_exceptions=True,
    )

    assert [isinstance(one, Stored) for one in results] == [True, False, True]
    assert sorted(row.payload_id for row in await rows(db)) == ["one", "three"]


async def test_what_cannot_be_stored_is_said_and_the_next_alert_is_tried_again(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)
    await db.close()

    for _ in range(2):
        with pytest.raises(StoreError):
            await inbox.add(alert(broker))


async def test_a_sender_who_goes_away_does_not_undo_the_storing(db: Database, broker: Broker) -> None:
    inbox = AlertInbox(db)
    waiting = asyncio.ensure_future(inbox.add(alert(broker, b'{"id": "one"}')))
    await asyncio.wait({waiting}, timeout=0)
    waiting.cancel()

    await inbox.add(alert(broker, b'{"id": "two"}'))

    assert sorted(row.payload_id for row in await rows(db)) == ["one", "two"]


async def test_tokens_lead_to_living_brokers_of_active_users_only(db: Database, broker: Broker) -> None:
    asleep = a_user(is_active=False)
    gone, sleeping = a_broker(broker.user_id, name="Gone", deleted_at=MIDNIGHT), a_broker(asleep)
    for row in (asleep, gone, sleeping):
        await db.write(SYSTEM, lambda s, row=row: s.add(row))  # type: ignore[misc]  # the row of this turn
    for number, owner in enumerate((broker, gone, sleeping)):
        token = WebhookToken(
            user_id=owner.user_id, broker_id=owner.id, token_hash=str(number), last_four="abcd", created_at=MIDNIGHT
        )
        await db.write(SYSTEM, lambda s, token=token: s.add(token))  # type: ignore[misc]  # the token of this turn

    owners = await db.read(SYSTEM, token_owners)

    assert {token: owner.broker_id for token, owner in owners.items()} == {"0": broker.id}
