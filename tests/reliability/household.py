"""One household of the storm: its data folder with users, brokers and tokens, its exchanges, and the process that it lives in."""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.shelf import Shelf
from services.app import App
from services.audit_trail import SYSTEM_ACTOR
from services.household import NewUser
from tests.house import ROOT
from tests.loopback import AUTHORITIES

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BNB/USDT", "XRP/USDT", "DOGE/USDT")
#: What each user of a household trades by: two accounts at one exchange, one at each of two, at every exchange.
FAMILY = (
    ("binance", "binance"),
    ("kraken", "kraken"),
    ("bitget", "bitget unified"),
    ("binance", "kraken"),
    ("kraken", "bitget"),
)
#: The owners' own coins, which the bot must never sell, and play money.
DEPOSITS = {"USDT": "100000", "BTC": "1", "ETH": "20", "SOL": "400", "BNB": "100", "XRP": "30000", "DOGE": "300000"}
#: Nothing but the exchange stands in the way of an alert.
WIDE_OPEN = {
    "entries_per_minute": "1000000",
    "entries_per_day": "1000000",
    "repeated_entries": "1000000",
    "refusals_to_halt": "1000000",
    "twin_guard_seconds": "0",
    "daily_loss_percent": None,
    "pyramiding": True,
}
_LONGEST_LINE = 1 << 26


@dataclass(frozen=True)
class Seat:
    """One broker of one user, with the key of its account at the exchange and the token of its alerts."""

    user_id: uuid.UUID
    broker_id: uuid.UUID
    exchange: str
    key: str
    token: str


@dataclass
class Household:
    """What is there before anybody is killed, and the control port of its exchanges."""

    name: str
    settings: dict[str, Any]
    control: httpx.AsyncClient
    seats: list[Seat] = field(default_factory=list)

    @property
    def ingress(self) -> str:
        """Where its alerts go."""
        return f"http://127.0.0.1:{self.settings['webhook_port']}"

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the exchanges' control port."""
        answer = await self.control.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def _python(module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=-1, stdout=-1, cwd=ROOT, limit=_LONGEST_LINE
    )


@asynccontextmanager
async def exchanges(number: int) -> AsyncIterator[list[dict[str, Any]]]:
    """So many worlds of exchanges in a process of their own: their addresses."""
    process = await _python("tests.reliability.exchanges", str(number))
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def a_household(
    name: str, folder: Path, address: dict[str, Any], family: tuple[tuple[str, ...], ...] = FAMILY
) -> AsyncIterator[Household]:
    """A household with one user per entry of `family`, which names where his brokers are: an exchange, and the kind of account."""
    settings = {
        "data_dir": str(folder),
        "port": 0,
        "webhook_port": _free_port(),
        "webhook_rate": 100_000,
        "webhook_burst": 100_000,
        "log_level": os.environ.get("ARISTOBOT_STORM_LOG", "WARNING"),
        "exchange_urls": address["exchanges"],
    }
    async with httpx.AsyncClient(base_url=address["control"], timeout=30, verify=AUTHORITIES) as control:
        household = Household(name, settings, control)
        await _move_in(household, family)
        yield household


async def _move_in(household: Household, family: tuple[tuple[str, ...], ...]) -> None:
    settings = Settings.load(household.settings, {})
    upgrade_at_start(settings.database_url, Shelf.of(settings))
    app = App(settings, SystemClock())
    try:
        for number, venues in enumerate(family):
            member = NewUser(f"{household.name}-{number}", "")
            user = await app.accounts.household.add_without_password(member, SYSTEM_ACTOR)
            for place, venue in enumerate(venues):
                household.seats.append(await _seat(household, app, user.id, f"b{place} {venue}"))
    finally:
        await app.gateway.close()
        await app.db.close()


