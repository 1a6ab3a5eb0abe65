"""The candles of a run out of the store, and the minutes inside larger ones."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import numpy as np

from aristobot.candle_files import CandleFiles
from aristobot.candle_rows import Rows
from aristobot.candle_series import CandleSeries


async def read_candles(data_dir: Path, series: CandleSeries, span: tuple[datetime, datetime]) -> Rows:
    """The closed candles of a span from the store, made of smaller ones where it has those alone."""
    return await asyncio.to_thread(CandleFiles(data_dir).candles, series, *span)


def without_holes(minutes: Rows, candles: Rows, length: int) -> Rows:
    """The minutes inside candles of `length` milliseconds; a candle without any stands for its own."""
    ends = np.append(candles[:, 0], candles[-1, 0] + length)
    empty = np.diff(np.searchsorted(minutes[:, 0], ends)) == 0
    whole = np.concatenate([minutes, candles[empty]])
    return whole[np.argsort(whole[:, 0], kind="stable")]
