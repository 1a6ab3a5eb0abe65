"""The ingress, from outside: alerts over HTTP, with a token, and what strangers get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from loguru import logger
from sqlmodel import select

from aristobot import __version__
from aristobot.clock import ManualClock
from aristobot.events import SignalReceived, UserChanged
from aristobot.kinds import Role
from aristobot.payloads import LARGEST_BODY
from aristobot.signals import Action, parse
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tables import WebhookToken
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Webhook
from services.webhook_receiver import WebhookReceiver
from tests.builders import MIDNIGHT
from tests.services.gate import BUY, Gate, a_gate


@pytest.fixture
async def gate(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Gate]:
    """A receiver as it is installed, on both databases."""
    async with a_gate(db, clock, tmp_path) as opened:
        yield opened


async def test_an_alert_is_in_the_store_for_everybody_when_the_answer_comes(gate: Gate, database_url: str) -> None:
    answer = await gate.post()

    other = Database(database_url)
    row = await other.read(SYSTEM, lambda s: s.exec(select(Webhook)).one())
    await other.close()
    assert answer.status_code == 200
    assert answer.json() == {"id": str(row.id), "trace_id": row.trace_id, "duplicate": False}
    assert (row.payload, row.action, row.symbol_in_payload, row.source) == (BUY, "BuyMarket", "BTCUSDT", "127.0.0.1")
    assert gate.signals == [
        SignalReceived(
            at=MIDNIGHT,
            trace_id=row.trace_id,
            user_id=gate.broker.user_id,
            webhook_id=row.id,
            broker_id=gate.broker.id,
            payload=BUY,
        )
    ]


async def test_a_repeated_alert_gets_the_first_ones_answer_and_rings_no_bell(gate: Gate) -> None:
    first = (await gate.post()).json()

    again = await gate.post()

    assert (again.status_code, again.json()) == (200, first | {"duplicate": True})
    assert len(gate.signals) == 1
    assert len(await gate.rows()) == 1


async def test_text_that_nobody_understands_is_stored_all_the_same(gate: Gate) -> None:
    answers = [await gate.post(body) for body in (b"\xff\xfe\x00 what?", b"{", b"")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {row.payload for row in await gate.rows()} == {b"\xff\xfe\x00 what?", b"{", b""}
    assert len(gate.signals) == 3


async def test_the_token_may_stand_in_a_header_or_in_the_body(gate: Gate) -> None:
    in_header = await gate.client.post("/webhook", content=BUY, headers={"X-Webhook-Token": gate.token})
    in_json = await gate.client.post("/webhook/", json={"action": "PING", "Token": gate.token})
    in_lines = await gate.client.post("/webhook", content=f"action=MISS\ntoken={gate.token}".encode())

    assert [one.status_code for one in (in_header, in_json, in_lines)] == [200, 200, 200]
    assert len({one.json()["id"] for one in (in_header, in_json, in_lines)}) == 3


async def test_a_token_in_the_body_is_kept_neither_in_the_store_nor_in_the_logs(gate: Gate) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level=0)
    try:
        await gate.client.post("/webhook", json={"action": "PING", "token": gate.token})
        await gate.post(b'{"action": "PING", "token": "%s", "id": "1"}' % gate.token.encode())
        await gate.client.post(f"/webhook/{gate.token}x", content=BUY)
    finally:
        logger.remove(sink)

    assert lines
    assert gate.token not in "".join(lines)
    payloads = b"".join([row.payload for row in await gate.rows()])
    assert gate.token.encode() not in payloads
    assert b"***" in payloads


@pytest.mark.parametrize(
    "write",
    [
        lambda token: json.dumps({"action": "PING", "token": token}).encode("utf-16"),
        lambda token: b'{"action": "PING", "token": "%s"}' % "".join(f"\\u{ord(one):04X}" for one in token).encode(),
        lambda token: json.dumps([{"action": "PING"}, {"action": "PING", "token": token}]).encode(),
    ],
    ids=["utf-16", "escaped", "of the second command"],
)
async def test_a_token_is_masked_however_the_body_spells_it(gate: Gate, write: Callable[[str], bytes]) -> None:
    answer = await gate.client.post("/webhook", content=write(gate.token))

    (row,) = await gate.rows()
    kept = {row.payload.decode("utf-8", "replace"), row.payload.decode("utf-16", "replace")}
    assert answer.status_code == 200
    assert not any(gate.token in one or gate.token in one.encode().decode("unicode-escape") for one in kept)
    assert parse(row.payload).commands[0].action is Action.PING


async def test_the_token_of_the_address_is_masked_in_a_body_that_nobody_can_read(gate: Gate) -> None:
    await gate.post(b'{"action": "PING", "token": "%s", "price": }' % gate.token.encode())

    (row,) = await gate.rows()
    assert row.payload == b'{"action": "PING", "token": "***", "price": }'


async def test_a_word_of_the_body_that_calls_itself_a_token_takes_nothing_of_the_body_along(gate: Gate) -> None:
    body = b'{"action": "BuyMarket", "symbol": "BTCUSDT", "token": "BTC"}'
    assert (await gate.post(body)).status_code == 200
    assert gate.signals[-1].payload == body


async def test_every_wrong_token_gets_the_very_same_answer(gate: Gate) -> None:
    expired = await gate.add_token(expires_at=MIDNIGHT)
    gate.tell_of_broker()
    names = ("x", f"{gate.token}x", expired, f"{gate.token}/x", "", "%00%ff")
    paths = [f"/webhook/{name}" for name in names]

    answers = [await gate.client.post(path, content=BUY) for path in paths]
    answers.append(await gate.client.post("/webhook", content=BUY, headers={"X-Webhook-Token": "x"}))

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b'{"error":{"code":"not_found"}}')}
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1
    assert await gate.rows() == []
    assert gate.receiver.counters.rejected == len(answers)


async def test_a_new_token_opens_as_soon_as_the_house_is_told_and_an_old_one_until_it_expires(gate: Gate) -> None:
    fresh = await gate.add_token(expires_at=MIDNIGHT + timedelta(hours=1))
    gate.tell_of_broker()

    before = await gate.client.post(f"/webhook/{fresh}", content=BUY)
    await gate.clock.advance(3600)
    after = await gate.client.post(f"/webhook/{fresh}", content=BUY)

    assert (before.status_code, after.status_code) == (200, 404)


async def test_the_address_of_somebody_who_may_only_look_takes_no_alert(gate: Gate) -> None:
    before = await gate.post()
    owner = gate.broker.user_id

    def demote(session: GuardedSession) -> None:
        users.get(session, owner).role = Role.VIEWER

    await gate.db.write(SYSTEM, demote)
    gate.bus.publish(UserChanged(at=MIDNIGHT, user_id=owner))
    after = await gate.post()

    assert (before.status_code, after.status_code) == (200, 404)


async def test_alerts_that_come_together_right_after_a_change_are_all_let_in(gate: Gate) -> None:
    await gate.post()
    gate.tell_of_broker()
    bodies = [b'{"action": "buy", "symbol": "BTCUSDT", "id": "%d"}' % number for number in range(5)]
    answers = await asyncio.gather(*(gate.post(body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_the_use_of_a_token_is_noted(gate: Gate) -> None:
    await gate.post()

    async with asyncio.timeout(5):
        while (used := await gate.db.read(SYSTEM, lambda s: s.exec(select(WebhookToken.last_used_at)).one())) is None:
            pass
    assert used == MIDNIGHT


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhook/x", 405),
        ("PUT", "/webhook", 405),
        ("POST", "/health", 405),
        ("DELETE", "/ready", 405),
        ("GET", "/", 404),
        ("POST", "/webhooks", 404),
        ("GET", "/api/docs", 404),
        ("GET", "/health/x", 404),
    ],
)
async def test_only_the_paths_and_methods_of_the_contract_are_served(gate: Gate, method: str, path: str, status: int) -> None:
    answer = await gate.client.request(method, path)

    assert answer.status_code == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_health_counts_what_came(gate: Gate) -> None:
    for _ in range(2):
        await gate.post()
    await gate.client.post("/webhook/wrong", content=BUY)

    answer = await gate.client.get("/health")

    counts = {"received": 2, "rejected": 1, "duplicates": 1}
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__, **counts})


async def test_ready_says_what_is_waited_for(gate: Gate) -> None:
    ready = await gate.client.get("/ready")
    gate.receiver.waiting_for = lambda: ["exchanges"]
    waiting = await gate.client.get("/ready")

    assert (ready.status_code, ready.json()) == (200, {"ready": True, "waiting_for": []})
    assert (waiting.status_code, waiting.json()) == (503, {"ready": False, "waiting_for": ["exchanges"]})


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 3_000_000])
async def test_a_body_over_64_kb_is_refused_announced_or_not(gate: Gate, size: int) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(0, size, 50_000):
            yield b"x" * 50_000

    announced = await gate.post(b"x" * size)
    chunked = await gate.client.post(f"/webhook/{gate.token}", content=in_pieces())
    largest = await gate.post(b" " * LARGEST_BODY)

    assert (announced.status_code, chunked.status_code, largest.status_code) == (413, 413, 200)


async def test_a_flood_is_slowed_per_token_and_told_when_to_come_back(gate: Gate) -> None:
    other = await gate.add_token()
    gate.tell_of_broker()
    statuses = [(await gate.post(b'{"id": "%d"}' % number)).status_code for number in range(11)]
    refused = await gate.post()
    elsewhere = await gate.client.post(f"/webhook/{other}", content=BUY)
    await gate.clock.advance(2)
    later = [(await gate.post(b'{"id": "later %d"}' % number)).status_code for number in range(2)]

    assert statuses == [200] * 10 + [429]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert elsewhere.status_code == 200
    assert later == [200, 429]


async def test_what_cannot_be_stored_is_answered_503_and_never_200(gate: Gate) -> None:
    await gate.post(b'{"id": "before"}')
    await gate.db.close()

    stored_no_more = await gate.post()
    tokens_unreadable = await gate.client.post("/webhook/x", content=BUY)
    gate.tell_of_broker()
    nothing_known = await gate.post()

    assert [one.status_code for one in (stored_no_more, tokens_unreadable, nothing_known)] == [503, 404, 503]
    assert stored_no_more.headers["retry-after"] == "5"
    assert len(gate.signals) == 1
    assert (await gate.client.get("/health")).status_code == 200


async def test_a_forwarded_address_is_believed_only_from_a_known_proxy(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    chain = "198.51.100.1, 203.0.113.9, 127.0.0.5"
    async with a_gate(db, clock, tmp_path / "a") as stranger:
        await stranger.post(BUY, **{"X-Forwarded-For": chain})
        assert [row.source for row in await stranger.rows()] == ["127.0.0.1"]
    async with a_gate(db, clock, tmp_path / "b", trusted_proxies="127.0.0.0/8") as known:
        await known.post(BUY, **{"X-Forwarded-For": chain})
        assert {row.source for row in await known.rows()} == {"127.0.0.1", "203.0.113.9"}


async def test_the_proxys_own_line_counts_however_many_the_sender_wrote_before_it(
    db: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with a_gate(db, clock, tmp_path, trusted_proxies="127.0.0.0/8") as gate:
        lines = "X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 203.0.113.9\r\n"
        await gate.raw(f"POST /webhook/{gate.token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode())

        assert [row.source for row in await gate.rows()] == ["203.0.113.9"]


async def test_a_client_that_left_before_its_answer_is_no_fault_of_the_house(gate: Gate) -> None:
    async def gone(message: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    async def whole() -> dict[str, Any]:
        return {"type": "http.request", "body": BUY, "more_body": False}

    for path in (f"/webhook/{gate.token}", "/webhook/nobody's"):
        await gate.receiver.asgi({"type": "http", "method": "POST", "path": path, "headers": [], "client": None}, whole, gone)

    assert [row.payload for row in await gate.rows()] == [BUY]
    assert len(gate.signals) == 1


async def test_connections_are_kept_for_the_next_alert(gate: Gate) -> None:
    head = f"POST /webhook/{gate.token} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"

    said = await gate.raw(f"{head}\r\n{{}}{head}Connection: close\r\n\r\n[]".encode())

    assert said.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(("others", "level"), [(31, "INFO"), (32, "DEBUG")])
async def test_each_alert_is_told_unless_it_is_one_of_a_storm(gate: Gate, others: int, level: str) -> None:
    async def forever(_: object = None) -> None:
        await asyncio.Event().wait()

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": f"/webhook/{gate.token}", "headers": [], "client": None}
    open_requests = [asyncio.create_task(gate.receiver.asgi(scope, forever, forever)) for _ in range(others)]
    levels: list[str] = []
    sink = logger.add(lambda line: levels.append(line.record["level"].name), level=0, filter=lambda line: "step" in line["extra"])
    try:
        await gate.post()
    finally:
        logger.remove(sink)
        for one in open_requests:
            one.cancel()
        await asyncio.gather(*open_requests, return_exceptions=True)

    assert levels == [level]


async def test_a_body_that_never_ends_is_not_waited_for(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with a_gate(db, clock, tmp_path, body_patience=0.05) as gate:
        head = f"POST /webhook/{gate.token} HTTP/1.1\r\nHost: x\r\n"

        announced = await gate.raw(f"{head}Content-Length: 9\r\n\r\n{{".encode())
        chunked = await gate.raw(f"{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode())

        assert announced.startswith(b"HTTP/1.1 408 ")
        assert chunked.startswith(b"HTTP/1.1 408 ")
        assert await gate.rows() == []


async def test_the_same_door_stands_in_front_of_another_port(gate: Gate) -> None:
    transport = httpx.ASGITransport(app=gate.receiver.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://ui") as client:
        answer = await client.post(f"/webhook/{gate.token}", content=BUY)

    assert answer.status_code == 200
    assert [WebhookReceiver.takes(path) for path in ("/webhook", "/webhook/x", "/webhooks", "/")] == [True, True, False, False]
