"""TA-Lib, the field's C library, without what it would bring along."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from aristobot.imports import without

#: TA-Lib imports these to take their series, which we never give it: 130 MB and more than a second.
FRAMES = ("polars", "pandas")


@cache
def library() -> Any:
    """TA-Lib's functions on plain arrays, each under its name in capitals."""
    with without(*FRAMES):
        return import_module("talib._ta_lib")
