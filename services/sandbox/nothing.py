"""A job that does nothing: to find out which walls stand on this system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Job:
    """Runs no text and answers nothing."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}

    def load(self, text: str) -> dict[str, Any]:
        """Nothing to tell."""
        return {}

    def do(self, request: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> object:
        """Nothing to answer."""
        return None
