"""Names that a strategy uses and nobody defined: variables, indicators, and what it asks of `self`. Read, never run."""

from __future__ import annotations

import ast
import builtins
import difflib
import importlib
from collections.abc import Iterable, Iterator
from functools import cache

from aristobot.diagnostics import Checked, Diagnostic, Severity, dotted
from aristobot.strategy_loader import GIVEN_NAMES, OUR_MODULES, REFUSED_BUILTINS

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_ALWAYS = frozenset(dir(builtins)) | frozenset(GIVEN_NAMES) | {"__name__", "__class__"}


def unknown_names(text: Checked) -> Iterator[Diagnostic]:
    """Variables that no scope around them binds, names that Python has and strategies do not, unknown members of ours."""
    yield from _in_scope(text, text.tree.body, [_ALWAYS | _bound(text.tree.body)])
    yield from _unknown_members(text)
    yield from _unknown_own(text)


def _in_scope(text: Checked, body: Iterable[ast.AST], around: list[frozenset[str]]) -> Iterator[Diagnostic]:
    """Every name that is read in these statements, and in the functions and classes inside them."""
    for node in body:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from _judged(text, node, around)
        elif isinstance(node, _Function):
            inside = node.body if isinstance(node.body, list) else [node.body]
            yield from _in_scope(text, [*_outside(node)], around)
            yield from _in_scope(text, inside, [*around, _arguments(node.args) | _bound(inside)])
        elif isinstance(node, ast.ClassDef):
            yield from _in_scope(text, [*node.decorator_list, *node.bases, *(one.value for one in node.keywords)], around)
            own = _bound(node.body)
            methods = [one for one in node.body if isinstance(one, _Function)]
            yield from _in_scope(text, [one for one in node.body if one not in methods], [*around, own])
            for method in methods:  # a method does not see the names of its class
                yield from _in_scope(text, [method], around)
        elif isinstance(node, _Comprehension):
            targets = frozenset(name for one in node.generators for name in _targets(one.target))
            yield from _in_scope(text, ast.iter_child_nodes(node), [*around, targets])
        else:
            yield from _in_scope(text, ast.iter_child_nodes(node), around)


def _judged(text: Checked, node: ast.Name, around: list[frozenset[str]]) -> Iterator[Diagnostic]:
    known = frozenset().union(*around)
    defined = frozenset().union(*(scope - _ALWAYS for scope in around))
    if node.id in REFUSED_BUILTINS and node.id not in defined:
        yield text.at(node, Severity.ERROR, "lint_forbidden_name", name=node.id)
    elif node.id not in known:
        yield _unknown(text, node, node.id, _nearest(node.id, known))


def _bound(body: Iterable[ast.AST]) -> frozenset[str]:
    """The names that these statements give a value, functions inside them left out."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(one.asname or one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                found.update(node.names)
            found |= _bound(ast.iter_child_nodes(node))
    return frozenset(found)


def _arguments(given: ast.arguments) -> frozenset[str]:
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return frozenset(one.arg for one in every if one is not None)


def _outside(node: _Function) -> Iterator[ast.AST]:
    """What of a function is evaluated where it stands."""
    yield from node.args.defaults
    yield from (one for one in node.args.kw_defaults if one is not None)
    if not isinstance(node, ast.Lambda):
        yield from node.decorator_list


def _targets(node: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


# ---------------------------------------------------------------------- members of ours


def _unknown_members(text: Checked) -> Iterator[Diagnostic]:
    """`ta.nosuch`, `utils.nosuch`."""
    known = {alias: module for alias, module in _aliases(text).items() if module in OUR_MODULES.values()}
    for node in text.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            members = _members(known[node.value.id])
            if members and node.attr not in members:
                yield _unknown(text, node, f"{node.value.id}.{node.attr}", _nearest(node.attr, members))


def _aliases(text: Checked) -> dict[str, str]:
    """Under which names our modules are known in this text."""
    found = {name: OUR_MODULES[name] for name in ("ta", "utils")}
    for node in text.nodes:
        if isinstance(node, ast.Import):
            found.update({one.asname or one.name: OUR_MODULES[one.name] for one in node.names if one.name in OUR_MODULES})
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                target = OUR_MODULES.get(f"{node.module}.{one.name}")
                if target is not None:
                    found[one.asname or one.name] = target
    return found


def _unknown_own(text: Checked) -> Iterator[Diagnostic]:
    """`self.nosuch`, in a class that stands directly on Strategy and gives nobody else's names to itself."""
    ours = _readings()
    for kind in text.classes():
        if [dotted(base) for base in kind.bases] != ["Strategy"]:
            continue
        own = _bound(kind.body) | {
            node.attr
            for node in ast.walk(kind)
            if isinstance(node, ast.Attribute) and dotted(node.value) == "self" and not isinstance(node.ctx, ast.Load)
        }
        own |= {text for node in ast.walk(kind) if isinstance(node, ast.Dict) for text in _texts(node.keys)}  # indicators()
        for node in ast.walk(kind):
            reads = isinstance(node, ast.Attribute) and dotted(node.value) == "self" and isinstance(node.ctx, ast.Load)
            if isinstance(node, ast.Attribute) and reads and node.attr not in ours | own:
                yield _unknown(text, node, f"self.{node.attr}", _nearest(node.attr, ours | own))


def _texts(keys: Iterable[ast.expr | None]) -> set[str]:
    return {one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@cache
def _members(module: str) -> frozenset[str]:
    """What a module of ours has. Imported only when an editor asks."""
    return frozenset(dir(importlib.import_module(module)))


@cache
def _readings() -> frozenset[str]:
    """What every strategy has of its own."""
    strategy = importlib.import_module("aristobot.strategy").Strategy
    further: frozenset[str] = importlib.import_module("aristobot.strategy_readings").FURTHER_NAMES
    return frozenset(dir(strategy)) | frozenset(strategy.__annotations__) | further


def _unknown(text: Checked, node: ast.AST, name: str, nearest: str) -> Diagnostic:
    if nearest:
        return text.at(node, Severity.ERROR, "lint_misspelt_name", name=name, nearest=nearest)
    return text.at(node, Severity.ERROR, "lint_unknown_name", name=name)


def _nearest(name: str, known: Iterable[str]) -> str:
    offered = [one for one in known if not one.startswith("_")]
    begun = sorted((one for one in offered if len(name) > 2 and one.startswith(name)), key=len)  # it is still being typed
    return next(iter([*begun, *difflib.get_close_matches(name, offered, n=1, cutoff=0.5)]), "")
