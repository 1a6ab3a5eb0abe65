"""The lines of the log, newest first: pushed as they are written, two hundred at a time, older ones from the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import LogLinesWritten
from aristobot.language import _
from aristobot.log_writer import Line
from components.live import Live
from components.live_grid import LiveGrid, Row, chip, column
from components.log_detail import show_line
from components.log_rows import log_row
from components.page_head import panel
from components.pager import Pager
from components.stateful_list import StatefulList
from components.viewer import Viewer
from components.words import Words
from services.log_archive import LogPage, LogQuery, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.app import App

ROWS = 200


class LogList:
    """The panel with the table and its pages. Only the newest page is live, and only while nobody has paused it."""

    def __init__(self, app: App, user: Viewer, live: Live, on_trace: Callable[[str], object]) -> None:
        self._app = app
        self._user = user
        self._on_trace = on_trace
        self._query = LogQuery(user.id)
        self._trail: list[Place | None] = [None]
        self._next: Place | None = None
        self._lines: dict[str, Line] = {}
        self._number = self._missed = self._named = 0
        self._paused = False
        with panel(_("Lines"), "tall log") as head:
            self._list = StatefulList(
                icon="terminal", empty=_("No such line"), empty_words=_("Nothing in the log answers these filters.")
            )
            self._grid = self._list.hold(lambda: LiveGrid(_columns(), name=_("Lines"), most=ROWS, on_open=self._open))
            self._pager = Pager(_("Newer lines"), _("Older lines"), on_newer=self._to_newer, on_older=self._to_older)
        with head:
            self._live_tag = Words("span", _("Live"), "tag good")
            self._pause = ui.button(icon="pause", on_click=self.pause).props("outline no-caps color=white").mark("pause")
        self._say()
        live.latest(LogLinesWritten, do=lambda _event: self._heard(), max_fps=4)

    async def show(self, query: LogQuery) -> None:
        """Show the newest lines that answer another question."""
        self._query, self._trail = query, [None]
        await self._load()

    async def pause(self) -> None:
        """Let the table stand still, or follow the log again."""
        self._paused = not self._paused
        if self._paused:
            self._say()
        else:
            await self.show(self._query)

    async def _load(self) -> None:
        query, before = self._query, self._trail[-1]
        try:
            if before is None:
                number, page = await self._app.log_tail.newest(query, ROWS)
            else:
                number, page = self._number, await self._app.log_tail.older(query, before, ROWS)
        except AristobotError as error:
            self._list.failed(error, self._load)
            return
        if query is not self._query or before != self._trail[-1]:
            return  # the user has already asked for something else
        self._number, self._missed = number, 0
        self._fill(page)
        if before is None:
            self._heard()

    def _fill(self, page: LogPage) -> None:
        self._lines = {}
        self._grid.fill([self._row(line) for line in page.lines])
        self._list.show(self._grid)
        self._next = page.older
        self._say(page)

    def _heard(self) -> None:
        self._number, lines = self._app.log_tail.since(self._number, self._query)
        if not lines:
            return
        if self._paused or len(self._trail) > 1:
            self._missed += len(lines)
        else:
            self._grid.prepend([self._row(line) for line in reversed(lines[-ROWS:])])
            self._list.show(self._grid)
            kept = {row["id"] for row in self._grid.rows}
            self._lines = {number: line for number, line in self._lines.items() if number in kept}
        self._say()

    def _row(self, line: Line) -> Row:
        self._named += 1
        number = str(self._named)
        self._lines[number] = line
        return log_row(number, line, self._app.clock.now())

    def _open(self, number: str) -> None:
        if (line := self._lines.get(number)) is not None:
            show_line(line, on_trace=self._on_trace)

    def _say(self, page: LogPage | None = None) -> None:
        follows = not self._paused and len(self._trail) == 1
        self._live_tag.set_visibility(follows)
        words = _("Resume") if self._paused else _("Pause")
        missed = f" ({min(self._missed, 999)})" if self._missed else ""
        self._pause.set_text(words + missed)
        self._pause.props(f"icon={'play_arrow' if self._paused else 'pause'} aria-pressed={str(self._paused).lower()}")
        first, shown = (len(self._trail) - 1) * ROWS, len(self._grid.rows)
        told = _("{first} to {last}, newest first", first=first + 1, last=first + shown) if shown else ""
        if page is not None and not page.complete:
            told = _("The search stopped here; older lines are on the next page.")
        self._pager.tell(told, newer=len(self._trail) > 1, older=self._next is not None)

    async def _to_older(self) -> None:
        if self._next is not None:
            self._trail.append(self._next)
            await self._load()

    async def _to_newer(self) -> None:
        if len(self._trail) > 1:
            self._trail.pop()
            await self._load()


def _columns() -> list[Row]:
    return [
        column("at", _("Date"), 104),
        chip("level", _("Level"), 112, least=520),
        column("service", _("Service"), 150, least=760),
        column("message", _("Message"), 180, grows=1) | {":cellClass": "p => p.data.grave"},
        column("trace", _("Trace"), 92, least=900),
    ]
