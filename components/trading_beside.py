"""What asks an exchange goes on beside the page: nobody waits for it, neither the page nor what else it hears."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from nicegui import background_tasks, ui

from aristobot.errors import AristobotError
from components.confirm import complain


def beside(place: ui.element, doing: Coroutine[Any, Any, None]) -> None:
    """Do it in a task of its own that speaks at `place`; what goes wrong is said there, while `place` is there."""

    async def safely() -> None:
        try:
            await doing
        except AristobotError as error:
            if not place.is_deleted:
                complain(error)

    background_tasks.create(safely(), name="beside the page", context=place)
