"""Closed candles, once each, with the moment at which we had them. Written by SYSTEM, read by everybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from aristobot.errors import DataError
from aristobot.market import FIGURES, Candle, Symbol, Timeframe
from aristobot.store.tables import CandleRow
from aristobot.store.tenancy import GuardedSession, insert_many_once

_KEY = ("exchange", "symbol", "timeframe", "open_time")


def add(session: GuardedSession, exchange: str, candle: Candle, received_at: datetime, live: bool) -> bool:
    """Keep a closed candle; False when it is there already (the first one stays). DataError for one that still moves."""
    return add_many(session, exchange, [candle], received_at, live) == 1


def add_many(session: GuardedSession, exchange: str, several: Iterable[Candle], received_at: datetime, live: bool) -> int:
    """Keep closed candles; how many were new."""
    return insert_many_once(session, CandleRow, [_columns_of(exchange, one, received_at, live) for one in several], _KEY)


def window(
    session: GuardedSession, exchange: str, symbol: Symbol, timeframe: Timeframe, limit: int, before: datetime | None = None
) -> list[Candle]:
    """The last `limit` candles that opened before `before` (default: of all), the oldest first."""
    wanted = select(CandleRow).where(CandleRow.exchange == exchange, CandleRow.symbol == symbol, CandleRow.timeframe == timeframe)
    if before is not None:
        wanted = wanted.where(CandleRow.open_time < before)
    newest_first = session.exec(wanted.order_by(col(CandleRow.open_time).desc()).limit(limit)).all()
    return [_value(row) for row in reversed(newest_first)]


def last_open_time(session: GuardedSession, exchange: str, symbol: Symbol, timeframe: Timeframe) -> datetime | None:
    """When the newest candle opened; None without any."""
    wanted = select(CandleRow.open_time).where(
        CandleRow.exchange == exchange, CandleRow.symbol == symbol, CandleRow.timeframe == timeframe
    )
    return session.exec(wanted.order_by(col(CandleRow.open_time).desc()).limit(1)).first()


def _columns_of(exchange: str, candle: Candle, received_at: datetime, live: bool) -> dict[str, Any]:
    if not candle.closed:
        raise DataError("candle_not_closed", symbol=candle.symbol, timeframe=candle.timeframe.value)
    prices = dict(zip(FIGURES, candle.figures, strict=True))
    key = {"exchange": exchange, "symbol": candle.symbol, "timeframe": candle.timeframe, "open_time": candle.open_time}
    return {**key, **prices, "close_time": candle.close_time, "received_at": received_at, "live": live}


def _value(row: CandleRow) -> Candle:
    return Candle.of(row.symbol, row.timeframe, row.open_time, [getattr(row, name) for name in FIGURES], closed=True)
