"""One search in a process of its own, for the house: nothing it computes holds up what trades.

`python -I … ` reads one line that says what to search, writes lines that say how far it is, and leaves its study in order when
the house closes the pipe, or has gone. It is our own code: what users write runs behind the walls of `trial_bench`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TextIO

from aristobot.errors import AristobotError
from services.study_search import Tell, search

#: Whoever trades goes first.
_PATIENT = 10


def main() -> None:
    """Search, and say what came of it."""
    gc.freeze()  # what was imported stays: no collection need look at it again
    gc.enable()
    if hasattr(os, "nice"):
        os.nice(_PATIENT)
    tell = _speaker()
    wanted = json.loads(sys.stdin.readline())
    try:
        asyncio.run(_until_the_house_goes(partial(search, wanted, tell)))
    except AristobotError as error:
        tell({"failed": error.code, "facts": {name: str(value) for name, value in error.facts.items()}})
    except asyncio.CancelledError:
        tell({"left": True})
    except Exception:  # noqa: BLE001 # the house logs it: it cannot look in here
        tell({"failed": "internal", "facts": {}, "trace": traceback.format_exc()[-4000:]})
    else:
        tell({"done": True})


async def _until_the_house_goes(work: Callable[[], Any]) -> None:
    """Do it, and give it up when the pipe from the house ends."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work())

    def listen() -> None:
        while os.read(0, 4096):  # not of the buffered reader, whose lock would be in the way at the end
            pass
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=listen, name="the house", daemon=True).start()
    await task


def _speaker() -> Tell:
    """The way to the house, kept away from everything that prints."""
    out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the house has gone, and the pipe from it ends as well
            print(json.dumps(message), file=out, flush=True)

    return tell
