"""Candles out of files of others, CSV or Parquet: which timeframe, whose, and whether they can be true.

A list of executions (time, price, quantity) becomes candles of one minute.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aristobot.candle_rows import COLUMNS, TIME, Rows, impossible, merged, no_rows
from aristobot.candle_tables import Progress, read_table
from aristobot.errors import DataError, InvalidInput
from aristobot.market import Timeframe, timeframe_of

_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDE", "EUR", "USD", "GBP", "TRY", "BRL", "BTC", "ETH", "BNB", "JPY", "DAI")


def read_file(
    path: Path, timeframe: Timeframe | None = None, progress: Progress = lambda _: None, most: int | None = None
) -> tuple[Rows, Timeframe]:
    """The candles of a file, in order, each time once, and their timeframe, which is found out when it is not given.

    `progress` is told a fraction of 1. Raises DataError with line, field and value for what cannot be, InvalidInput for a file
    that is neither, or that has more than `most` rows.
    """
    names, values, lines = read_table(path, progress, most)
    if len(values) == 0:
        raise DataError("import_empty", file=path.name)
    if names == ("time", "price", "quantity"):
        found = timeframe or Timeframe.M1
        return _candles_of_executions(values, found), found
    rows = no_rows(len(values))
    for column, name in enumerate(COLUMNS):
        rows[:, column] = values[:, names.index(name)]
    found = timeframe or _timeframe_of(rows, path)
    wrong = impossible(rows, found)
    if wrong is not None:
        at, column_name = wrong
        facts = {"line": int(lines[at]), "field": column_name, "value": f"{rows[at, COLUMNS.index(column_name)]:.12g}"}
        raise DataError("import_impossible", file=path.name, timeframe=found.value, **facts)
    return merged(no_rows(), rows), found


def named_in(path: Path) -> tuple[str, str, str]:
    """Exchange, symbol and timeframe as a file's name tells them (`binance_BTCUSDT_4h_…`); "" for what it does not tell."""
    parts = re.split(r"[_\s]+|(?<=\d[mhdw])\.", path.name.partition(".")[0])
    exchange = parts[0].lower() if len(parts) > 1 and parts[0].isalpha() and not _symbol(parts[0]) else ""
    timeframe = next((one for one in parts[1:] if re.fullmatch(r"\d+[mhdw]", one)), "")
    symbols = [found for one in parts if (found := _symbol(one.upper()))]
    halves = [f"{one}/{two}" for one, two in pairwise(parts) if one.isupper() and two in _QUOTES]
    return exchange, next(iter([*halves, *symbols]), ""), timeframe


def symbol_of(text: str) -> str:
    """`BTC/USDT` of `btcusdt`, `BTC-USDT` and `BTC/USDT`. Raises InvalidInput when the two cannot be told apart."""
    found = text.upper() if "/" in text else _symbol(text.upper())
    if not found:
        raise InvalidInput("which_pair", field="symbol", value=text[:40])
    return found


def _symbol(text: str) -> str:
    text = text.replace("-", "")
    quote = next((one for one in _QUOTES if text.endswith(one) and len(text) > len(one) + 1), "")
    return f"{text.removesuffix(quote)}/{quote}" if quote and text.isalnum() else ""


# ---------------------------------------------------------------------- what they mean


def _timeframe_of(rows: Rows, path: Path) -> Timeframe:
    """The distance between candles that is met most often."""
    named = named_in(path)[2]
    steps = Counter(np.diff(np.unique(rows[:, TIME])).astype(np.int64).tolist()).most_common(1)
    if not steps and named:
        return timeframe_of(named)
    found = next((one for one in Timeframe if steps and one.seconds * 1000 == steps[0][0]), None)
    if found is None:
        raise InvalidInput("import_which_timeframe", field="--timeframe", value=path.name)
    return found


def _candles_of_executions(values: Any, timeframe: Timeframe) -> Rows:
    """Candles of time, price and quantity; the first and the last are left out, since nobody knows whether they are whole."""
    values = values[np.argsort(values[:, 0], kind="stable")]
    step = timeframe.seconds * 1000
    bars = values[:, 0].astype(np.int64) // step
    starts = np.append(0, np.flatnonzero(np.diff(bars)) + 1)
    ends = np.append(starts[1:], len(values)) - 1
    prices, made = values[:, 1], no_rows(len(starts))
    made[:, 0], made[:, 1], made[:, 2] = bars[starts] * step, prices[starts], prices[ends]
    made[:, 3], made[:, 4] = np.maximum.reduceat(prices, starts), np.minimum.reduceat(prices, starts)
    made[:, 5] = np.add.reduceat(values[:, 2], starts)
    return np.asfortranarray(made[1:-1])
