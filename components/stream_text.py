"""Text that grows while it comes: only what is new travels, a few times a second."""

from __future__ import annotations

import asyncio

from nicegui import ui

from components.words import Words

#: Seconds between two deliveries.
INTERVAL = 0.1


class StreamText(ui.element):
    """A field that stays at its end while text is pushed; whoever scrolls up is left there."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("stream mono").props("tabindex=0 aria-busy=true")
        self._told: list[str] = []
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        with self:
            self._inner = ui.element("div").classes("stream-inner")

    @property
    def text(self) -> str:
        """All that has come."""
        return "".join([*self._told, *self._waiting])

    def push(self, piece: str) -> None:
        """More has come."""
        self._waiting.append(piece)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self.flush)

    def flush(self) -> None:
        """Show what is waiting, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and not self.is_deleted:
            piece = "".join(self._waiting)
            self._told.append(piece)
            self._waiting.clear()
            with self._inner:
                Words("span", piece)

    def settle(self) -> None:
        """Nothing more comes."""
        self.flush()
        self.props(remove="aria-busy")

    def _handle_delete(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super()._handle_delete()
