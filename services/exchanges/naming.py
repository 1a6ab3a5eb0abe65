"""What a refusal leaves out: which symbol was meant."""

from __future__ import annotations

from types import TracebackType

from aristobot.errors import UnknownSymbol


class NamingSymbol:
    """A refused symbol is named: an exchange's own answer does not, or in its text only."""

    __slots__ = ("_symbol",)

    def __init__(self, symbol: object) -> None:
        self._symbol = symbol

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, UnknownSymbol):
            error.facts.setdefault("symbol", self._symbol)
