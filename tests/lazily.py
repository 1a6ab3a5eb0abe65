"""Modules that are imported when somebody first asks them for something."""

from __future__ import annotations

import importlib
from typing import Any


class Lazily:
    """A module by its name: one that brings every exchange of the world along need not be loaded by who only passes by."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
