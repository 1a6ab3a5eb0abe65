"""A local exchange, real on the wire: for tests, for demo mode, as a toy. One file per dialect; it never reads the clients."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from aristobot.conformity import lacks
from aristobot.errors import ConfigurationError

if TYPE_CHECKING:
    from services.simulator.world import Dialect, World


def discover() -> dict[str, Callable[[World], Dialect]]:
    """Every dialect in this folder: a module whose name a `DIALECT` inside bears out; looked for once.

    Raise ConfigurationError for one that is not whole.
    """
    return dict(_found())


@cache
def _found() -> dict[str, Callable[[World], Dialect]]:
    found: dict[str, Callable[[World], Dialect]] = {}
    for module in pkgutil.iter_modules(__path__):
        if "_" in module.name:
            continue
        dialect = getattr(importlib.import_module(f"{__name__}.{module.name}"), "DIALECT", None)
        if dialect is not None:
            _admit(dialect, f"services/simulator/{module.name}.py")
            found[module.name] = dialect
    return found


def _admit(dialect: type, file: str) -> None:
    from services.simulator.world import Dialect  # the worlds know the folder that they are discovered in

    missing = lacks(dialect, Dialect)
    if missing:
        raise ConfigurationError("dialect_incomplete", file=file, dialect=dialect.__name__, missing=", ".join(missing))
