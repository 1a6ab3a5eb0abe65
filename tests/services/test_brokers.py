"""A user's accounts at exchanges: keys sealed, tried step by step, never shown; addresses for alerts."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from aristobot.errors import Conflict, InvalidInput, NotFound
from aristobot.events import BrokerUpdated
from aristobot.orders import OrderStatus
from aristobot.store import brokers
from aristobot.store.inbox import token_owners
from aristobot.store.tenancy import SYSTEM
from services.broker_connection import NAMES, StepState
from services.key_state import KeyState
from services.tokens import hash_of
from tests.builders import an_order
from tests.street import HAND, Person, Street

#: What these tests show does not depend on the database; the others of the API run on both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _broker(street: Street, owner: Person, **form: Any) -> uuid.UUID:
    keys = {} if "api_key" in form else street.account(USDT="1000", BTC="0.5")
    row = await street.app.brokers.add(owner.id, {"exchange": "binance", "name": "Main", **keys, **form}, HAND)
    return row.id


async def test_keys_are_sealed_for_their_row_and_never_shown(street: Street, bob: Person) -> None:
    keys = street.account(USDT="1000")
    broker_id = await _broker(street, bob, **keys)
    row = await street.app.brokers.get(bob.id, broker_id)
    assert keys["api_secret"] not in str(row.model_dump())
    assert row.key_last_four == keys["api_key"][-4:]
    opened = await street.app.gateway.keys(row)
    assert (opened.api_key, opened.api_secret) == (keys["api_key"], keys["api_secret"])
    answers = [await bob.web.get(path) for path in ("/api/brokers/", f"/api/brokers/{broker_id}/", "/api/audit/")]
    assert not [answer for answer in answers if keys["api_secret"] in answer.text or keys["api_key"] in answer.text]


async def test_a_key_that_may_withdraw_is_refused_and_nothing_is_kept(street: Street, bob: Person) -> None:
    keys = street.account(USDT="1000")
    street.may(keys, "read", "trade", "withdraw")
    with pytest.raises(InvalidInput) as refused:
        await _broker(street, bob, **keys)
    assert (refused.value.code, refused.value.field) == ("key_may_withdraw", "api_key")
    assert await street.app.brokers.mine(bob.id) == []
    kept = await _broker(street, bob)
    with pytest.raises(InvalidInput):
        await street.app.brokers.change(bob.id, kept, keys, HAND)


async def test_an_exchange_that_is_away_stops_nobody_from_adding_a_broker(street: Street, bob: Person) -> None:
    keys = street.account(USDT="1000")
    await street.simulator.stop()
    broker_id = await _broker(street, bob, **keys)
    row = await street.app.brokers.get(bob.id, broker_id)
    assert KeyState.of(row).rights is None
    result = await street.app.brokers.test_connection(bob.id, broker_id)
    assert [step.state for step in result.steps] == [StepState.FAILED] + [StepState.SKIPPED] * 7


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"exchange": "mtgox"}, "exchange"),
        ({"name": " "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"api_key": "k", "api_secret": ""}, "api_secret"),
        ({"mode": "SOMETIMES"}, "mode"),
        ({"limits": {"max_order": "1"}}, "max_order"),
        ({"limits": {"max_order_notional": "-1"}}, "max_order_notional"),
        ({"colour": "red"}, "colour"),
        ({"endpoints": {"rest": "https://evil.example"}}, "endpoints"),
        ({"is_default": "yes"}, "is_default"),
    ],
)
async def test_a_form_that_cannot_be_names_its_field(street: Street, bob: Person, form: dict[str, Any], field: str) -> None:
    keys = {"api_key": "k", "api_secret": "s"}
    with pytest.raises(InvalidInput) as refused:
        await street.app.brokers.add(bob.id, {"exchange": "binance", "name": "Main", **keys, **form}, HAND)
    assert refused.value.field == field


async def test_other_addresses_are_for_administrators_and_encrypted(street: Street, alice: Person) -> None:
    for address in ("http://192.168.1.9/", "ftp://x", "https://user:pw@host"):
        with pytest.raises(InvalidInput) as refused:
            await _broker(street, alice, api_key="k", api_secret="s", endpoints={"rest": address})
        assert refused.value.field == "endpoints.rest"
    local = {"rest": f"{street.simulator.url}/binance"}
    broker_id = await _broker(street, alice, endpoints=local)
    assert (await street.app.brokers.get(alice.id, broker_id)).endpoints == local


async def test_a_connection_is_tried_step_by_step(street: Street, bob: Person) -> None:
    heard: list[BrokerUpdated] = []
    broker_id = await _broker(street, bob)
    street.app.bus.listen(BrokerUpdated, do=heard.append)
    result = await street.app.brokers.test_connection(bob.id, broker_id)
    assert result.ok
    assert tuple(step.name for step in result.steps) == NAMES
    assert {one.asset: one.free for one in result.balances} == {"USDT": Decimal(1000), "BTC": Decimal("0.5")}
    row = await street.app.brokers.get(bob.id, broker_id)
    assert row.key_rights is not None
    assert (row.key_rights["can_trade"], row.key_rights["can_withdraw"]) == (True, False)
    assert [event.broker_id for event in heard] == [broker_id]


async def test_a_wrong_secret_is_found_out_and_the_rest_is_not_tried(street: Street, bob: Person) -> None:
    keys = street.account(USDT="1000") | {"api_secret": "not-the-secret"}
    result = await street.app.brokers.test_connection(bob.id, await _broker(street, bob, **keys))
    states = {step.name: step.state for step in result.steps}
    assert (states["reachable"], states["key"], states["balances"]) == (StepState.OK, StepState.FAILED, StepState.SKIPPED)
    assert not result.ok


async def test_the_first_broker_is_the_default_and_there_is_never_more_than_one(street: Street, bob: Person) -> None:
    first, second = await _broker(street, bob), await _broker(street, bob, name="Other")
    assert [row.id for row in await street.app.brokers.mine(bob.id) if row.is_default] == [first]
    await street.app.brokers.set_default(bob.id, second, HAND)
    assert [row.id for row in await street.app.brokers.mine(bob.id) if row.is_default] == [second]
    await street.app.brokers.change(bob.id, second, {"is_default": False}, HAND)
    assert [row.id for row in await street.app.brokers.mine(bob.id) if row.is_default] == []


async def test_a_broker_with_open_orders_stays_and_a_deleted_one_keeps_no_key(street: Street, bob: Person) -> None:
    broker_id = await _broker(street, bob)
    row = await street.app.brokers.get(bob.id, broker_id)
    order = an_order(row, status=OrderStatus.OPEN)
    await street.app.db.write(bob.id, lambda s: s.add(order))
    with pytest.raises(Conflict) as refused:
        await street.app.brokers.remove(bob.id, broker_id, HAND)
    assert (refused.value.code, refused.value.facts["orders"]) == ("broker_in_use", 1)
    other = await _broker(street, bob, name="Other")
    token = await street.app.brokers.webhooks.rotate(bob.id, other, HAND)
    await street.app.brokers.remove(bob.id, other, HAND)
    with pytest.raises(NotFound):
        await street.app.brokers.get(bob.id, other)
    assert hash_of(token) not in await street.app.db.read(SYSTEM, token_owners)
    (gone,) = [one for one in await street.app.db.read(bob.id, lambda s: brokers.mine(s, with_deleted=True)) if one.id == other]
    assert (gone.api_key_sealed, gone.api_secret_sealed, gone.key_last_four) == ("", "", "")


async def test_a_rotated_address_replaces_the_old_one_after_the_overlap(street: Street, bob: Person) -> None:
    broker_id = await _broker(street, bob)
    webhooks = street.app.brokers.webhooks
    first = await webhooks.rotate(bob.id, broker_id, HAND)
    second = await webhooks.rotate(bob.id, broker_id, HAND, overlap=timedelta(hours=2))
    now = street.app.clock.now()
    assert first != second
    assert len(first) >= 43
    owners = await street.app.db.read(SYSTEM, token_owners)
    replaced, lasting = owners[hash_of(first)], owners[hash_of(second)]
    assert replaced.expires_at is not None
    assert now + timedelta(hours=1) < replaced.expires_at < now + timedelta(hours=3)
    assert lasting.expires_at is None
    assert replaced.broker_id == lasting.broker_id == broker_id
    assert [one.last_four for one in await webhooks.of_broker(bob.id, broker_id)] == [second[-4:], first[-4:]]
    for wrong in (timedelta(days=31), timedelta(hours=-1)):
        with pytest.raises(InvalidInput):
            await webhooks.rotate(bob.id, broker_id, HAND, overlap=wrong)


async def test_a_test_alert_goes_through_the_real_door(street: Street, bob: Person) -> None:
    broker_id = await _broker(street, bob)
    unreachable = await street.app.brokers.webhooks.send_test(bob.id, broker_id)
    street.app.receiver.bind()
    receiving = asyncio.create_task(street.app.receiver.run())
    result = await street.app.brokers.webhooks.send_test(bob.id, broker_id)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    assert (result.ok, result.status) == (True, 200), result
    listed = (await bob.web.get("/api/webhooks/")).json()["items"]
    assert [(one["id"], one["action"]) for one in listed] == [(result.webhook_id, "PING")]
    assert (unreachable.ok, unreachable.reason) == (False, "reason.ingress_unreachable")


async def test_nobody_touches_the_broker_of_another(street: Street, alice: Person, bob: Person) -> None:
    broker_id = await _broker(street, alice)
    shop = street.app.brokers
    for attempt in (
        shop.get(bob.id, broker_id),
        shop.change(bob.id, broker_id, {"name": "Mine"}, HAND),
        shop.remove(bob.id, broker_id, HAND),
        shop.test_connection(bob.id, broker_id),
        shop.balances(bob.id, broker_id),
        shop.set_default(bob.id, broker_id, HAND),
        shop.webhooks.rotate(bob.id, broker_id, HAND),
        shop.webhooks.send_test(bob.id, broker_id),
        shop.webhooks.of_broker(bob.id, broker_id),
    ):
        with pytest.raises(NotFound):
            await attempt
