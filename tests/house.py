"""The source of the house, read once, for the tests that look at the code itself."""

from __future__ import annotations

import ast
import gc
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("aristobot", "services", "components", "pages")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path as the house names it, its text, its syntax tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @property
    def module(self) -> str:
        """Its dotted import name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    def at(self, node: ast.AST, what: object = "") -> str:
        """Where a finding lies, for the list that a failing test shows."""
        return f"{self.path}:{getattr(node, 'lineno', 1)} {what}".rstrip()

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in self.nodes if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        return (node for node in self.nodes if isinstance(node, ast.ClassDef))

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call, by the last part of what is called."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield last_name(node.func), node

    def imports(self) -> Iterator[tuple[str, ast.stmt]]:
        """Every module or name that is imported, as a dotted name."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)

    def texts(self) -> Iterator[tuple[str, ast.Constant]]:
        """Every string that is written in the code."""
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, node


def sources(*rooms: str) -> tuple[Source, ...]:
    """The files of these rooms, all four by default."""
    return tuple(source for room in rooms or ROOMS for source in _in_room(room))


@cache
def _in_room(room: str) -> tuple[Source, ...]:
    """Its files, parsed: a million small things that stay, through which no search for garbage need go."""
    found = tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in sorted((ROOT / room).rglob("*.py"))
    )
    collecting = gc.isenabled()
    gc.disable()
    for source in found:
        assert source.nodes or not source.text
    gc.freeze()
    if collecting:
        gc.enable()
    return found


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c` and of `c`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def docstrings(source: Source) -> set[int]:
    """The ids of the nodes that are docstrings: text for people, not code."""
    owners = [node for node in source.nodes if isinstance(node, ast.Module | ast.ClassDef | Function)]
    firsts = [owner.body[0] for owner in owners if owner.body]
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}
