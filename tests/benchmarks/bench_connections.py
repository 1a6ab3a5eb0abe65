"""Whether the house grows by being visited: hundreds of browsers come, hear the news, and go for good.

    python -m tests.benchmarks.bench_connections [count]

A whole process; the visitors are bare clients that fetch a page with a session's cookie and open its socket as a browser
does, some at a time. Before, half-way and at the end the house is asked from inside for its subscriptions, clients and
tasks, and the kernel for its memory. A browser that has gone is forgotten after thirty seconds: each count waits for it.
"""

from __future__ import annotations

import ast
import asyncio
import re
import sys
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlencode

import httpx
import websockets

from aristobot.clock import SystemClock
from components.front_door import RECONNECT_SECONDS
from tests.benchmarks.bench_heartbeat import memory
from tests.journeys.house import Exchange, Home, a_home, an_exchange

PAGES = ("/webhooks", "/heartbeat", "/manual-trading", "/log", "/statistics", "/account")
AT_ONCE = 5
#: Seconds for which a visitor stays.
STAY = 1.0
#: MB by which the memory may grow from half-way to the end.
MOST_GROWTH = 10.0
#: A page that says what the house holds on to.
PROBE = """
import ast
import asyncio
import gc

from nicegui import Client, ui

from components.shell import page


@page("/probe", title="Probe", icon="speed")
async def probe(app, user, live):
    gc.collect()
    ui.label(f"holds {len(app.bus._readers)} {len(Client.instances)} {len(asyncio.all_tasks())}")
"""
NAMES = ("subscriptions", "clients", "tasks")


class Street:
    """Where the visitors come from: one session of the house's own debug user."""

    def __init__(self, home: Home, cookies: dict[str, str]) -> None:
        self._home, self._cookies = home, cookies

    @classmethod
    async def enter(cls, home: Home, exchange: Exchange) -> Street:
        """Give the debug user a broker, and come in by the debug door."""
        token = home.command("token", "create", "--user", "dev", "--scope", "admin").split()[-1]
        broker = {"exchange": "binance", "name": "Main", "api_key": exchange.key, "api_secret": exchange.secret}
        async with httpx.AsyncClient(base_url=home.url, timeout=60, trust_env=False) as web:
            made = await web.post("/api/brokers/", json=broker, headers={"Authorization": f"Bearer {token}"})
            made.raise_for_status()
            await web.get("/auth/arrive")
            return cls(home, dict(web.cookies))

    async def visit(self, path: str) -> str:
        """Fetch a page, open its socket, hear what comes for a while, close it. What was shown at first."""
        async with httpx.AsyncClient(base_url=self._home.url, cookies=self._cookies, timeout=60, trust_env=False) as web:
            shown = (await web.get(path)).text
        found = re.search(r"query: (\{.*?\}),", shown, re.DOTALL)
        assert found is not None, shown[:500]
        ids = {"document_id": str(uuid.uuid4()), "tab_id": str(uuid.uuid4())}
        query = urlencode(
            {**ast.literal_eval(found.group(1)), **ids, "implicit_handshake": "true", "EIO": "4", "transport": "websocket"}
        )
        address = f"{self._home.url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{query}"
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        async with websockets.connect(address, additional_headers={"Cookie": cookie}, max_size=None) as socket:
            await socket.recv()
            await socket.send("40")
            try:
                async with asyncio.timeout(STAY):
                    while True:
                        if await socket.recv() == "2":
                            await socket.send("3")
            except TimeoutError:
                return shown

    async def visits(self, count: int) -> None:
        """So many visits, page after page, a few at a time."""
        for first in range(0, count, AT_ONCE):
            await asyncio.gather(
                *(self.visit(PAGES[number % len(PAGES)]) for number in range(first, min(first + AT_ONCE, count)))
            )

    async def count(self) -> dict[str, float]:
        """What the house holds on to once everybody who left is forgotten."""
        await SystemClock().sleep(RECONNECT_SECONDS + 8)
        found = re.search(r"holds (\d+) (\d+) (\d+)", await self.visit("/probe"))
        assert found is not None
        return {**dict(zip(NAMES, map(float, found.groups()), strict=True)), "memory": memory(self._home.pid)}


async def measure(home: Home, exchange: Exchange, count: int) -> list[dict[str, float]]:
    """The counts before, half-way and at the end."""
    street = await Street.enter(home, exchange)
    await street.visits(2 * len(PAGES))  # what is made once, at the first visit, is no growth
    found = [await street.count()]
    for _ in range(2):
        await street.visits(count // 2)
        found.append(await street.count())
    return found


def main(count: int) -> int:
    """Measure and print; 1 when something has grown."""
    with tempfile.TemporaryDirectory() as name, an_exchange() as exchange:
        folder = Path(name) / "data"
        (folder / "pages").mkdir(parents=True)
        (folder / "pages" / "probe.py").write_text(PROBE, "utf-8")
        with a_home(folder, [], {**exchange.settings, "ARISTOBOT_DEBUG": "true"}) as home:
            before, middle, end = asyncio.run(measure(home, exchange, count))
    for name in NAMES:
        print(f"{name}: {before[name]:.0f} before, {middle[name]:.0f} half-way, {end[name]:.0f} after {count} visits")
    print(f"memory: {before['memory']:.0f} MB before, {middle['memory']:.0f} half-way, {end['memory']:.0f} at the end")
    grown = [name for name in NAMES if end[name] > before[name]]
    if end["memory"] - middle["memory"] > MOST_GROWTH:
        grown.append("memory")
    print("nothing has grown" if not grown else f"grown: {', '.join(grown)}")
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
