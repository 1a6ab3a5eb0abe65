"""What runs and searches are asked alike, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from aristobot.errors import InvalidInput

_LONGEST_TEXT = 256 * 1024
_MOST_CASH = 10**12
_DEAREST = {"maker": "0.1", "taker": "0.1", "slippage_bps": "1000", "slippage_range": "1", "latency": "3600"}


def check_text(text: str) -> None:
    """Raise InvalidInput for a strategy longer than anybody writes."""
    if len(text) > _LONGEST_TEXT:
        raise InvalidInput("strategy_too_long", field="strategy", most=_LONGEST_TEXT // 1024)


def check_span(since: datetime, until: datetime, asked_until: datetime) -> None:
    """Raise InvalidInput when nothing lies between; `asked_until` is the end that the user named."""
    if since >= until:
        raise InvalidInput("nothing_between", field="since", since=since.date(), until=asked_until.date())


def check_cash(cash: Decimal) -> None:
    """Raise InvalidInput for a start balance that cannot be."""
    if not 0 < cash <= _MOST_CASH:
        raise InvalidInput("cash_out_of_range", field="cash")


def checked_costs(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The costs as they are kept, or InvalidInput at the one that cannot be."""
    for name, value in given.items():
        if name == "fee_asset" and value in (None, "quote", "base"):
            continue
        if name not in _DEAREST or (value is not None and not 0 <= Decimal(str(value)) <= Decimal(_DEAREST[name])):
            raise InvalidInput("cost_out_of_range", field=name, most=_DEAREST.get(name, ""))
    return given
