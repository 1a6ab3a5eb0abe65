"""The house's side of one strategy's process: starts it, asks it, ends it, and says in one sentence what became of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aristobot.clock import SystemClock
from aristobot.errors import StrategyError
from services.sandbox.frames import ANSWER, ARRAY, HEADER, LOG, PROGRESS, REQUEST, decoded, encoded, frame
from services.sandbox.walls import IsolationLevel, Wall, level_of
from services.sandbox.watchdog import watch_memory, watch_rest
from services.sandbox.windows import confine
from services.strategy_answers import Answer, storable, told

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

_ROOT = Path(__file__).resolve().parent.parent
#: `-I`: no PYTHON* variables, no user site, no current folder. What is compiled is kept: the house never imports most of it.
#: Importing makes a multitude of objects that stay: looking through them is time lost, until the child enables it again.
_BEGIN = "import gc, sys; gc.disable(); sys.path.insert(0, sys.argv[1]); from services.strategy_child import main; main()"
_PIECE = 1 << 18
_MOST_SAID = 8192
_LONGEST_PROGRESS = 4096
#: Seconds a process gets to say where it was before it is ended for good.
_LAST_WORDS = 0.3
#: Frames before an answer: prints and progress. More is a flood.
_MOST_FRAMES = 5_000
_LINE = re.compile(rb'File "<strategy>", line (\d+)')

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a strategy may take: seconds by the clock and of processor per request, memory, bytes of an answer and of prints."""

    wall_seconds: float = 5.0
    cpu_seconds: float = 2.0
    memory_mb: int = 512
    answer_bytes: int = 64 * 1024
    log_bytes: int = 256 * 1024
    start_seconds: float = 30.0
    #: How often somebody looks whether it computes though it is asked nothing.
    rest_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Isolation:
    """How far a running strategy is kept from everything else here, as its process found out by trying."""

    level: IsolationLevel
    walls: tuple[Wall, ...]

    @property
    def is_sealed(self) -> bool:
        """Whether the kernel itself refuses files, network and processes."""
        return self.level is IsolationLevel.SEALED


