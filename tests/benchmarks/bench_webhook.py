"""The ingress under load: how fast an alert is acknowledged, how many a second are stored durably, and what storing costs.

    python -m tests.benchmarks.bench_webhook [seconds] [--database-url URL]

The server is the product's own receiver with its logs, in a process of its own; the floor is the same receiver whose inbox
stores nothing. Both are measured in alternating rounds of one run. Every acknowledged alert is counted in the database
afterwards. The floor's ratio carries to other machines, milliseconds do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import uvicorn
from sqlmodel import func, select

from aristobot import logs
from aristobot.bus import Bus
from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.inbox import Alert, AlertInbox, Stored
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.room import take_room
from aristobot.store.tables import WebhookToken
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Webhook
from services.tokens import hash_of, new_token
from services.webhook_receiver import WebhookReceiver
from tests.builders import a_broker, a_user

PER_SECOND = 50
ROUNDS = 6
CONNECTIONS = 64
ALERT = (
    b'{"v": 1, "id": "$id", "action": "buy", "symbol": "BTCUSDT", "exchange": "BINANCE", "interval": "60", "price": "65000.5",'
    b' "bar_time": "2026-01-01T00:00:00Z", "sent_at": "2026-01-01T01:00:00Z", "percent": "50", "stop_loss": "-2%",'
    b' "take_profit": [["50%", "+3%"], ["50%", "+6%"]]}'
)
AIMS = {"p50": 2.0, "p99": 10.0, "sustained": 5_000, "ratio": 4.0}


class NoInbox(AlertInbox):
    """The floor: says that it stored."""

    async def add(self, alert: Alert) -> Stored:
        """Answer at once."""
        return Stored(alert.id, alert.trace_id, duplicate=False)


async def serve(settings: Settings, *, stores: bool) -> None:
    """Serve until killed; the first line on standard output tells where and with which token."""
    log = logs.start(settings, console=False)
    clock, bus, db = SystemClock(), Bus(), Database(settings.database_url)
    user = a_user(name=f"bench-{uuid.uuid4().hex}")
    broker, token = a_broker(user), new_token()
    row = WebhookToken(
        user_id=user.id, broker_id=broker.id, created_at=clock.now(), token_hash=hash_of(token), last_four=token[-4:]
    )
    for one in (user, broker, row):
        await db.write(SYSTEM, lambda s, one=one: s.add(one))  # type: ignore[misc]  # the row of this turn
    await take_room(db)
    receiver = WebhookReceiver(db, bus, clock, settings, inbox=None if stores else NoInbox(db))
    print(json.dumps({"url": receiver.bind(), "token": token}), flush=True)
    await receiver.run()
    log.close()


@dataclass(frozen=True)
class Target:
    """One server under test."""

    host: str
    port: int
    token: str

    def request(self, name: str) -> bytes:
        """An alert as the alert builder writes it; `name` makes it unlike every other."""
        body = ALERT.replace(b"$id", name.encode().ljust(48, b"."))
        head = f"POST /webhook/{self.token} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        return b"%sContent-Length: %d\r\n\r\n%s" % (head.encode(), len(body), body)


class Sender(asyncio.Protocol):
    """One kept connection that sends the next alert as soon as the last one is acknowledged."""

    def __init__(self, target: Target, name: str, until: float) -> None:
        self._target, self._name, self._until = target, name, until
        self._answer = b""
        self.acknowledged = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an acknowledgement and go on."""
        self._answer += data
        if not self._answer.endswith(b"}"):
            return
        assert self._answer.startswith(b"HTTP/1.1 200 "), self._answer
        self._answer = b""
        self.acknowledged += 1
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """The end."""
        self.done.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._target.request(f"{self._name}-{self.acknowledged}"))


