"""The doctor's lines about alerts: the way from the public address to the ingress, the tokens, the last genuine call."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from services.commands.doctor_alerts import alert_findings
from services.commands.finding import Finding
from services.public_address import PublicAddress
from services.reachability import TRADINGVIEW
from tests.builders import a_webhook
from tests.services.test_reachability_of_a_broker import leads_here, listening
from tests.street import HAND, Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def lines(street: Street, url: str, *, readable: bool = True) -> dict[str, Finding]:
    """What is found for a house whose public address is `url`, by its name."""
    settings = street.app.settings.model_copy(update={"webhook_public_url": url})
    look_at = partial(PublicAddress, resolve=leads_here, patience=2.0)
    found = await alert_findings(settings, readable=readable, look_at=look_at)
    assert all(one.detail and "reach_" not in one.detail for one in found)
    return {one.check.removeprefix("webhooks."): one for one in found}


async def a_listener(street: Street, bob: Person, *, with_token: bool) -> None:
    form = {"exchange": "binance", "name": "Main", "mode": "WEBHOOKS", **street.account(USDT="1000")}
    row = await street.app.brokers.add(bob.id, form, HAND)
    if with_token:
        await street.app.brokers.webhooks.rotate(bob.id, row.id, HAND)


async def test_without_a_public_address_that_is_said_with_its_cure(street: Street) -> None:
    found = await lines(street, "")
    assert list(found) == ["address", "token", "genuine"]
    assert found["address"].state == "warning"
    assert "ARISTOBOT_WEBHOOK_PUBLIC_URL" in found["address"].cure


async def test_the_way_is_followed_to_the_ingress_and_nothing_is_stored(street: Street, bob: Person) -> None:
    await a_listener(street, bob, with_token=True)
    async with listening(street) as url:
        found = await lines(street, url)
        assert street.app.receiver.counters.received == 0
    assert list(found) == ["address", "dns", "port", "tls", "path", "answer_time", "token", "genuine"]
    states = {name: one.state for name, one in found.items()}
    assert states == {
        "address": "failed",  # a port that TradingView never calls
        "dns": "failed",
        "port": "ok",
        "tls": "failed",
        "path": "ok",
        "answer_time": "ok",
        "token": "ok",
        "genuine": "warning",
    }


async def test_a_broker_that_listens_without_a_token_is_named(street: Street, bob: Person) -> None:
    await a_listener(street, bob, with_token=False)
    found = await lines(street, "")
    assert found["token"].state == "warning"
    assert "Main" in found["token"].detail


async def test_what_is_closed_from_inside_is_no_failure_while_tradingview_calls(street: Street, bob: Person) -> None:
    assert (await lines(street, "http://127.0.0.1:9"))["port"].state == "failed"
    await a_listener(street, bob, with_token=True)
    [broker] = await street.app.brokers.mine(bob.id)
    await street.app.db.write(bob.id, lambda s: s.add(a_webhook(broker, source=TRADINGVIEW[2])))
    found = await lines(street, "http://127.0.0.1:9")
    assert (found["port"].state, found["path"].state, found["genuine"].state) == ("warning", "warning", "ok")
    assert TRADINGVIEW[2] in found["genuine"].detail


async def test_a_stranger_at_the_address_is_not_taken_for_the_house(street: Street) -> None:
    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b'HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\n{"error":"what"}')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    found = await lines(street, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", readable=False)
    server.close()
    assert list(found) == ["address", "dns", "port", "tls", "path", "answer_time"]
    assert found["path"].state == "failed"
