"""What asks an exchange goes on beside the page: nobody waits for it, neither the page nor what else it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aristobot.errors import AristobotError
from components.confirm import complain
from components.live import Live


def beside(live: Live, do: Callable[[], Awaitable[None]]) -> None:
    """Do it in a task of its own, for as long as the page is there; what goes wrong is said on it."""

    async def safely() -> None:
        try:
            await do()
        except AristobotError as error:
            complain(error)

    live.beside(safely(), "beside the page")


async def together(*doing: Awaitable[None]) -> None:
    """Do all of it at the same time, and wait for the last."""
    await asyncio.gather(*doing)
