"""What an editor completes in a strategy: indicators, helpers, hooks and readings. Read from the sources, nothing is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from aristobot.indicators.catalog import catalog, helpers

_HOOKS = ("Hooks", "OrderEvents", "ChartHooks")
_READINGS = ("Strategy", "MarketReadings", "AccountReadings", "PastReadings", "ChartHelpers")
_FILES = ("strategy.py", "strategy_readings.py", "strategy_past.py", "strategy_chart.py")
_GIVEN = (
    ("Strategy", "class", "The class that a strategy stands on."),
    ("ta", "namespace", "The indicators, in Jesse's call style."),
    ("utils", "namespace", "The helpers: sizes, crossings, stops."),
    ("np", "namespace", "numpy."),
    ("cached", "function", "Decorator: a method worked out once a candle."),
)


class Entry(NamedTuple):
    """One completion. `after` is what stands before the dot, empty for bare names, `def` for hooks to be written."""

    after: str
    name: str
    kind: str
    signature: str
    about: str


@cache
def completions() -> tuple[Entry, ...]:
    """Everything there is, in the order of the alphabet within each place."""
    found = [
        *(Entry("ta", name, "function", signature, about) for name, signature, about in catalog()),
        *(Entry("utils", name, "function", signature, about) for name, signature, about in helpers()),
        *_members(),
        *(Entry("", name, kind, "", about) for name, kind, about in _GIVEN),
    ]
    return tuple(sorted(found, key=lambda one: (one.after, one.name)))


def _members() -> Iterator[Entry]:
    """What `self` has, and the hooks that a strategy may define."""
    for file in _FILES:
        for kind in ast.parse(Path(__file__).with_name(file).read_text("utf-8")).body:
            if isinstance(kind, ast.Assign | ast.AnnAssign):
                yield from _further(kind)
            elif isinstance(kind, ast.ClassDef) and kind.name in (*_HOOKS, *_READINGS):
                yield from _of_class(kind)


def _further(node: ast.Assign | ast.AnnAssign) -> Iterator[Entry]:
    """What the engine answers by name: facts of the market and of the run, not the names of futures."""
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    if not isinstance(target, ast.Name) or node.value is None:
        return
    if target.id == "OTHER_NAMES" and isinstance(node.value, ast.Dict):
        for key, value in zip(node.value.keys, node.value.values, strict=True):
            fact = isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.startswith(".")
            if fact and isinstance(key, ast.Constant):
                yield Entry("self", str(key.value), "property", "", "")
    elif target.id == "FURTHER_NAMES":
        texts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        yield from (Entry("self", text, "property", "", "") for text in texts)


def _of_class(kind: ast.ClassDef) -> Iterator[Entry]:
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            about = (ast.get_docstring(node) or "").partition("\n")[0]
            reading = any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list)
            returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            taken = ", ".join(one.arg for one in node.args.args)
            if kind.name in _HOOKS or node.name in ("calculate_position_size", "go_long"):
                yield Entry("def", node.name, "method", f"({taken}){returned}", about)
            if kind.name not in _HOOKS:
                signature = returned if reading else f"({taken.removeprefix('self').removeprefix(', ')}){returned}"
                yield Entry("self", node.name, "property" if reading else "method", signature, about)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_"):
            yield Entry("self", node.target.id, "property", f": {ast.unparse(node.annotation)}", "")
