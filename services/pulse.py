"""The pulse of the house: a thread that asks the event loop once a second whether it is still there.

A loop that stands still takes no alert and moves no stop, and cannot say so itself: this thread writes down where it stands.
It also ends one kind of standstill. A thread that was told to give the interpreter away waits until another has taken it; glibc
before 2.41 can lose that wake-up (its bug 25847), and then the loop waits until any thread takes the interpreter. This one does.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback

from loguru import logger

#: Seconds between two questions, and questions without an answer after which the loop is said to stand still.
_EVERY = 1.0
_PATIENCE = 10


class Pulse:
    """Beats from `start`, which is called on the loop that is watched, until `stop`."""

    def __init__(self, every: float = _EVERY, patience: int = _PATIENCE) -> None:
        self._every, self._patience = every, patience
        self._over = threading.Event()
        self._answered = threading.Event()

    def start(self) -> None:
        """Begin to ask the loop that runs here."""
        self._over.clear()
        self._answered.set()
        watched = asyncio.get_running_loop(), threading.get_ident()
        threading.Thread(target=self._beat, args=watched, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()

    def _beat(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        missed = 0
        while not self._over.wait(self._every):
            if not self._answered.is_set():
                missed += 1
                if missed == self._patience:
                    logger.error("The event loop has stood still for {:.0f} s, at:\n{}", missed * self._every, _where(thread))
                continue
            if missed >= self._patience:
                logger.warning("The event loop goes on after {:.0f} s", missed * self._every)
            missed = 0
            self._answered.clear()
            try:
                loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:  # the loop was closed without a word to us
                return


def _where(thread: int) -> str:
    """The lines of code that a thread is in, the innermost last."""
    return "".join(traceback.format_stack(sys._current_frames().get(thread)))
