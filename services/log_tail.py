"""The log as the screen reads it: the newest lines from memory, pushed a few times a second; older ones from the files."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from aristobot.bus import Bus
from aristobot.clock import Clock, iso_milliseconds
from aristobot.events import LogLinesWritten
from aristobot.log_writer import Line
from aristobot.logs import Logs
from services.log_archive import LogPage, LogQuery, Place, read_back, services_in

#: Seconds between two pushes: a storm of lines rings no oftener.
BREATH = 0.2
#: Seconds that a reader waits for the writer to have written what stands before the wanted page.
PATIENCE = 1.0


class LogTail:
    """Rings the bus when lines were written, and answers who asks for lines. The writer never waits for it."""

    name = "log_tail"

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._log: Logs | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._rung = False

    def follow(self, log: Logs) -> None:
        """From here on, read this log."""
        self._log = log
        log.listen(self._ring)

    async def run(self) -> None:
        """Tell the bus of new lines, several at a time."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._news.wait()
            self._news.clear()
            self._rung = False
            self._bus.publish(LogLinesWritten(at=self._clock.now()))
            await self._clock.sleep(BREATH)

    def since(self, number: int, query: LogQuery) -> tuple[int, list[Line]]:
        """The newest number, and the lines after `number` that answer `query`, oldest first. From memory, at once."""
        return self._log.lines.after(number, query.shows) if self._log is not None else (number, [])

    async def newest(self, query: LogQuery, limit: int) -> tuple[int, LogPage]:
        """The newest page, and the number from which `since` goes on. What memory lacks comes from the files."""
        if self._log is None:
            return 0, LogPage([], None)
        number, known = self._log.lines.after(0, _all)
        lines = [line for line in reversed(known) if query.shows(line)]
        if len(lines) > limit:
            return number, LogPage(lines[:limit], Place.after(lines[:limit]))
        page = await self.older(query, Place.after(reversed(known)), limit - len(lines))
        return number, LogPage(lines + page.lines, page.older, page.complete)

    async def older(self, query: LogQuery, before: Place | None, limit: int) -> LogPage:
        """A page from the files, read in a thread."""
        return await asyncio.to_thread(self._read, query, before, limit)

    async def between(self, query: LogQuery, begin: datetime, end: datetime, limit: int) -> list[Line]:
        """The last `limit` lines that answer `query` between two moments, oldest first, from the files."""
        asked = replace(query, since=iso_milliseconds(begin))
        page = await self.older(asked, Place(iso_milliseconds(end)), limit)
        return page.lines[::-1]

    async def services(self) -> list[str]:
        """Every service that has said something."""
        if self._log is None:
            return []
        files = await asyncio.to_thread(services_in, self._log.folder)
        return sorted(files | {str(line["service"]) for line in self._log.lines.after(0, _all)[1]})

    def _read(self, query: LogQuery, before: Place | None, limit: int) -> LogPage:
        if self._log is None:
            return LogPage([], None)
        self._log.flush(PATIENCE)
        return read_back(self._log.folder, query, before, limit)

    def _ring(self) -> None:
        """In the writer's thread."""
        loop = self._loop
        if loop is not None and not self._rung and not loop.is_closed():
            self._rung = True
            with suppress(RuntimeError):  # closed between the question and the call: nobody reads any more
                loop.call_soon_threadsafe(self._news.set)


def _all(_: Line) -> bool:
    return True
