"""Looks a strategy over before it runs: what the editor underlines. The text is parsed, never executed.

This helps its author; it keeps nobody out. What a strategy can do is decided by the walls of its process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from aristobot.diagnostics import Checked, Diagnostic, Severity, dotted
from aristobot.strategy_loader import PLAIN_MODULES, allowed
from aristobot.strategy_names import unknown_names
from aristobot.strategy_peeks import peeks
from aristobot.strategy_unoffered import unoffered

LONGEST_TEXT = 200_000
_ENTRIES = frozenset({"should_long", "signals", "go_long"})
_EXITS = frozenset({"should_exit", "stop_loss_price", "take_profit_price", "update_position", "signals", "on_open_position"})
_EXIT_ORDERS = frozenset({"stop_loss", "take_profit", "sell"})
#: Readable constants on spot, so that code written for futures loads.
_FUTURES = frozenset(
    {
        "leverage", "mark_price", "funding_rate", "next_funding_timestamp", "liquidation_price", "is_short", "available_margin",
        "leveraged_available_margin", "has_short_entry_orders",
    }
)  # fmt: skip
_FUTURES_HOOKS = frozenset({"should_short", "go_short"})
_WITHOUT_SEED = frozenset({"random", "randint", "choice", "shuffle", "uniform", "normal", "rand", "randn", "gauss", "sample"})
_MACHINE_CLOCK = frozenset(
    {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "date.today",
     "datetime.datetime.utcnow", "datetime.date.today"}
)  # fmt: skip


def diagnose(text: str) -> list[Diagnostic]:
    """Everything worth underlining, in the order of the text."""
    if len(text) > LONGEST_TEXT:
        return [Diagnostic(1, 0, 1, 1, Severity.ERROR, "lint_too_long", {"most": LONGEST_TEXT})]
    try:
        checked = Checked(text)
        found = [one for check in _CHECKS for one in check(checked)]
    except SyntaxError as error:
        return [_syntax(error, text)]
    except (RecursionError, MemoryError):
        return [Diagnostic(1, 0, 1, 1, Severity.ERROR, "lint_too_deep")]
    except ValueError as error:  # a zero byte
        return [Diagnostic(1, 0, 1, 1, Severity.ERROR, "lint_syntax", {"detail": str(error)})]
    return sorted({(one.line, one.column, one.code): one for one in found}.values(), key=lambda one: (one.line, one.column))


def _syntax(error: SyntaxError, text: str) -> Diagnostic:
    lines = text.split("\n")
    line = min(max(error.lineno or 1, 1), len(lines))
    column = min(max((error.offset or 1) - 1, 0), len(lines[line - 1]))
    same = error.end_lineno in (None, line)
    end = max((error.end_offset or 0) - 1, column + 1) if same else len(lines[line - 1])
    return Diagnostic(line, column, line, max(end, column + 1), Severity.ERROR, "lint_syntax", {"detail": error.msg})


def _imports(text: Checked) -> Iterator[Diagnostic]:
    """Imports that are refused."""
    for node in text.nodes:
        wanted: list[str] = []
        if isinstance(node, ast.Import):
            wanted = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            inner = [f"{module}.{one.name}" for one in node.names]
            packages = module in ("jesse", "aristobot", "aristobot.indicators") and all(allowed(one) for one in inner)
            wanted = [] if packages or (module not in ("jesse", "aristobot") and allowed(module)) else [module or "."]
        for name in wanted:
            if not allowed(name):
                offered = ", ".join(one for one in PLAIN_MODULES if "." not in one and not one.startswith("_"))
                yield text.at(node, Severity.ERROR, "lint_forbidden_import", name=name, allowed=offered)


def _private(text: Checked) -> Iterator[Diagnostic]:
    """`x.__class__` and the like: the stairs to everything that is none of a strategy's business."""
    for node in text.nodes:
        if not isinstance(node, ast.Attribute) or node.attr in ("__name__", "__doc__"):
            continue
        calls_base = node.attr == "__init__" and isinstance(node.value, ast.Call)
        if node.attr.startswith("__") and node.attr.endswith("__") and not calls_base:
            yield text.at(node, Severity.ERROR, "lint_forbidden_name", name=node.attr)


# ---------------------------------------------------------------------- what a strategy must have


def _structure(text: Checked) -> Iterator[Diagnostic]:
    kinds = {kind.name: kind for kind in text.classes()}
    strategies = [kind for kind in kinds.values() if _stands_on_strategy(kind, kinds)]
    if not strategies:
        yield Diagnostic(1, 0, 1, 1, Severity.ERROR, "lint_no_class")
        return
    leaves = [kind for kind in strategies if not any(kind.name in _bases(other) for other in strategies)]
    if len(leaves) > 1:
        yield text.at_name(leaves[0], Severity.HINT, "lint_several_classes", name=leaves[-1].name)
    for kind in leaves[-1:]:
        hooks, orders = _hooks(kind, kinds)
        if not hooks & _ENTRIES:
            yield text.at_name(kind, Severity.ERROR, "lint_no_entry", name=kind.name)
        elif "go_long" in hooks and not hooks & {"should_long", "signals"}:
            yield text.at_name(kind, Severity.ERROR, "lint_no_signal", name=kind.name)
        if not hooks & _EXITS and not orders & _EXIT_ORDERS:
            yield text.at_name(kind, Severity.WARNING, "lint_no_exit", name=kind.name)


def _bases(kind: ast.ClassDef) -> set[str]:
    return {dotted(base).rpartition(".")[2] for base in kind.bases}


