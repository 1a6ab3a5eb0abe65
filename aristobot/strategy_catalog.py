"""What an editor completes in a strategy: indicators, helpers, hooks and readings. Read from the sources, nothing is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from aristobot.indicators.catalog import catalog, helpers

_HOOKS = ("Hooks", "OrderEvents")
_FILES = ("strategy.py", "strategy_readings.py")
#: Names of Jesse that lead to readings of ours are left to those who know them.
_GIVEN = (("Strategy", "class", "the class to stand on"), ("ta", "namespace", "indicators"), ("utils", "namespace", "helpers"),
          ("np", "namespace", "numpy"), ("cached", "function", "once a candle"))  # fmt: skip


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
            if isinstance(kind, ast.ClassDef) and kind.name in (*_HOOKS, "Strategy", "MarketReadings", "AccountReadings"):
                yield from _of_class(kind)


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
