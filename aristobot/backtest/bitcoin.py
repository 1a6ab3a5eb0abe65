"""Who holds bitcoin instead: never a guessed figure, so every candle that it takes must be there."""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np

from aristobot.backtest.history import History
from aristobot.indicators.columns import Floats


class Beside(StrEnum):
    """How a run and bitcoin stand to each other."""

    HELD = "held"
    TRADED = "traded"
    QUOTE = "quote"
    MISSING = "missing"


class Gap(msgspec.Struct, frozen=True):
    """What speaks of the candles of bitcoin: of `wanted` prices `missing` are not there.

    beside      held: the comparison stands; traded: it is all that was traded; quote: it is the money itself; missing: some
                candles are, and there is no comparison
    """

    beside: Beside
    symbol: str
    wanted: int = 0
    missing: int = 0


def held(candles: History, times: Floats, first: float, cash: float, fee: float) -> tuple[Floats | None, Gap]:
    """The worth at `times` (closes, UTC ms) of `cash` that buys at the open of the candle `first` (UTC ms), the fee paid.

    Before that it is the cash. None when the candle that opens at `first` is not there, or one that closes at a time after it.
    """
    opens, closes = candles.candles[:, 0], candles.candles[:, 0] + candles.candle_ms
    after = times[times > first]
    begin = int(np.searchsorted(opens, first))
    places = np.searchsorted(closes, after)
    there = np.zeros(len(after), dtype=bool)
    known = places < len(closes)
    there[known] = closes[places[known]] == after[known]
    bought = begin < len(opens) and bool(opens[begin] == first)
    wanted, missing = len(after) + 1, len(after) - int(np.count_nonzero(there)) + (not bought)
    worth = np.full(len(times), cash)
    if not len(after):
        return worth, Gap(Beside.HELD, candles.symbol)
    if missing:
        return None, Gap(Beside.MISSING, candles.symbol, wanted, missing)
    worth[len(times) - len(after) :] = cash / (candles.candles[begin, 1] * (1 + fee)) * candles.candles[places, 2]
    return worth, Gap(Beside.HELD, candles.symbol, wanted)
