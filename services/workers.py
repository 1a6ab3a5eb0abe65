"""Our own heavy work, in processes of its own: a call that takes too long is cut, and nothing else suffers.

Not for what users write: that runs behind walls (strategy_host).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from aristobot.errors import AristobotError

_P = ParamSpec("_P")
_R = TypeVar("_R")


class WorkCut(AristobotError):
    """A piece of work took too long, or its process died."""

    default_code = "work_cut"


class Workers:
    """As many at a time as there are cores, the rest waits."""

    def __init__(self, most: int | None = None) -> None:
        self._places = asyncio.Semaphore(most or os.cpu_count() or 1)

    async def run(self, work: Callable[_P, _R], seconds: float, *given: _P.args, **named: _P.kwargs) -> _R:
        """What `work`, a function of a module, answers; it and what it takes must pickle. it may take so many `seconds`.

        Raises what the work raises, and WorkCut. A caller that gives up ends the work.
        """
        async with self._places:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            # a fresh interpreter: a fork of a process with threads and sockets would share them
            process = multiprocessing.get_context("spawn").Process(target=_work, args=(theirs, work, given, named), daemon=True)
            await asyncio.to_thread(process.start)
            theirs.close()
            answer = asyncio.ensure_future(asyncio.to_thread(_answer, ours))
            try:
                async with asyncio.timeout(seconds):
                    fine, value = await asyncio.shield(answer)
            except (TimeoutError, EOFError, OSError) as error:
                raise WorkCut(work=getattr(work, "__name__", "work"), seconds=f"{seconds:g}") from error
            finally:
                process.kill()  # its end of the pipe closes, and the thread that waits there ends
                await asyncio.shield(asyncio.gather(answer, return_exceptions=True))
                process.join()
                ours.close()
            if not fine:
                raise value
            return value  # type: ignore[no-any-return] # what came over the pipe is what the work answered


def _answer(pipe: Connection) -> tuple[bool, Any]:
    fine, value = pipe.recv()
    return bool(fine), value


def _work(pipe: Connection, work: Callable[..., object], given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """In the other process."""
    try:
        message = (True, work(*given, **named))
    except Exception as error:  # noqa: BLE001 # handed to whoever asked
        message = (False, error)
    try:
        pipe.send(message)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        pipe.send((False, TypeError(str(error))))
