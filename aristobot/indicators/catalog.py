"""What an editor completes and explains: names, signatures and one line each, without loading a single indicator."""

from __future__ import annotations

import ast
from pathlib import Path

from aristobot.indicators.spec import table


def catalog() -> list[tuple[str, str, str]]:
    """Each indicator of `ta`: its name, its signature as text with what it gives, and one line about it."""
    return [(name, f"{one.signature} -> {', '.join(one.fields) or 'float'}", one.about) for name, one in table().items()]


def helpers() -> list[tuple[str, str, str]]:
    """Each helper of `utils`, in the same way, read from the file itself."""
    source = Path(__file__).with_name("utils.py").read_text("utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and not _is_hidden(node)]
    return [(one.name, _signature(one), (ast.get_docstring(one) or "").partition("\n")[0]) for one in functions]


def _is_hidden(function: ast.FunctionDef) -> bool:
    """Ours alone, or one of several signatures of a helper that follows."""
    return function.name.startswith("_") or bool(function.decorator_list)


def _signature(function: ast.FunctionDef) -> str:
    """The signature as inspect writes it, without the quotes of its annotations."""
    names = [ast.unparse(one) for one in function.args.args]
    defaults = [ast.unparse(one) for one in function.args.defaults]
    plain = len(names) - len(defaults)
    shown = names[:plain] + [f"{name} = {value}" for name, value in zip(names[plain:], defaults, strict=True)]
    returned = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"({', '.join(shown)}){returned}"
