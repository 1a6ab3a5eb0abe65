"""`check`: a strategy looked over as the editor does it, for those who write in another one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from aristobot.diagnostics import Diagnostic
from aristobot.errors import InvalidInput
from aristobot.language import _, explain
from services.commands.options import AsJson, print_rows, settings_of
from services.strategy_review import review

CHECK_FAILED = 7


def add_to(cli: typer.Typer) -> None:
    """Hang the command on the parser."""
    cli.command("check")(check)


def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A strategy, a .py file")],
    as_json: AsJson = False,
) -> int:
    """Look a strategy over, and try it on 300 candles behind its walls"""
    settings_of(ctx)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("unreadable_file", field="FILE", value=str(file), detail=type(error).__name__) from None
    found = asyncio.run(review(text))
    if as_json:
        print_rows([_row(one) for one in found.diagnostics], as_json=True)
    for one in () if as_json else found.diagnostics:
        print(f"{file}:{one.line}:{one.column + 1}: {one.severity.value}: {explain(one.code, one.facts)}")
    if not found.diagnostics and not as_json:
        print(_("{file}: all is well.", file=file), file=sys.stderr)
    return 0 if found.sound else CHECK_FAILED


def _row(one: Diagnostic) -> dict[str, object]:
    place = {"line": one.line, "column": one.column, "end_line": one.end_line, "end_column": one.end_column}
    return {**place, "severity": one.severity.value, "code": one.code, "message": explain(one.code, one.facts)}
