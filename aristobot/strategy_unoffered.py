"""What a strategy may write and is not given, neither at work nor in a backtest: the editor says so before it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from aristobot.diagnostics import Checked, Diagnostic, Severity, dotted
from aristobot.errors import DataError
from aristobot.market import Timeframe, timeframe_of

_GIVES = ("exchange", "symbol", "timeframe")


def unoffered(text: Checked) -> Iterator[Diagnostic]:
    """Candles of other pairs, candles smaller than its own, and the hook that no alert reaches."""
    own = _own_timeframe(text)
    for node in text.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) == "self.get_candles":
            yield from _candles(text, node, own)
    for kind in text.classes():
        for hook in kind.body:
            if isinstance(hook, ast.FunctionDef) and hook.name == "on_signal":
                yield text.at_name(hook, Severity.WARNING, "lint_never_signalled", name=hook.name)


def _candles(text: Checked, call: ast.Call, own: Timeframe | None) -> Iterator[Diagnostic]:
    given = dict(zip(_GIVES, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
    for name in ("exchange", "symbol"):
        if (value := _word(given.get(name))) is not None:
            yield text.at(given[name], Severity.WARNING, "lint_other_candles", value=value, name=name)
    word = _word(given.get("timeframe"))
    if word is None:
        return
    try:
        wanted = timeframe_of(word)
    except DataError:
        offered = ", ".join(one.value for one in Timeframe)
        yield text.at(given["timeframe"], Severity.WARNING, "lint_no_such_timeframe", value=word[:20], offered=offered)
        return
    if own is not None and wanted.seconds % own.seconds:
        yield text.at(given["timeframe"], Severity.WARNING, "lint_smaller_candles", value=wanted.value, own=own.value)


def _own_timeframe(text: Checked) -> Timeframe | None:
    """What the text says of its own candles; None when it leaves that to whoever runs it."""
    found = None
    for kind in text.classes():
        for one in kind.body:
            value = _word(one.value) if isinstance(one, ast.Assign | ast.AnnAssign) else None
            targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
            if value is not None and any(dotted(target) == "timeframe" for target in targets):
                try:
                    found = timeframe_of(value)
                except DataError:
                    found = None
    return found


def _word(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
