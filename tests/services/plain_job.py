"""A job for the tests of the walls: the user's text defines `class S` with a method `answer(request, progress)`.

It imports little, so that a process is there at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from aristobot import strategy_loader


class Base:
    """What the text's class stands on."""


class Job:
    """Loads the class, hands it each request."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.strategy: Any = None
        for name in ("statistics", "time", "math", "encodings.latin_1", "encodings.ascii"):
            importlib.import_module(name)

    def load(self, text: str) -> dict[str, Any]:
        """Run the text."""
        kind = strategy_loader.load(text, Base, {"Base": Base, "arrays": self.arrays})
        self.strategy = kind()
        return {"name": kind.__name__}

    def do(self, request: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> object:
        """Ask it."""
        return self.strategy.answer(request, progress)
