"""Imports without what a package would bring along only because it happens to be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Whatever is imported meanwhile finds these packages not installed, unless they were imported before."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None says to the import system: not there
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
