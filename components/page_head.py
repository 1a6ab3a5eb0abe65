"""The head of a page with its name and room for filters, the framed parts below it, and how a part is filled.

A page reads for many parts side by side and draws them in one go: every change that reaches the browser makes it look at the
whole page again, and a dozen parts are one change instead of a dozen.

    kept, rows = await asyncio.gather(ProfileCard.read(app, user), SessionsCard.read(app, user))
    ProfileCard(app, user, live).draw(kept)
    SessionsCard(app, user, live).draw(rows)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from nicegui import ui

from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

Found = TypeVar("Found")


@contextmanager
def page_head(title: str, words: str = "") -> Iterator[ui.element]:
    """Draw the title; what is drawn inside the block, or in the yielded head later on, stands beside it."""
    with ui.element("div").classes("page-head") as head:
        with ui.element("div").classes("page-head-words"):
            Words("h1", title)
            if words:
                ui.label(words).classes("muted")
        yield head


@contextmanager
def panel(title: str, classes: str = "") -> Iterator[ui.element]:
    """A framed part of a page with a heading; what is drawn in the yielded head stands beside the heading."""
    with ui.element("section").classes(f"panel {classes}"):
        with ui.element("div").classes("panel-head") as head:
            Words("h2", title)
        yield head


class Part(ABC, Generic[Found]):
    """What is drawn once with what was read before, and may be read and drawn anew."""

    _app: App
    _user: Viewer

    @classmethod
    @abstractmethod
    async def read(cls, app: App, user: Viewer) -> Found:
        """What is to be shown, as it is now."""

    @abstractmethod
    def draw(self, found: Found) -> None:
        """Show it, instead of what stood there."""

    async def show(self, _event: object = None) -> None:
        """Read, and draw."""
        self.draw(await self.read(self._app, self._user))
