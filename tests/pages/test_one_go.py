"""A page that waits while it is drawn: the browser hears of it once, and never too late."""

from __future__ import annotations

from typing import Any

import pytest
from nicegui import Client, ui
from nicegui.testing import User

from aristobot.clock import ManualClock, SystemClock
from components.one_go import hold_back, let_go
from services.app import App
from tests.pages.visitors import a_resident, come_in, until


@pytest.fixture
async def client(screen: User, app: App) -> Client:
    """A page that stands in a browser."""
    await come_in(screen, app, await a_resident(app))
    await screen.open("/log")
    visitor = screen.client
    assert visitor is not None
    await until(lambda: not visitor.outbox.updates)
    return visitor


async def _turns() -> None:
    for _turn in range(30):
        await SystemClock().sleep(0)


async def test_what_is_drawn_is_held_back_until_it_is_let_go(client: Client, clock: ManualClock) -> None:
    await hold_back(client, clock)
    with client:
        ui.label("one")
    await _turns()
    assert client.outbox.updates
    let_go(client)
    await _turns()
    assert not client.outbox.updates


async def test_a_page_that_takes_too_long_is_shown_as_far_as_it_is(client: Client, clock: ManualClock) -> None:
    await hold_back(client, clock, 0.0)
    with client:
        ui.label("one")
    await until(lambda: not client.outbox.updates)


async def test_where_nicegui_sends_in_another_way_nothing_is_held_back(clock: ManualClock) -> None:
    class _Outbox:
        updates: tuple[()] = ()
        messages: tuple[()] = ()

    class _Client:
        has_socket_connection = True
        outbox = _Outbox()

    stranger: Any = _Client()
    await hold_back(stranger, clock)
    let_go(stranger)
    assert not vars(stranger.outbox)