async def _seat(household: Household, app: App, user_id: uuid.UUID, name: str) -> Seat:
    """A broker with a key of its own; the exchange is the second word of its name, the kind of account the third."""
    _, exchange, *kind = name.split()
    key, secret = uuid.uuid4().hex * 2, base64.b64encode(os.urandom(64)).decode()
    account = {"exchange": exchange, "key": key, "secret": secret, "balances": DEPOSITS}
    form = {"exchange": exchange, "name": name, "api_key": key, "api_secret": secret, "mode": "WEBHOOKS", "limits": WIDE_OPEN}
    if exchange == "bitget":
        account |= {"account_mode": kind[0] if kind else "classic", "passphrase": "sesame"}
        form |= {"passphrase": "sesame", "limits": WIDE_OPEN | {"collar_percent": "1.5"}}
    await household.ask("POST", "/accounts", account)
    broker = await app.brokers.add(user_id, form, SYSTEM_ACTOR)
    token = await app.brokers.webhooks.rotate(user_id, broker.id, SYSTEM_ACTOR)
    return Seat(user_id, broker.id, exchange, key, token)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Life:
    """One process of a household, from birth to death."""

    pid: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    dead: asyncio.Event = field(default_factory=asyncio.Event)
    seconds: float = 0.0
    status: int = 0

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; harmless when it is dead already."""
        if not self.dead.is_set():
            try:
                os.kill(self.pid, how)
            except ProcessLookupError:
                return


class Midwife:
    """The parent of all houses: it has imported everything, so that a life begins at once.

    Her process serves one test after the other, each on its own loop; what one test gave birth to ends with it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lives: dict[int, Life] = {}
        self._births: dict[str, asyncio.Future[Life]] = {}

    async def birth(self, household: Household, build: str = "sound") -> Life:
        """A new life of this household."""
        return await self.begin(household.name, household.settings, build=build)

    async def begin(self, name: str, settings: dict[str, Any], *, build: str = "sound", act: str = "") -> Life:
        """A new process: a life, or a single act (`house.ACTS`)."""
        born: asyncio.Future[Life] = asyncio.get_running_loop().create_future()
        self._births[name] = born
        order = {"name": name, "build": build, "act": act, "settings": settings}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await born

    async def listen(self) -> None:
        """Hear what becomes of the lives, until `go`."""
        assert self._process.stdout is not None
        heard = asyncio.StreamReader(limit=_LONGEST_LINE)
        ears = os.fdopen(os.dup(self._process.stdout.fileno()), "rb", buffering=0)
        loop = asyncio.get_running_loop()
        self._ears, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), ears)
        self._listening = asyncio.ensure_future(self._listen(heard))

    async def _listen(self, heard: asyncio.StreamReader) -> None:
        async for line in heard:
            said = json.loads(line)
            match said["event"]:
                case "born":
                    life = self._lives[said["pid"]] = Life(said["pid"])
                    self._births.pop(said["name"]).set_result(life)
                case "ready":
                    life = self._lives[said["pid"]]
                    life.seconds = said["seconds"]
                    life.ready.set()
                case "dead":
                    life = self._lives.pop(said["pid"])
                    life.status = said["status"]
                    life.dead.set()

    async def go(self) -> None:
        """Let no life live on, and nothing be unsaid."""
        left = [*self._lives.values(), *[await born for born in self._births.values()]]
        for life in left:
            life.kill()
        await asyncio.gather(*(life.dead.wait() for life in left))
        self._listening.cancel()
        self._ears.close()


@cache
def _her_process() -> subprocess.Popen[bytes]:
    """One for all tests of this process; she goes when her input ends, and so with us."""
    words = [sys.executable, "-m", "tests.reliability.house"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0)
    atexit.register(_dismiss, process)
    return process


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    """Have her kill whoever lives, and end."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


@asynccontextmanager
async def a_midwife() -> AsyncIterator[Midwife]:
    """Somebody who brings houses into the world."""
    process = _her_process()
    midwife = Midwife(process)
    await midwife.listen()
    try:
        yield midwife
    except BaseException:  # whoever failed may still be asking for lives: the next test gets another midwife
        _her_process.cache_clear()
        _dismiss(process)
        raise
    await midwife.go()
