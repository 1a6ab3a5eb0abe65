"""A local exchange, real on the wire: for tests, for demo mode, as a toy. One file per dialect; it never reads the clients."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.simulator.world import Dialect, World


def discover() -> dict[str, Callable[[World], Dialect]]:
    """Every dialect in this folder: a module whose name a `DIALECT` inside bears out."""
    found: dict[str, Callable[[World], Dialect]] = {}
    for module in pkgutil.iter_modules(__path__):
        if "_" in module.name:
            continue
        dialect = getattr(importlib.import_module(f"{__name__}.{module.name}"), "DIALECT", None)
        if dialect is not None:
            found[module.name] = dialect
    return found
