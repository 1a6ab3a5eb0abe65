"""The screen: how soon the first page is there, what an idle house weighs, and how old news is when five tabs show it.

    python -m tests.benchmarks.bench_screen [seconds]

Whole processes and a real Chromium on this machine, which share its cores. The start is warm: the database exists and the
files are in the cache. News is published twenty times a second and written by 21 labels of each tab; its age is taken in
the browser, at the moment at which the document has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.house import ROOT
from tests.journeys.house import CHROMIUM, CHROMIUM_ARGUMENTS, PASSWORD, Home, a_home, clean_environment

if TYPE_CHECKING:
    from playwright.async_api import Page

STARTS, TABS = 5, 5
AIMS = {"first page": 1.5, "memory": 160.0, "publish to DOM": 10.0}
#: A page as a user would drop it into the folder: one tab publishes, every tab shows.
PROBE = '''
from dataclasses import dataclass

from nicegui import background_tasks, ui

from aristobot.events import Event
from components.shell import page

PUBLISHING = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Event):
    pass


@page("/probe", title="Probe", icon="speed")
async def probe(app, user, live):
    labels = [ui.label("0").classes("probe") for _ in range(21)]
    live.each(Beat, do=lambda event: [label.set_text(str(int(event.at.timestamp() * 1e6))) for label in labels] and None)
    ui.run_javascript("""window.ages = []; const seen = document.querySelector('.probe');
        new MutationObserver(() => window.ages.push(performance.timeOrigin + performance.now() - seen.innerText / 1000))
        .observe(seen, {childList: true, characterData: true, subtree: true})""")

    async def publish():
        while True:
            await app.clock.sleep(0.05)
            app.bus.publish(Beat(at=app.clock.now()))

    if not PUBLISHING:
        PUBLISHING.append(background_tasks.create(publish()))
'''


def first_page(folder: Path) -> tuple[float, float, float]:
    """Seconds from the start of the process to the first page, those on a processor, and its memory in MB at rest."""
    with socket.create_server(("127.0.0.1", 0)) as probing:
        port = probing.getsockname()[1]
    # a warm start finds its modules compiled
    environment = {name: value for name, value in clean_environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    options = ["--data-dir", str(folder), "--port", str(port), "--webhook-port", "0"]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "aristobot", "run", "--headless", *options],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5).read()
                took = time.perf_counter() - begun
                break
            time.sleep(0.005)
        spent = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        time.sleep(5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return took, sum(map(int, spent)) / os.sysconf("SC_CLK_TCK"), int(resident.split()[1]) / 1024
    finally:
        process.terminate()
        process.wait(10)


async def move_in(page: Page, home: Home) -> None:
    """Become the first administrator."""
    await page.goto("/login")
    code = home.first_code()
    fields = {
        "Nom": "Alice",
        "Mot de passe": PASSWORD,
        "Le même mot de passe": PASSWORD,
        "Code à usage unique de la console": code,
    }
    for label, text in fields.items():
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_role("button", name="Créer").click()
    await page.wait_for_url("**/account")


async def ages(home: Home, seconds: float) -> list[float]:
    """Milliseconds from publication to the document, over all tabs."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        context = await browser.new_context(base_url=home.url, locale="fr-FR")
        tabs = [await context.new_page() for _ in range(TABS)]
        await move_in(tabs[0], home)
        for tab in tabs:
            await tab.goto("/probe")
            await tab.locator(".probe").first.wait_for()
        await tabs[0].wait_for_timeout(2000)
        for tab in tabs:
            await tab.evaluate("window.ages = []")
        await tabs[0].wait_for_timeout(seconds * 1000)
        found: list[float] = [age for tab in tabs for age in await tab.evaluate("window.ages")]
        await browser.close()
        return sorted(found)


def main(seconds: float) -> int:
    """Measure and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        first_page(folder)
        starts = [first_page(folder) for _ in range(STARTS)]
        (folder / "pages").mkdir()
        (folder / "pages" / "probe.py").write_text(PROBE, "utf-8")
        with a_home(folder, [], {}) as home:
            found = asyncio.run(ages(home, seconds))
    figures = {
        "first page": median(took for took, _, _ in starts),
        "memory": median(size for _, _, size in starts),
        "publish to DOM": median(found),
    }
    print(f"start to first page: median {figures['first page']:.2f} s of {STARTS} warm starts, ", end="")
    print(f"{median(cpu for _, cpu, _ in starts):.2f} s of it on a processor")
    print(f"idle memory: {figures['memory']:.0f} MB")
    print(f"publish to DOM, {TABS} tabs, {len(found)} updates: median {figures['publish to DOM']:.1f} ms, ", end="")
    print(f"p95 {found[int(len(found) * 0.95)]:.1f} ms")
    missed = [name for name, limit in AIMS.items() if figures[name] > limit]
    print("aims met" if not missed else f"aims missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
