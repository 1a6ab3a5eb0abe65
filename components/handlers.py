"""Handlers that outlive the button they belong to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui


def within(place: ui.element, do: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """A handler that speaks and opens dialogs at `place`: the button's own place may be drawn anew while it works."""

    async def handler() -> None:
        with place:
            await do()

    return handler