def _stands_on_strategy(kind: ast.ClassDef, kinds: dict[str, ast.ClassDef], depth: int = 20) -> bool:
    bases = _bases(kind)
    if "Strategy" in bases:
        return True
    return depth > 0 and any(base in kinds and _stands_on_strategy(kinds[base], kinds, depth - 1) for base in bases)


def _hooks(kind: ast.ClassDef, kinds: dict[str, ast.ClassDef], depth: int = 20) -> tuple[set[str], set[str]]:
    """The methods of a class and its bases in the text, and what they assign to `self`."""
    hooks = {one.name for one in kind.body if isinstance(one, ast.FunctionDef)}
    orders = {
        one.attr
        for one in ast.walk(kind)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store) and dotted(one.value) == "self"
    }
    for base in _bases(kind) & kinds.keys() if depth > 0 else ():
        more_hooks, more_orders = _hooks(kinds[base], kinds, depth - 1)
        hooks, orders = hooks | more_hooks, orders | more_orders
    return hooks, orders


# ---------------------------------------------------------------------- exits over 100 %


def _shares(text: Checked) -> Iterator[Diagnostic]:
    """`take_profit_price` and `stop_loss_price` that name more than everything, and orders that sell more than is held."""
    for node in text.nodes:
        if isinstance(node, ast.FunctionDef) and node.name in ("take_profit_price", "stop_loss_price"):
            for one in ast.walk(node):
                if isinstance(one, ast.Return) and one.value is not None:
                    yield from _over(text, one.value, [_constant(pair.elts[0]) for pair in _pairs(one.value)])
        elif isinstance(node, ast.Assign) and any(dotted(one) in ("self.take_profit", "self.stop_loss") for one in node.targets):
            pairs = _pairs(node.value)
            parts = [_part(pair.elts[0]) for pair in pairs]
            if pairs and len({whole for _, whole in parts}) == 1:
                yield from _over(text, node.value, [share for share, _ in parts])


def _stops(text: Checked) -> Iterator[Diagnostic]:
    """Several stops at once: one guards everything."""
    for node in text.nodes:
        named: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef) and node.name == "stop_loss_price":
            named = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value is not None]
        elif isinstance(node, ast.Assign) and any(dotted(one) == "self.stop_loss" for one in node.targets):
            named = [node.value]
        for value in named:
            if len(_pairs(value)) > 1:
                yield text.at(value, Severity.WARNING, "lint_several_stops")


def _over(text: Checked, node: ast.expr, shares: list[float | None]) -> Iterator[Diagnostic]:
    known = [one for one in shares if one is not None]
    total = sum(known)
    if len(known) == len(shares) and total > 1.000001:
        yield text.at(node, Severity.ERROR, "lint_exits_over_100", total=f"{total * 100:g}")


def _pairs(node: ast.expr) -> list[ast.Tuple | ast.List]:
    if not isinstance(node, ast.List | ast.Tuple):
        return []
    pairs = [one for one in node.elts if isinstance(one, ast.Tuple | ast.List) and len(one.elts) == 2]
    return pairs if len(pairs) == len(node.elts) else []


def _constant(node: ast.expr) -> float | None:
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def _part(node: ast.expr) -> tuple[float | None, str]:
    """`0.6 * self.position.qty`, `qty / 2`, `qty`: the share, and of what."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _constant(node.left), _constant(node.right)
        return (left, ast.dump(node.right)) if left is not None else (right, ast.dump(node.left))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        divisor = _constant(node.right)
        return (1 / divisor if divisor else None), ast.dump(node.left)
    return 1.0, ast.dump(node)


# ---------------------------------------------------------------------- spot, and the same answer twice


def _futures(text: Checked) -> Iterator[Diagnostic]:
    """What means nothing on spot: read as a constant, or never called."""
    for kind in text.classes():
        exits = any(
            isinstance(one, ast.Assign) and any(dotted(target) == "short_signal" for target in one.targets) for one in kind.body
        )
        for hook in kind.body:
            if not isinstance(hook, ast.FunctionDef) or hook.name not in _FUTURES_HOOKS or _says_no(hook):
                continue
            if not exits or hook.name != "should_short":
                yield text.at_name(hook, Severity.WARNING, "lint_never_short", name=hook.name)
    for node in text.nodes:
        if isinstance(node, ast.Attribute) and node.attr in _FUTURES and dotted(node.value) in ("self", "self.position"):
            yield text.at(node, Severity.WARNING, "lint_futures_only", name=node.attr)


def _says_no(hook: ast.FunctionDef) -> bool:
    """`return False` or `pass`: what Jesse asks everybody to write."""
    body = [one for one in hook.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return all(
        isinstance(one, ast.Pass)
        or (isinstance(one, ast.Return) and (one.value is None or (isinstance(one.value, ast.Constant) and not one.value.value)))
        for one in body
    )


def _chance(text: Checked) -> Iterator[Diagnostic]:
    """What answers differently each time: chance without a seed, and the machine's clock instead of the candle's."""
    seeded = any(isinstance(one, ast.Call) and dotted(one.func).endswith(("seed", "default_rng", "Random")) for one in text.nodes)
    for node in text.nodes:
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in _MACHINE_CLOCK:
                yield text.at(node, Severity.WARNING, "lint_machine_clock", name=name)
            elif not seeded and name.rpartition(".")[2] in _WITHOUT_SEED and name.rpartition(".")[0].endswith("random"):
                yield text.at(node, Severity.WARNING, "lint_unseeded", name=name)


_CHECKS = (_imports, _private, _structure, _shares, _stops, _futures, _chance, unoffered, unknown_names, peeks)
