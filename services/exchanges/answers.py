"""What an answer leaves open: which symbol it means, which one a refusal meant, and whether what was taken was done."""

from __future__ import annotations

from types import TracebackType

from aristobot.errors import DataError, OutcomeUnknown, UnknownSymbol


class UnlistedSymbol(DataError):
    """A symbol that the catalogue at hand does not list."""

    default_code = "unlisted_symbol"


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


class AnswersDoubt:
    """The exchange took a change of an order: an answer that nobody can read leaves doubt, and is no error of the data."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, DataError):
            raise OutcomeUnknown("unreadable_answer", exchange=self._exchange, detail=str(error)[:200]) from error
