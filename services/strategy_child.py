"""One strategy in a process of its own: `python -I`, nothing in its environment, walls all around, a pipe each way.

It reads what is to be run, imports what that may need, locks itself in, says which walls stand, and only then runs the first
line of the user's. Then it answers requests until the pipe ends. What it says is believed by nobody: the host checks it.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import linecache
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from aristobot.errors import StrategyError
from aristobot.strategy_loader import FILENAME
from services.sandbox.frames import ANSWER, ARRAY, HEADER, LOG, PROGRESS, REQUEST, encoded, frame
from services.sandbox.guards import Forbidden
from services.sandbox.limits import watch_processor
from services.sandbox.walls import raise_walls

_LONGEST_WORDS = 500
#: Bytes that are read at once: a question with its candles, as it lies in the pipe.
_AT_ONCE = 1 << 16


class Job(Protocol):
    """What the process is for: class `Job` of the module that the host names. It imports all that it will ever need.

    `arrays` are the candles that were handed over, by name.
    """

    arrays: dict[str, Any]

    def load(self, text: str) -> dict[str, Any]:
        """Run the user's text; what is to be told of the strategy."""

    def do(self, request: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> object:
        """Answer one request, in what JSON can hold."""


class Pipes:
    """The two ends that lead to the house, kept away from everything that prints."""

    def __init__(self) -> None:
        self._in, self._out = io.BufferedReader(io.FileIO(os.dup(0)), _AT_ONCE), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)

    def receive(self) -> tuple[int, bytes] | None:
        """The next frame; None when the house has gone."""
        head = self._read(HEADER.size)
        if head is None:
            return None
        size, kind = HEADER.unpack(head)
        body = self._read(size)
        return None if body is None else (kind, bytes(body))

    def floats(self, count: int) -> bytearray | None:
        """So many 8-byte floats."""
        return self._read(count * 8)

    def send(self, kind: int, body: bytes) -> None:
        """One frame to the house."""
        rest = memoryview(frame(kind, body))
        while rest:
            rest = rest[os.write(self._out, rest) :]

    def _read(self, size: int) -> bytearray | None:
        whole = bytearray(size)
        return whole if self._in.readinto(whole) == size else None


class LogRing(io.TextIOBase):
    """Where `print` goes: the last so many characters."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        """Keep it, and forget the oldest."""
        part = str(text)[-self._most :]
        self._parts.append(part)
        self._size += len(part)
        if self._size > 2 * self._most:
            kept = "".join(self._parts)[-self._most :]
            self._parts, self._size = [kept], len(kept)
        return len(text)

    def take(self) -> bytes:
        """What was printed since the last time, at most so many bytes of UTF-8."""
        whole = "".join(self._parts).encode("utf-8", "backslashreplace")[-self._most :]
        self._parts, self._size = [], 0
        return whole


class Child:
    """Receives, does, answers."""

    def __init__(self, pipes: Pipes, setup: dict[str, Any]) -> None:
        self._pipes = pipes
        self._cpu: float = setup["cpu_seconds"]
        self._most: int = setup["answer_bytes"]
        self._printed = LogRing(setup["log_bytes"])
        self._job: Job = importlib.import_module(setup["job"]).Job()
        gc.freeze()  # what is here stays: no collection need look at it again
        gc.enable()

    def lock_in(self, setup: dict[str, Any]) -> None:
        """Raise the walls and say which stand."""
        sys.stdout = sys.stderr = self._printed
        linecache.updatecache = _no_lines  # behind the walls there are no files to quote lines from, in warnings neither
        walls = raise_walls(setup["house"], setup["memory_mb"])
        self._pipes.send(ANSWER, encoded({"walls": walls}))

    def begin(self, text: str) -> bool:
        """Run the user's text; False when it cannot be used."""
        return self._answer(lambda: self._job.load(text))

    def serve(self) -> None:
        """Answer until the house goes."""
        while (received := self._pipes.receive()) is not None:
            kind, body = received
            message = json.loads(body)
            if kind == ARRAY:
                if not self._take_array(message):
                    return
            elif kind == REQUEST:
                self._answer(lambda message=message: self._job.do(message, self._progress))  # type: ignore[misc] # bound now

    def _take_array(self, message: dict[str, Any]) -> bool:
        import numpy as np

        rows, columns = message["rows"], message["columns"]
        floats = self._pipes.floats(rows * columns)
        if floats is None:
            return False
        array = np.frombuffer(floats, dtype="<f8").reshape(columns, rows).T
        array.flags.writeable = False
        self._job.arrays[message["name"]] = array
        return True

    def _progress(self, facts: dict[str, Any]) -> None:
        self._pipes.send(PROGRESS, encoded(facts))

    def _answer(self, do: Callable[[], object]) -> bool:
        watch_processor(self._cpu)
        try:
            body, fine = encoded({"done": do()}), True
            if len(body) > self._most:
                body, fine = (
                    encoded({"failed": "strategy_answer_too_large", "facts": {"size": len(body), "most": self._most}}),
                    False,
                )
        except BaseException as error:  # noqa: BLE001 # whatever the user's code raises is told, and the process lives on
            body, fine = encoded(_told(error)), False
        finally:
            watch_processor(0)
        log = self._printed.take()
        if log:
            self._pipes.send(LOG, log)
        self._pipes.send(ANSWER, body)
        return fine


def _no_lines(filename: str, module_globals: object = None) -> list[str]:
    return []


def _told(error: BaseException) -> dict[str, Any]:
    """An exception in facts: what it is, what it says, and in which line of the user's."""
    lines = [line for name, line in _places(error.__traceback__) if name == FILENAME]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno or 0)
    facts: dict[str, Any] = {"line": lines[-1] if lines else 0}
    if isinstance(error, StrategyError):
        return {
            "failed": error.code,
            "facts": {**facts, **{name: str(one)[:_LONGEST_WORDS] for name, one in error.facts.items()}},
        }
    if isinstance(error, Forbidden):
        return {"failed": "strategy_forbidden", "facts": {**facts, "what": str(error)[:_LONGEST_WORDS]}}
    if isinstance(error, MemoryError):
        return {"failed": "strategy_out_of_memory", "facts": facts}
    if isinstance(error, ValueError) and "JSON compliant" in str(error):
        return {"failed": "strategy_not_a_number", "facts": facts}
    facts["error"] = f"{type(error).__name__}: {_words(error)}"[:_LONGEST_WORDS]
    return {"failed": "strategy_raised", "facts": facts}


def _places(at: types.TracebackType | None) -> Iterator[tuple[str, int]]:
    """File and line of each call, outermost first."""
    while at is not None:
        yield at.tb_frame.f_code.co_filename, at.tb_lineno
        at = at.tb_next


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 # an exception of the user's that cannot even say what it is
        return ""


def main() -> None:
    """Read what is to be run, lock in, run it."""
    pipes = Pipes()
    os.environ.clear()
    os.environ.update({name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")})
    received = pipes.receive()
    if received is None:
        return
    setup = json.loads(received[1])
    child = Child(pipes, setup)
    os.environ.clear()
    child.lock_in(setup)
    if child.begin(setup["text"]):
        child.serve()
