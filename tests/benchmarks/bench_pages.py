"""The demo as somebody meets it: how soon a page stands in a browser that has never seen it, and after a click in the menu.

    python -m tests.benchmarks.bench_pages [rounds]

A whole demo with its exchange, alerts and strategies, and a real Chromium on this machine, which share its cores. A first
visit fetches everything anew, in a profile of its own; a page stands when its heading is on the screen and, of the webhooks,
when the first row of its table is.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.journeys.house import CHROMIUM, CHROMIUM_ARGUMENTS, Home, a_home

if TYPE_CHECKING:
    from playwright.async_api import Browser

AIMS = {"first visit": 1500.0, "page change": 250.0}
#: A click in the menu until the heading of the new page stands and the old one has gone, in milliseconds.
_CHANGE = """async entry => {
    const heading = () => document.querySelector('.page h1, .page h2')?.innerText;
    const before = heading(), begun = performance.now();
    document.querySelector(`a.nav-item[href='${entry}']`).click();
    return await new Promise(done => {
        const look = () => heading() && heading() !== before ? done(performance.now() - begun) : setTimeout(look, 2);
        look();
    });
}"""


async def first_visit(browser: Browser, home: Home) -> float:
    """Milliseconds from the address to the first row of the webhooks, with an empty cache."""
    context = await browser.new_context(base_url=home.url, locale="fr-FR", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    begun = time.perf_counter()
    await page.goto("/webhooks", wait_until="commit")
    await page.locator(".ag-row").first.wait_for()
    took = 1000 * (time.perf_counter() - begun)
    await context.close()
    return took


async def changes(browser: Browser, home: Home, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every page of the menu, so many times; the first round, which fetches what only it needs, apart."""
    context = await browser.new_context(base_url=home.url, locale="fr-FR", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto("/webhooks")
    await page.locator(".ag-row").first.wait_for()
    entries = await page.locator("a.nav-item").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    found: dict[str, list[float]] = {entry: [] for entry in entries}
    for entry in [*entries[1:], entries[0]] * (rounds + 1):
        found[entry].append(await page.evaluate(_CHANGE, entry))
        await page.wait_for_timeout(1500)
    return found


async def measure(home: Home, rounds: int) -> tuple[list[float], dict[str, list[float]]]:
    """First visits, and changes by page."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        await first_visit(browser, home)  # the demo's first alert arrives meanwhile
        visits = [await first_visit(browser, home) for _ in range(rounds)]
        found = visits, await changes(browser, home, rounds)
        await browser.close()
        return found


def main(rounds: int) -> int:
    """Measure and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as name, a_home(Path(name) / "data", ["--demo"], {}) as home:
        visits, by_page = asyncio.run(measure(home, rounds))
    for entry, taken in by_page.items():
        print(f"{entry}: first {taken[0]:.0f} ms, then median {median(taken[1:]):.0f} ms, slowest {max(taken[1:]):.0f} ms")
    later = [one for taken in by_page.values() for one in taken[1:]]
    figures = {"first visit": median(visits), "page change": median(later)}
    print(f"first visit, empty cache: median {figures['first visit']:.0f} ms, slowest {max(visits):.0f} ms of {rounds}")
    print(f"page change: median {figures['page change']:.0f} ms, slowest {max(later):.0f} ms of {len(later)}")
    missed = [name for name, limit in AIMS.items() if figures[name] > limit]
    print("aims met" if not missed else f"aims missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
