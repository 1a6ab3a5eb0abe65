"""A real browser in front of the real process. Playwright's asynchronous interface: the other one keeps a loop running."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from _pytest.reports import TestReport
from _pytest.runner import runtestprotocol

from tests.conftest import WALKED_TWICE
from tests.journeys.house import CHROMIUM, CHROMIUM_ARGUMENTS, Exchange, an_exchange

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

#: Milliseconds for which a page may be late on a crowded machine; what is there is never waited for.
_PATIENCE = 30_000
OpenBrowser = Callable[..., Awaitable["Page"]]


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A journey that fails is walked once more: a browser on crowded cores may be late once, a fault of ours is there twice."""
    if item.path.parent != Path(__file__).parent:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if faults := [report for report in reports if report.failed]:
        reports = _walked_in_a_new_house(item, nextitem)
        for report in reports:
            report.user_properties.append((WALKED_TWICE, faults[0].longreprtext.strip().rpartition("\n")[2]))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _walked_in_a_new_house(item: pytest.Item, nextitem: pytest.Item | None) -> list[TestReport]:
    """The journeys of one file build on each other: those before this one are walked again as well, unreported."""
    setup = item.session._setupstate
    setup.teardown_exact(next((one for one in item.session.items if one.path != item.path), None))
    walk = [one for one in item.session.items if one.path == item.path]
    for earlier in walk[: walk.index(item)]:
        runtestprotocol(earlier, nextitem=item, log=False)
    return runtestprotocol(item, nextitem=nextitem, log=False)


@pytest.fixture(scope="session")
def exchange() -> Iterator[Exchange]:
    """One simulator for all journeys."""
    with an_exchange() as running:
        yield running


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Where Chromium stands; without one the journeys are skipped, or fail where it is required."""
    if not Path(CHROMIUM).exists():
        missing = f"no browser at {CHROMIUM}"
        if os.environ.get("ARISTOBOT_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return CHROMIUM


async def closed(one: Browser | BrowserContext) -> None:
    """Close it; a Chromium that does not answer any more may not hold up the tests that follow."""
    with suppress(TimeoutError):
        await asyncio.wait_for(one.close(), 5)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(browser_path: str) -> AsyncIterator[Browser]:
    """One headless Chromium for all journeys."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=_PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=CHROMIUM_ARGUMENTS)
        yield browser
        await closed(browser)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser) -> AsyncIterator[OpenBrowser]:
    """Open a page in a browser profile of its own. No page may write an error to its console.

    Most browsers here are thrifty: they ask for less motion and less data, which halves what drawing costs on a machine without a GPU.
    """
    faults: list[str] = []
    contexts = []

    async def open_page(url: str, *, width: int = 1440, height: int = 900, thrifty: bool = True) -> Page:
        context = await chromium.new_context(
            base_url=url, locale="fr-FR", timezone_id="Europe/Paris", viewport={"width": width, "height": height},
            reduced_motion="reduce" if thrifty else "no-preference",
        )  # fmt: skip
        if thrifty:
            await context.add_init_script("Object.defineProperty(navigator.connection, 'saveData', {value: true})")
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(_PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        await closed(context)
    assert not faults
