"""What the editor underlines: where, how bad, and what, in a code and facts; `language.explain` finds the words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """ERROR: it cannot run so. WARNING: it runs, and probably does not do what is meant. HINT: good to know."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. Lines count from 1, columns from 0 in characters; the end lies behind the last character."""

    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    code: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


class Checked:
    """A text that parses, with its tree, and the places of its nodes in characters (a tree counts bytes)."""

    def __init__(self, text: str) -> None:
        """Raises SyntaxError, and ValueError for a text with zero bytes."""
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self._lines = [line.encode() for line in text.split("\n")]

    def at(self, node: ast.AST, severity: Severity, code: str, **facts: object) -> Diagnostic:
        """A finding about a node."""
        line: int = getattr(node, "lineno", 1)
        end: int = getattr(node, "end_lineno", None) or line
        begin: int = getattr(node, "col_offset", 0)
        stop: int = getattr(node, "end_col_offset", None) or begin + 1
        return Diagnostic(line, self._characters(line, begin), end, self._characters(end, stop), severity, code, facts)

    def at_name(self, node: ast.FunctionDef | ast.ClassDef, severity: Severity, code: str, **facts: object) -> Diagnostic:
        """A finding about a function or class: its first line, from the name on."""
        found = self.at(node, severity, code, **facts)
        end = len(self._lines[found.line - 1].decode()) if found.line <= len(self._lines) else found.column + 1
        return Diagnostic(found.line, found.column, found.line, end, severity, code, facts)

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class of the text."""
        return (node for node in self.tree.body if isinstance(node, ast.ClassDef))

    def _characters(self, line: int, offset: int) -> int:
        return len(self._lines[line - 1][:offset].decode(errors="ignore")) if line <= len(self._lines) else offset


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute or a name; what lies before a call or an index is left out: `.c`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
