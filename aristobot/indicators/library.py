"""TA-Lib, the field's C library, without what it would bring along."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

#: TA-Lib imports these to take their series, which we never give it: 130 MB and more than a second.
FRAMES = ("polars", "pandas")


@cache
def library() -> Any:
    """TA-Lib's functions on plain arrays, each under its name in capitals."""
    absent = [name for name in FRAMES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None says to the import system: not there
    try:
        return import_module("talib._ta_lib")
    finally:
        for name in absent:
            del sys.modules[name]
