"""The heartbeat page in five browsers: what twenty candle updates a second cost the server, and how soon the page is there.

    python -m tests.benchmarks.bench_heartbeat [seconds]

Whole processes and real browsers on this machine, which share its cores; each browser shows six tables of 240 candles, the
chart and the raw stream. The server's share is what the kernel counts for its process, beside the same with nobody looking.
A page change is a click in the menu: until the new page stands, and until its first table is filled.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bench_screen import move_in
from tests.journeys.house import CHROMIUM, CHROMIUM_ARGUMENTS, Home, a_home, an_exchange

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

BROWSERS, CHANGES = 5, 10
AIMS = {"server": 10.0, "page change": 250.0}
#: A page that makes the news: twenty times a second one of the six forming candles moves.
PROBE = """
from decimal import Decimal
from itertools import count

from nicegui import background_tasks, ui

from aristobot.events import CandleUpdated
from aristobot.market import Candle
from components.shell import page

PUBLISHING = []


@page("/probe", title="Probe", icon="speed")
async def probe(app, user, live):
    ui.label("The news is made here")

    async def publish():
        for number in count():
            await app.clock.sleep(0.05)
            now, frame = app.clock.now(), app.heartbeat.timeframes[number % 6]
            last = Decimal(60000) + number % 97
            figures = [Decimal(60000), last + 5, Decimal(59990), last, Decimal(number) / 100]
            candle = Candle.of("BTC/USDT", frame, frame.open_of(now), figures, closed=False)
            app.bus.publish(CandleUpdated(at=now, exchange="binance", candle=candle, received_at=now))

    if not PUBLISHING:
        PUBLISHING.append(background_tasks.create(publish()))
"""
_CHANGE = """async () => {
    const until = found => new Promise(done => { const look = () => found() ? done(performance.now()) : setTimeout(look, 2); look(); });
    document.querySelector("a[href='/webhooks']").click();
    await until(() => document.querySelector('h1')?.innerText === 'Webhooks');
    await new Promise(done => setTimeout(done, 700));
    const begun = performance.now();
    document.querySelector("a[href='/heartbeat']").click();
    const stands = await until(() => document.querySelector('h1')?.innerText === 'Heartbeat' && document.querySelector('.chart-box'));
    const filled = await until(() => document.querySelector('.beat-row'));
    return [stands - begun, filled - begun];
}"""


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, as the kernel counts."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def share(pid: int, seconds: float) -> float:
    """The per cent of one core that the process takes from now on."""
    begun, used = time.perf_counter(), cpu_seconds(pid)
    await asyncio.to_thread(time.sleep, seconds)
    return 100 * (cpu_seconds(pid) - used) / (time.perf_counter() - begun)


def memory(pid: int) -> float:
    """Its resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def a_browser(browser: Browser, home: Home, cookies: list[Any]) -> Page:
    """A browser of its own with the page open, everything on it filled."""
    context = await browser.new_context(base_url=home.url, locale="fr-FR", viewport={"width": 1440, "height": 900})
    await context.add_cookies(cookies)
    page = await context.new_page()
    page.set_default_timeout(90_000)
    await page.goto("/heartbeat")
    await page.locator(".beat-row").first.wait_for()
    return page


async def measure(home: Home, seconds: float) -> dict[str, float]:
    """Every figure, by its name."""
    from playwright.async_api import async_playwright

    found: dict[str, float] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        context = await browser.new_context(base_url=home.url, locale="fr-FR")
        first = await context.new_page()
        await move_in(first, home)
        await first.goto("/probe")
        await first.get_by_text("The news is made here").wait_for()
        cookies = await context.cookies()
        found["nobody looks"] = await share(home.pid, seconds / 2)
        pages = [await a_browser(browser, home, cookies) for _ in range(BROWSERS)]
        await first.wait_for_timeout(5000)
        found["memory before"] = memory(home.pid)
        found["server"] = await share(home.pid, seconds)
        found["memory after"] = memory(home.pid)
        for page in pages[1:]:
            await page.context.close()
        changes = [await pages[0].evaluate(_CHANGE) for _ in range(CHANGES)]
        found["page change"] = median(stands for stands, _ in changes)
        found["slowest change"] = max(stands for stands, _ in changes)
        found["table filled"] = median(filled for _, filled in changes)
        await browser.close()
    return found


def main(seconds: float) -> int:
    """Measure and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as name, an_exchange() as exchange:
        folder = Path(name) / "data"
        (folder / "pages").mkdir(parents=True)
        (folder / "pages" / "probe.py").write_text(PROBE, "utf-8")
        with a_home(folder, [], exchange.settings) as home:
            found = asyncio.run(measure(home, seconds))
    print(f"server, 20 updates a second, nobody looks: {found['nobody looks']:.1f} % of a core")
    print(f"server, {BROWSERS} browsers look: {found['server']:.1f} % of a core")
    print(f"memory: {found['memory before']:.0f} MB, after {seconds:.0f} s {found['memory after']:.0f} MB")
    print(f"page change: median {found['page change']:.0f} ms, slowest {found['slowest change']:.0f} ms; ", end="")
    print(f"first table filled after {found['table filled']:.0f} ms")
    missed = [name for name, limit in AIMS.items() if found[name] > limit]
    print("aims met" if not missed else f"aims missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
