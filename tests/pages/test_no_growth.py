"""Sixty visits come and go: what they opened is closed again, to the last subscription, task and page element."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from dataclasses import dataclass
from functools import partial

from nicegui import Client
from nicegui.testing import User

from components.live import Live
from services.app import App
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

PAGES = ("/webhooks", "/heartbeat", "/manual-trading", "/statistics", "/log", "/account")
ROUNDS = 10


@dataclass(frozen=True)
class Footprint:
    """What open pages hold on to."""

    clients: int
    readers: int
    bridges: int
    tasks: Counter[str]

    @classmethod
    def of(cls, app: App) -> Footprint:
        """As it is now, after what nobody holds any more has gone."""
        gc.collect()
        bridges = sum(isinstance(one, Live) for one in gc.get_objects())
        tasks = Counter(str(task.get_coro()).partition(" at ")[0] for task in asyncio.all_tasks() if not task.done())
        return cls(len(Client.instances), len(app.bus._readers), bridges, tasks)


async def visit_every_page(screen: User) -> None:
    """Open each page as a browser of its own, and leave it for good, whatever is still on its way to it."""
    for page in PAGES:
        client = await screen.open(page)
        await until(partial(getattr, client, "has_socket_connection"))
        client.delete()


def _most_are_gone(bags: list[weakref.ref[object]]) -> bool:
    """An error that is still being told may hold what it came through."""
    return sum(bag() is not None for bag in bags) * 4 < len(bags)


async def test_what_a_page_held_is_free_without_a_search_for_rings(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await visit_every_page(screen)  # what is made once stays
    for page in PAGES:
        client = await screen.open(page)
        await until(partial(getattr, client, "has_socket_connection"))
        gc.collect()
        gc.disable()
        try:
            bags: list[weakref.ref[object]] = [
                weakref.ref(bag) for one in client.elements.values() for bag in (one._props, one._classes, one._style)
            ]
            client.delete()
            screen.client = None
            del client
            await until(partial(_most_are_gone, bags))
        finally:
            gc.enable()


async def test_sixty_visits_leave_nothing_behind(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await visit_every_page(screen)  # what is made once, at the first visit, is no growth

    def at_rest() -> bool:
        return not [task for task in asyncio.all_tasks() if "live page handlers" in task.get_name()]

    await until(at_rest)
    before = Footprint.of(app)
    for _ in range(ROUNDS):
        await visit_every_page(screen)
    await until(at_rest)

    def nothing_is_left() -> bool:
        after = Footprint.of(app)
        grown = (after.clients > before.clients, after.readers > before.readers, after.bridges > before.bridges)
        begun = (after.tasks - before.tasks).values()  # the house begins some once, whoever looked first; a page every time
        return not any(grown) and max(begun, default=0) < ROUNDS / 2

    await until(nothing_is_left)
