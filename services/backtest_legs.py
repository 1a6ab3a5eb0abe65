"""The strategies of a run beside its first one: as they are wished, as the row keeps them, and what of them cannot be."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from aristobot.errors import InvalidInput
from aristobot.market import timeframe_of
from aristobot.store.backtest_tables import Backtest
from services.wish_checks import check_text

#: Strategies that may share one balance, the first one among them.
MOST_LEGS = 8


@dataclass(frozen=True, slots=True)
class LegWish:
    """One strategy more on a pair of its own, over the same balance. `text` is pinned.

    `allotted` is what it may spend of the balance in quote, besides what it gained itself; None: all that is free.
    """

    strategy: str
    text: str
    symbol: str
    timeframe: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    allotted: Decimal | None = None
    version_id: uuid.UUID | None = None
    template: str = ""


class Legged(Protocol):
    """What the first leg and those beside it have in common."""

    @property
    def symbol(self) -> str:
        """The pair."""

    @property
    def allotted(self) -> Decimal | None:
        """What it may spend."""


def check_count(legs: Sequence[object]) -> None:
    """Raise InvalidInput for none, and for more than share a balance."""
    if not 0 < len(legs) <= MOST_LEGS:
        raise InvalidInput("too_many_legs", field="legs", most=MOST_LEGS)


def check_legs(first: Legged, further: Sequence[LegWish], cash: Decimal) -> None:
    """One balance has one quote, as many legs as a report can show, and allots out of itself. Raises InvalidInput."""
    check_count((first, *further))
    quote = _quote(first.symbol)
    legs: Iterable[Legged] = (first, *further)
    for at, one in enumerate(legs):
        place = f"legs.{at}." if further else ""
        if _quote(one.symbol) != quote:
            raise InvalidInput("legs_of_different_quotes", field=f"{place}symbol", quote=quote, other=_quote(one.symbol))
        if one.allotted is not None and not 0 < one.allotted <= cash:
            raise InvalidInput("leg_allotted_out_of_range", field=f"{place}allotted", most=cash)
    for leg in further:
        check_text(leg.text)


def kept(leg: LegWish) -> dict[str, Any]:
    """A leg as the row of its run keeps it."""
    return {
        "strategy": leg.strategy[:64],
        "strategy_version_id": None if leg.version_id is None else str(leg.version_id),
        "template": leg.template,
        "symbol": leg.symbol,
        "timeframe": timeframe_of(leg.timeframe).value,
        "parameters": dict(leg.parameters),
        "allotted": None if leg.allotted is None else str(leg.allotted),
        "code": leg.text,
    }


def legs_of(row: Backtest) -> list[dict[str, Any]]:
    """Every leg of a run, the first one in the same form."""
    first = {
        "strategy": row.strategy,
        "strategy_version_id": None if row.strategy_version_id is None else str(row.strategy_version_id),
        "template": row.template,
        "symbol": row.symbol,
        "timeframe": row.timeframe,
        "parameters": row.parameters or {},
        "allotted": None if row.allotted is None else str(row.allotted),
        "code": row.code,
    }
    return [first, *(row.further or [])]


def _quote(symbol: str) -> str:
    return symbol.partition("/")[2]
