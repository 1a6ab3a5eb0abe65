"""The demo as somebody meets it: how soon a page stands in a browser that has never seen it, and after a click in the menu.

    python -m tests.benchmarks.bench_pages [rounds]

A whole demo with its exchange, alerts and strategies, and a real Chromium on this machine, which share its cores. A first
visit fetches everything anew, in a profile of its own, and ends with the first row of the webhooks' table. After a click a page
stands when its heading does; when all of it does that people come for, its chart and tables, is told beside it.
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

AIMS = {"first visit": 1500.0, "page change": 250.0, "slowest first page change": 250.0}
#: What people come to a page for, where that follows its heading: the last of it that is drawn.
WHOLE = {
    "/webhooks": [".ag-row"],
    "/heartbeat": [".candle-chart canvas", ".beat-card:last-child .beat-row"],
    "/manual-trading": [".trading-chart canvas", ".pair", ".ticket-facts"],
    "/account": [".broker", ".switch-table tbody tr"],
    "/log": [".ag-row"],
}
#: A click in the menu until the heading of the new page stands and the old one has gone, and until all of it that is named
#: is there; in milliseconds.
_CHANGE = """async ([entry, parts]) => {
    const heading = () => document.querySelector('.page h1, .page h2')?.textContent;
    const before = heading(), begun = performance.now(), there = () => heading() && heading() !== before;
    document.querySelector(`a.nav-item[href='${entry}']`).click();
    const until = holds => new Promise(done => {
        const look = () => holds() ? done(performance.now() - begun) : setTimeout(look, 2);
        look();
    });
    return [await until(there), await until(() => parts.every(part => document.querySelector('.page ' + part)))];
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


async def changes(browser: Browser, home: Home, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of every page of the menu, so many times, to its heading and to all of it.

    The first of each stands first: it begins as soon as the first page stands, and fetches what only it needs.
    """
    context = await browser.new_context(base_url=home.url, locale="fr-FR", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto("/webhooks")
    await page.locator(".ag-row").first.wait_for()
    entries = await page.locator("a.nav-item").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    found: dict[str, list[tuple[float, float]]] = {entry: [] for entry in entries}
    for entry in [*entries[1:], entries[0]] * (rounds + 1):
        heading, whole = await page.evaluate(_CHANGE, [entry, WHOLE.get(entry, [])])
        found[entry].append((heading, whole))
        await page.wait_for_timeout(1500)
    return found


async def measure(home: Home, rounds: int) -> tuple[list[float], dict[str, list[tuple[float, float]]]]:
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
        (first, all_of_it), later, whole = taken[0], [one for one, _ in taken[1:]], [one for _, one in taken[1:]]
        print(f"{entry}: first {first:.0f} ms, then median {median(later):.0f} ms, slowest {max(later):.0f} ms", end="; ")
        print(f"all of it: first {all_of_it:.0f} ms, then median {median(whole):.0f} ms, slowest {max(whole):.0f} ms")
    later = [one for taken in by_page.values() for one, _ in taken[1:]]
    figures = {"first visit": median(visits), "page change": median(later)}
    figures["slowest first page change"] = max(taken[0][0] for taken in by_page.values())
    print(f"first visit, empty cache: median {figures['first visit']:.0f} ms, slowest {max(visits):.0f} ms of {rounds}")
    print(f"page change: median {figures['page change']:.0f} ms, slowest {max(later):.0f} ms of {len(later)}")
    missed = [name for name, limit in AIMS.items() if figures[name] > limit]
    print("aims met" if not missed else f"aims missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
