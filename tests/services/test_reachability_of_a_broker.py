"""The doctor on a whole house: the way to it, its token, its speed, its clock, and who has really called."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from aristobot.errors import NotFound
from aristobot.store import webhooks
from services.public_address import Check, PublicAddress, State
from services.reachability import NAMES, TRADINGVIEW, Reachability
from services.webhook_addresses import WebhookAddresses
from tests.builders import a_webhook
from tests.street import HAND, Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def leads_here(_host: str) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


async def a_broker_of(street: Street, owner: Person) -> uuid.UUID:
    row = await street.app.brokers.add(owner.id, {"exchange": "binance", "name": "Main", **street.account(USDT="1000")}, HAND)
    return row.id


@asynccontextmanager
async def listening(street: Street) -> AsyncIterator[str]:
    """The webhook port is open."""
    url = street.app.receiver.bind()
    receiving = asyncio.create_task(street.app.receiver.run())
    yield url
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)


def doctor(street: Street, url: str) -> Reachability:
    """The doctor of a house whose public address is `url`."""
    house, settings = street.app, street.app.settings.model_copy(update={"webhook_public_url": url})
    addresses = WebhookAddresses(house.db, house.bus, house.clock, house.accounts.trail, settings)
    addresses.ingress = lambda: house.receiver.address
    look_at = partial(PublicAddress, resolve=leads_here, patience=2.0)
    return Reachability(house.db, house.clock, settings, house.gateway, addresses, look_at=look_at)


async def found(checks: AsyncIterator[Check]) -> dict[str, tuple[State, str]]:
    """Every check by its name; they must come in their order."""
    listed = [one async for one in checks]
    assert tuple(one.name for one in listed) == NAMES
    return {one.name: (one.state, one.reason) for one in listed}


async def test_without_a_public_address_the_inside_is_tried_all_the_same(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    async with listening(street):
        checks = await found(doctor(street, "").examine(bob.id, broker_id))
    assert checks["address"] == (State.BROKEN, "reason.reach_no_address")
    assert checks["token"] == (State.OK, "reason.reach_token_local")
    assert checks["answer_time"] == (State.OK, "reason.reach_quick")
    assert checks["genuine"] == (State.UNKNOWN, "reason.reach_never")


async def test_a_test_goes_through_the_public_address(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    async with listening(street) as url:
        checks = await found(doctor(street, url).examine(bob.id, broker_id))
    assert checks["address"][1] == "reason.reach_port"
    assert checks["dns"] == (State.BROKEN, "reason.reach_private")
    assert checks["port"] == (State.OK, "reason.reach_port_ok")
    assert checks["tls"] == (State.BROKEN, "reason.reach_tls_none")
    assert checks["token"] == (State.OK, "reason.reach_token_ok")


async def test_a_closed_door_hides_token_and_speed(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    checks = await found(doctor(street, "http://127.0.0.1:9").examine(bob.id, broker_id))
    assert checks["port"] == (State.BROKEN, "reason.reach_port_closed")
    assert checks["token"] == checks["answer_time"] == (State.UNKNOWN, "reason.reach_after")


async def test_a_door_that_opens_to_tradingview_alone_is_not_called_broken(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    broker = await street.app.brokers.get(bob.id, broker_id)
    row = a_webhook(broker, source=TRADINGVIEW[2])
    await street.app.db.write(bob.id, lambda s: s.add(row))
    checks = await found(doctor(street, "http://127.0.0.1:9").examine(bob.id, broker_id))
    assert checks["genuine"] == (State.OK, "reason.reach_genuine_ok")
    assert checks["port"] == (State.UNKNOWN, "reason.reach_port_from_inside")


async def test_a_tunnel_that_hides_the_sender_is_named(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    broker = await street.app.brokers.get(bob.id, broker_id)
    row = a_webhook(broker, source="127.0.0.1", action="BuyMarket")
    await street.app.db.write(bob.id, lambda s: s.add(row))
    checks = await found(doctor(street, "").examine(bob.id, broker_id))
    assert checks["genuine"] == (State.UNKNOWN, "reason.reach_behind_proxy")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "reason.reach_not_ours"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "reason.reach_redirect"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "reason.reach_other_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "reason.reach_other_answer"),
        (b"", "reason.reach_no_answer"),
    ],
)
async def test_whoever_answers_instead_of_the_house_is_told_apart(
    street: Street, bob: Person, answer: bytes, reason: str
) -> None:
    broker_id = await a_broker_of(street, bob)

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'"id"')
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    checks = await found(doctor(street, f"http://127.0.0.1:{port}").examine(bob.id, broker_id))
    server.close()
    assert checks["token"] == (State.BROKEN, reason)


async def test_nobody_examines_the_broker_of_another(street: Street, alice: Person, bob: Person) -> None:
    broker_id = await a_broker_of(street, alice)
    with pytest.raises(NotFound):
        await found(doctor(street, "").examine(bob.id, broker_id))


async def test_the_newest_genuine_call_counts(street: Street, bob: Person) -> None:
    broker_id = await a_broker_of(street, bob)
    broker = await street.app.brokers.get(bob.id, broker_id)
    rows = [a_webhook(broker, source=source, dedupe_key=source) for source in (TRADINGVIEW[0], "10.0.0.1")]
    await street.app.db.write(bob.id, lambda s: s.add_all(rows))
    last = await street.app.db.read(bob.id, lambda s: webhooks.last_from(s, broker_id, TRADINGVIEW))
    assert last is not None
    assert last.source == TRADINGVIEW[0]
