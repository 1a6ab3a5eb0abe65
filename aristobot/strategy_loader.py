"""From the text that a user wrote to the class that runs. Called only inside a strategy's own process, behind its walls.

What the text may name is listed here, for the process that runs it and for the editor that looks it over (strategy_checks).
"""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aristobot.errors import StrategyError

#: As it stands in tracebacks.
FILENAME = "<strategy>"
#: Modules of Python and numpy that a computation may want.
PLAIN_MODULES = (
    "math", "statistics", "datetime", "decimal", "fractions", "collections", "itertools", "functools", "operator", "random",
    "typing", "dataclasses", "enum", "bisect", "heapq", "copy", "re", "string", "abc", "numbers", "time", "warnings",
    "__future__", "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial", "numpy.typing",
    "collections.abc",
)  # fmt: skip
#: Our own rooms under the names that strategies use, Jesse's among them. First the name, then where it leads.
OUR_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "ta": "aristobot.indicators.ta",
        "utils": "aristobot.indicators.utils",
        "talib": "talib",
        "jesse.indicators": "aristobot.indicators.ta",
        "jesse.utils": "aristobot.indicators.utils",
        "jesse.strategies": "aristobot.strategy",
        "aristobot.strategy": "aristobot.strategy",
        "aristobot.indicators": "aristobot.indicators",
        "aristobot.indicators.ta": "aristobot.indicators.ta",
        "aristobot.indicators.utils": "aristobot.indicators.utils",
    }
)
#: There without an import.
GIVEN_NAMES = ("Strategy", "cached", "ta", "utils", "np")
#: Python's own names that a strategy does without: they lead to files, to other code, or round the walls.
REFUSED_BUILTINS = frozenset(
    {
        "open", "exec", "eval", "compile", "input", "breakpoint", "help", "exit", "quit", "copyright", "credits", "license",
        "globals", "locals", "vars", "memoryview", "__import__", "__loader__", "__spec__",
    }
)  # fmt: skip
_WHOLE = ("numpy.", "talib.")
_WARM = ("_strptime", "copyreg", "encodings.ascii", "encodings.latin_1", "encodings.idna", "unicodedata")


def allowed(module: str) -> bool:
    """Whether a strategy may import it."""
    return module in PLAIN_MODULES or module in OUR_MODULES or module in ("jesse", "aristobot")


def import_plain() -> None:
    """Import what a strategy may import of Python and numpy: behind the walls no file can be read any more."""
    for name in (*PLAIN_MODULES, *_WARM):
        importlib.import_module(name)


def import_ours() -> None:
    """Import our own rooms for strategies, under all their names, with everything that they import when it is first used."""
    importlib.import_module("aristobot.indicators.library").library()
    for name in OUR_MODULES.values():
        importlib.import_module(name)
    importlib.import_module("aristobot.indicators.calls").import_rooms()
    jesse = types.ModuleType("jesse")
    for name, target in OUR_MODULES.items():
        if name.startswith("jesse."):
            setattr(jesse, name.partition(".")[2], sys.modules[target])
        sys.modules.setdefault(name, sys.modules[target])
    sys.modules["jesse"] = jesse


def load(text: str, base: type, given: Mapping[str, Any]) -> type:
    """Run the text and answer the strategy it defines: the last class that stands on `base` and that no other stands on.

    Whatever the text raises comes through; StrategyError `no_strategy_class` when it defines none.
    """
    space: dict[str, Any] = {**given, "__builtins__": _safe_builtins(), "__name__": "strategy"}
    module = types.ModuleType("strategy")
    sys.modules["strategy"] = module  # dataclasses look their module up
    exec(compile(text, FILENAME, "exec", dont_inherit=True), space)  # noqa: S102 # what this process is for, behind its walls
    module.__dict__.update({name: value for name, value in space.items() if not name.startswith("__")})
    found = [one for one in space.values() if isinstance(one, type) and issubclass(one, base) and one.__module__ == "strategy"]
    leaves = [one for one in found if not any(other is not one and issubclass(other, one) for other in found)]
    if not leaves:
        raise StrategyError("no_strategy_class")
    return leaves[-1]


def _safe_builtins() -> dict[str, Any]:
    return {name: value for name, value in vars(builtins).items() if name not in REFUSED_BUILTINS} | {"__import__": _import}


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,  # Python's own names of them
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> Any:
    """The import statement of strategies: what is allowed, and already here."""
    inner = name.startswith(_WHOLE) or name in _WARM  # C code imports in the name of whoever called it
    if level or not (allowed(name) or inner) or name not in sys.modules:
        raise ImportError(f"a strategy cannot import {name}")
    if fromlist:
        return sys.modules[name]
    return sys.modules[name.partition(".")[0]]
