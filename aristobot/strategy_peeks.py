"""Ways of looking at candles that have not been, found by reading a strategy. Whether a run really peeked, each run tries too.

In the hooks of a candle `self.candles` ends with the present one. `indicators()` and `signals()` see the whole run, so there
every step to the right, and every figure over all of it, is a step into the future.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from aristobot.diagnostics import Checked, Diagnostic, Severity, dotted

_WHOLE_RUN_HOOKS = frozenset({"indicators", "signals"})
_INSIDE = frozenset({"_tape", "_run", "_revealed", "_sources", "_driver"})
_MEMORY = frozenset(
    {
        "as_strided", "sliding_window_view", "stride_tricks", "__array_interface__", "__array_struct__", "ctypes",
        "frombuffer", "memoryview", "getfield", "setflags", "tobytes", "data", "strides", "from_address",
    }
)  # fmt: skip
_EXTREMA = frozenset(
    {
        "argrelextrema", "argrelmax", "argrelmin", "argrelmaxima", "argrelminima", "find_peaks", "find_peaks_cwt", "zigzag",
    }
)  # fmt: skip
_BACKFILL = frozenset(
    {
        "bfill", "backfill", "interp",
    }
)  # fmt: skip
_CENTRED = frozenset(
    {
        "gradient", "filtfilt", "savgol_filter", "sosfiltfilt", "medfilt", "gaussian_filter1d", "lowess",
        "hodrick_prescott",
    }
)  # fmt: skip
_SPECTRUM = frozenset(
    {
        "fft", "rfft", "ifft", "irfft", "fft2", "polyfit",
    }
)  # fmt: skip
_STATISTICS = frozenset(
    {
        "max", "min", "mean", "std", "var", "median", "percentile", "quantile", "ptp", "argmax", "argmin", "average",
        "nanmax", "nanmin", "nanmean", "nanstd", "nanmedian", "nanpercentile", "nanquantile", "amax", "amin", "sort",
        "argsort", "histogram", "corrcoef", "cov",
    }
)  # fmt: skip


def peeks(text: Checked) -> Iterator[Diagnostic]:
    """Everything that looks into the future, or could."""
    for node in text.nodes:
        for code in _anywhere(node):
            yield text.at(node, Severity.ERROR, code, name=_name(node))
    seen: set[int] = set()
    for kind in text.classes():
        for hook in kind.body:
            if isinstance(hook, ast.FunctionDef) and hook.name in _WHOLE_RUN_HOOKS:
                for node in ast.walk(hook):
                    code = _over_the_run(node)
                    if code and id(node) not in seen:
                        seen.add(id(node))
                        yield text.at(node, Severity.WARNING, code, name=_name(node), hook=hook.name)


def _anywhere(node: ast.AST) -> Iterator[str]:
    """What is a look into the future wherever it stands."""
    if isinstance(node, ast.Attribute):
        if node.attr == "base" and _is_array(node.value):
            yield "peek_base"
        elif node.attr in _INSIDE or (node.attr in ("tape", "last") and _is_array(node.value)):
            yield "peek_tape"
        elif node.attr in _MEMORY and (dotted(node).startswith(("np.", "numpy.")) or _is_array(node.value)):
            yield "peek_memory"
    elif isinstance(node, ast.Call):
        name = _called(node)
        if (name in ("shift", "roll") and _negative(_shift_of(node))) or _negative(_keyword(node, "shift")):
            yield "peek_shift"
        if _is_true(_keyword(node, "center")) or (name == "convolve" and _text(_keyword(node, "mode"), node) == "same"):
            yield "peek_centred"
        if name in _EXTREMA:
            yield "peek_extrema"
        if name in ("fillna", "reindex") and _text(_keyword(node, "method")) in _BACKFILL:
            yield "peek_backfill"
    elif isinstance(node, ast.Subscript) and _ahead(node.slice):
        yield "peek_index"


def _over_the_run(node: ast.AST) -> str:
    """What is one only where the whole run lies open."""
    if isinstance(node, ast.Call):
        name = _called(node)
        if name in _STATISTICS and not _is_ours(node) and _keyword(node, "axis") is None:
            return "peek_whole_run"
        if name in _CENTRED or name in _SPECTRUM:
            return "peek_centred"
        return "peek_backfill" if name in _BACKFILL else ""
    if isinstance(node, ast.Subscript):
        if _reversed(node.slice):
            return "peek_reversed"
        return "peek_slice" if _later(node.slice) else "peek_index" if _next_of_loop(node.slice) else ""
    return ""


def _name(node: ast.AST) -> str:
    written = ast.unparse(node)
    return written if len(written) <= 40 else written[:39] + "…"


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def _is_ours(node: ast.Call) -> bool:
    """`ta.max(…)` and `self.…(…)` know what they may see; so does Python's own `max(a, b)`."""
    if isinstance(node.func, ast.Name):
        return True
    return dotted(node.func).partition(".")[0] in ("ta", "utils", "self", "math") and not _is_array(node.func)


def _is_array(node: ast.AST) -> bool:
    """Whether this is written like candles or one of their columns."""
    return any(
        isinstance(one, ast.Attribute)
        and one.attr in ("candles", "opens", "highs", "lows", "closes", "volumes", "current_candle")
        for one in ast.walk(node)
    ) or (isinstance(node, ast.Name) and node.id in ("candles", "closes", "highs", "lows", "opens", "volumes"))


def _shift_of(node: ast.Call) -> ast.expr | None:
    given = _keyword(node, "shift") or _keyword(node, "periods")
    place = 1 if dotted(node.func).startswith(("np.", "numpy.")) or isinstance(node.func, ast.Name) else 0
    return given if given is not None else node.args[place] if len(node.args) > place else None


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in node.keywords if one.arg == name), None)


def _number(node: ast.expr | None) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    return None


def _negative(node: ast.expr | None) -> bool:
    number = _number(node)
    if number is not None:
        return number < 0
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _text(node: ast.expr | None, call: ast.Call | None = None) -> str:
    if node is None and call is not None and len(call.args) > 2:
        node = call.args[2]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _ahead(index: ast.expr) -> bool:
    """`[self.index + 1]`: the next candle, by its number."""
    first = _first(index)
    return (
        isinstance(first, ast.BinOp)
        and isinstance(first.op, ast.Add)
        and any(dotted(one) in ("self.index", "self.tape.cursor") for one in (first.left, first.right))
    )


def _next_of_loop(index: ast.expr) -> bool:
    """`[i + 1]`, of a plain variable."""
    first = _first(index)
    if not isinstance(first, ast.BinOp) or not isinstance(first.op, ast.Add) or not isinstance(first.left, ast.Name):
        return False
    number = _number(first.right)
    return number is not None and number > 0


def _first(index: ast.expr) -> ast.expr:
    return index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index


def _reversed(index: ast.expr) -> bool:
    """`[::-1]`: what comes last is read first."""
    first = _first(index)
    return isinstance(first, ast.Slice) and _negative(first.step)


def _later(index: ast.expr) -> bool:
    """`[1:]`: everything moved one candle towards the past."""
    first = _first(index)
    if not isinstance(first, ast.Slice) or first.upper is not None or first.step is not None:
        return False
    number = _number(first.lower)
    return number is not None and number > 0