@contextmanager
def a_server(folder: Path, database_url: str, *, stores: bool) -> Iterator[Target]:
    """The receiver in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_webhook", "--serve", str(folder), "--database-url", database_url]
    process = subprocess.Popen([*command, *([] if stores else ["--floor"])], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        host, port = told["url"].removeprefix("http://").split(":")
        yield Target(host, int(port), told["token"])
    finally:
        process.kill()
        process.wait()


def paced(target: Target, seconds: float, run: str) -> list[float]:
    """Milliseconds to each acknowledgement, at 50 alerts a second over one kept connection."""
    taken: list[float] = []
    with socket.create_connection((target.host, target.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        for number in range(int(seconds * PER_SECOND)):
            request = target.request(f"{run}-{number}")
            time.sleep(max(0.0, begun + number / PER_SECOND - time.perf_counter()))
            sent = time.perf_counter()
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            taken.append((time.perf_counter() - sent) * 1000)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
    return taken


async def flooded(target: Target, seconds: float, run: str) -> tuple[int, float]:
    """How many alerts were acknowledged, and in how long, when many connections send one after the other."""
    begun = time.perf_counter()
    senders = [Sender(target, f"{run}-{number}", begun + seconds) for number in range(CONNECTIONS)]
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.create_connection(lambda one=one: one, target.host, target.port) for one in senders))  # type: ignore[misc]  # the sender of this turn
    await asyncio.gather(*(one.done for one in senders))
    return sum(one.acknowledged for one in senders), time.perf_counter() - begun


def percentile(values: list[float], percent: float) -> float:
    """The value below which so many per cent lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


async def stored_alerts(database_url: str) -> int:
    """Rows in the database."""
    db = Database(database_url)
    count = await db.read(SYSTEM, lambda s: s.exec(select(func.count()).select_from(Webhook)).one())
    await db.close()
    return count


def measure(seconds: float, database_url: str | None) -> int:
    """Run everything, print the figures and whether the aims are met; 1 when one is not, or an alert is lost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = database_url or f"sqlite:///{folder}/aristobot.db"
        upgrade_at_start(url, None)
        before = asyncio.run(stored_alerts(url))
        with a_server(folder / "a", url, stores=True) as stored, a_server(folder / "b", url, stores=False) as floor:
            taken: dict[str, list[float]] = {"stored": [], "floor": []}
            for target in (stored, floor):
                paced(target, 1.0, uuid.uuid4().hex)  # warm
            for _ in range(ROUNDS):
                for name_of, target in (("stored", stored), ("floor", floor)):
                    taken[name_of] += paced(target, seconds / ROUNDS, uuid.uuid4().hex)
            runner = uvicorn.Config("", loop="auto").get_loop_factory()
            with asyncio.Runner(loop_factory=runner) as loop:
                floods = [loop.run(flooded(stored, seconds / 6, uuid.uuid4().hex)) for _ in range(3)]
        kept = asyncio.run(stored_alerts(url)) - before
    sent = len(taken["stored"]) + PER_SECOND + sum(count for count, _ in floods)
    figures = {
        "p50": percentile(taken["stored"], 50),
        "p99": percentile(taken["stored"], 99),
        "floor p50": percentile(taken["floor"], 50),
        "floor p99": percentile(taken["floor"], 99),
        "ratio": percentile(taken["stored"], 50) / percentile(taken["floor"], 50),
        "sustained": median(count / lasted for count, lasted in floods),
    }
    print(
        f"acknowledged at {PER_SECOND}/s, {len(taken['stored'])} alerts: p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms"
    )
    print(f"the same without storing: p50 {figures['floor p50']:.2f} ms, p99 {figures['floor p99']:.2f} ms")
    print(f"storing costs {figures['ratio']:.2f} times the floor at p50")
    print(f"sustained, every one durable: {figures['sustained']:,.0f} alerts/s over {CONNECTIONS} connections")
    print(f"acknowledged {sent:,}, in the store {kept:,}")
    missed = [aim for aim, limit in AIMS.items() if (figures[aim] < limit if aim == "sustained" else figures[aim] > limit)]
    print("aims met" if not missed else f"aims missed: {', '.join(missed)}")
    return int(bool(missed) or kept != sent)


def main(arguments: Any) -> int:
    """Serve, or measure."""
    if arguments.serve is None:
        return measure(arguments.seconds, arguments.database_url)
    options = {"data_dir": arguments.serve, "database_url": arguments.database_url, "webhook_port": 0}
    settings = Settings.load({**options, "webhook_rate": 100_000, "webhook_burst": 100_000}, {})
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto").get_loop_factory()) as runner:
        runner.run(serve(settings, stores=not arguments.floor))
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--database-url")
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--floor", action="store_true")
    sys.exit(main(parser.parse_args()))
