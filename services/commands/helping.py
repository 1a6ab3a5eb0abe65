"""What the parser itself says in its help, in the language of the reader: headings, and the words in brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

from aristobot.language import _

_EXTRAS = re.compile(r"(  \[)((?:default: .*?)?(?:; )?(?:required)?)\]$", re.DOTALL)


class HelpContext(typer.Context):
    """The parser's context, which writes help through `_Spoken`."""

    def make_formatter(self) -> Any:
        """Where the help is written."""
        return _Spoken(super().make_formatter())


class _Spoken:
    """The parser's formatter with our words for its own."""

    def __init__(self, formatter: Any) -> None:
        self._formatter = formatter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._formatter, name)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        self._formatter.write_usage(prog, args.replace("COMMAND [ARGS]...", _("COMMAND [ARGS]...")), prefix or _("Usage:") + " ")

    def section(self, name: str) -> Any:
        """A heading; the formatter puts a colon behind it."""
        headings = {"Options": _("Options"), "Arguments": _("Arguments"), "Commands": _("Commands")}
        return self._formatter.section(headings.get(name, name))

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        """Two columns: what is typed, and what it means."""
        self._formatter.write_dl([(first, _EXTRAS.sub(_in_brackets, second)) for first, second in rows], *args, **kwargs)


def _in_brackets(found: re.Match[str]) -> str:
    said = found[2].replace("default: ", _("default: "), 1)
    return f"{found[1]}{said[:-8] + _('required') if said.endswith('required') else said}]"