class StrategyProcess:
    """One child. Not to be asked twice at once; once it has fallen it answers no more, and another is started."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen())
        self._job: object = None
        self._watching: asyncio.Task[bool] | None = None
        self._turns = 0
        self._rest: asyncio.Task[bool] | None = None
        self.isolation = Isolation(IsolationLevel.GUARDED, ())
        self.described = Answer(None)

    @classmethod
    async def start(
        cls, job: str, text: str, limits: Limits | None = None, options: Mapping[str, Any] | None = None
    ) -> StrategyProcess:
        """A process that does `job` (a module with a class `Job`) with the user's text, locked in before the text's first line.

        Raises StrategyError with what the text did wrong.
        """
        limits = limits or Limits()
        windows = sys.platform == "win32"
        kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if windows and name in os.environ}
        more: dict[str, Any] = {"creationflags": 0x08000000} if windows else {"start_new_session": True}  # no console window
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-I", "-c", _BEGIN, str(_ROOT)]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env=kept, cwd=_ROOT.anchor, close_fds=True, **more
            )
        except OSError as error:  # the system has no room for another process
            raise StrategyError("strategy_ended", exit_code="", said=str(error)[-200:]) from None
        self = cls(process, limits)
        self._job = confine(process.pid, limits.memory_mb)
        setup = {**asdict(limits), "job": job, "text": text, "house": os.getpid(), "options": dict(options or {})}
        try:
            walls = await self._asked(frame(REQUEST, encoded(setup)), limits.start_seconds)
            self._note_walls(walls.value)
            if sys.platform != "win32" and Wall.MEMORY not in self.isolation.walls:
                self._watching = asyncio.create_task(watch_memory(process.pid, limits.memory_mb, SystemClock()))
            self.described = await self._asked(b"", limits.wall_seconds)
            if not isinstance(self.described.value, dict):
                raise StrategyError("strategy_answer_unreadable")
        except StrategyError:
            await self.close()
            raise
        if sys.platform != "win32":
            self._rest = asyncio.create_task(watch_rest(process.pid, lambda: self._turns, limits.rest_seconds, SystemClock()))
        return self

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None

    @property
    def restless(self) -> bool:
        """Whether it was ended because it computed though nobody had asked it anything."""
        return self._rest is not None and self._rest.done() and not self._rest.cancelled() and self._rest.result()

    async def ask(
        self,
        request: Mapping[str, Any],
        arrays: Mapping[str, Rows] = MappingProxyType({}),
        progress: Progress | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Its answer to one request, with candles by name; `seconds` by the clock instead of the limit.

        Raises StrategyError with its code and, where it is known, the line. After most of them the process is gone.
        """
        small = b"".join(part for name, rows in arrays.items() for part in _parcel(name, rows))
        whole = small + frame(REQUEST, encoded(request))
        return await self._asked(whole, seconds or self._limits.wall_seconds, progress)

    async def hand_over(self, name: str, rows: Rows) -> None:
        """Give it many candles under a name, once for all requests. Raises StrategyError when it is gone."""
        head, flat = _parcel(name, rows)
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                await self._write(head)
                for at in range(0, len(flat), _PIECE):
                    await self._write(flat[at : at + _PIECE])
        except (OSError, TimeoutError):
            raise await self._fallen() from None
        except BaseException:
            await self._kill()
            raise

    async def close(self) -> None:
        """End it."""
        await self._kill()

    # ------------------------------------------------------------------ the conversation

    async def _asked(self, asked: bytes, seconds: float, progress: Progress | None = None) -> Answer:
        self._turns += 1
        try:
            async with asyncio.timeout(seconds):
                with suppress(ConnectionError):  # what it said before it went is still to be read
                    await self._write(asked)
                return await self._answer(progress)
        except TimeoutError:
            raise await self._too_slow(seconds) from None
        except (asyncio.IncompleteReadError, OSError):
            raise await self._fallen() from None
        except ValueError:  # neither JSON nor a frame
            await self._kill()
            raise StrategyError("strategy_answer_unreadable") from None
        except asyncio.CancelledError:  # the answer on the pipe would be for nobody
            await asyncio.shield(self._kill())
            raise
        finally:
            self._turns += 1

    async def _answer(self, progress: Progress | None) -> Answer:
        """Frames up to the answer."""
        most = {ANSWER: self._limits.answer_bytes + 1024, LOG: self._limits.log_bytes, PROGRESS: _LONGEST_PROGRESS}
        assert self._process.stdout is not None
        printed = ""
        for _ in range(_MOST_FRAMES):
            size, kind = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
            if size > most.get(kind, -1):
                await self._kill()
                raise StrategyError("strategy_answer_too_large", size=size, most=most.get(kind, 0))
            body = await self._process.stdout.readexactly(size)
            if kind == LOG:
                printed = body.decode("utf-8", "replace")
            elif kind == PROGRESS:
                if progress is not None:
                    progress(decoded(body))
            else:
                return told(decoded(body), printed)
        raise ValueError("a flood")

    async def _write(self, data: bytes | memoryview) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    def _note_walls(self, told: Any) -> None:
        known = {one.value for one in Wall}
        walls = [Wall(one) for one in told if one in known]
        walls += [Wall.JOB_OBJECT] if self._job is not None else []
        self.isolation = Isolation(level_of(walls), tuple(walls))

    async def _listen(self) -> None:
        """What it writes to standard error: the last of it, so that it neither fills our memory nor its pipe."""
        assert self._process.stderr is not None
        while part := await self._process.stderr.read(_PIECE):
            self._said += part
            del self._said[:-_MOST_SAID]

    # ------------------------------------------------------------------ the end

    async def _too_slow(self, seconds: float) -> StrategyError:
        if self.alive and sys.platform != "win32":
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGPROF)  # it writes where it is, and ends
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _LAST_WORDS)
        await self._kill()
        return StrategyError("strategy_too_slow", seconds=f"{seconds:g}", line=self._line())

    async def _fallen(self) -> StrategyError:
        """What became of a process whose pipe ended."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _LAST_WORDS)
        code = self._process.returncode
        await self._kill()
        if code is not None and sys.platform != "win32" and code == -signal.SIGPROF:
            return StrategyError("strategy_too_busy", seconds=f"{self._limits.cpu_seconds:g}", line=self._line())
        if self._watching is not None and self._watching.done() and self._watching.result():
            return StrategyError("strategy_out_of_memory", line=0)
        if code is None or code >= 0:
            last = bytes(self._said).decode("utf-8", "replace").strip().rpartition("\n")[2][-200:]
            return StrategyError("strategy_ended", exit_code="" if code is None else code, said=storable(last))
        return StrategyError("strategy_crashed", signal=_signal_name(-code), line=self._line())

    def _line(self) -> int:
        found = _LINE.search(bytes(self._said))
        return int(found[1]) if found else 0

    async def _kill(self) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await asyncio.wait([self._listening], timeout=_LAST_WORDS)
        self._listening.cancel()
        for watching in (self._watching, self._rest):
            if watching is not None and not watching.done():
                watching.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()


def _parcel(name: str, rows: Rows) -> tuple[bytes, memoryview]:
    """Candles as they go over the pipe: a frame that names them, and their columns."""
    head = encoded({"name": name, "rows": rows.shape[0], "columns": rows.shape[1]})
    return frame(ARRAY, head), rows.T.astype("<f8", order="C", copy=False).reshape(-1).data.cast("B")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
