"""Closed candles, once each, with the moment at which we had them. Written by SYSTEM, read by everybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.clock import to_milliseconds
from aristobot.errors import DataError
from aristobot.market import FIGURES, Candle, Symbol, Timeframe
from aristobot.store.questions import Question
from aristobot.store.tables import CandleRow
from aristobot.store.tenancy import GuardedSession, insert_many_once

#: Exchange, symbol, timeframe.
Series = tuple[str, Symbol, Timeframe]
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
    return [_value(row) for row in reversed(kept(session, (exchange, symbol, timeframe), limit, before))]


def kept(session: GuardedSession, series: Series, limit: int, before: datetime | None = None) -> list[CandleRow]:
    """The last `limit` candles that opened before `before`, the newest first, with the moments at which we had them."""
    wanted = _of(select(CandleRow), series)
    if before is not None:
        wanted = wanted.where(CandleRow.open_time < before)
    return list(session.exec(wanted.order_by(col(CandleRow.open_time).desc()).limit(limit)))


def lags(session: GuardedSession, series: Series, since: datetime) -> dict[int, float]:
    """Of the candles that opened since then and came off the stream: seconds from close to reception, by open time in ms."""
    moments = _of(select(CandleRow.open_time, CandleRow.close_time, CandleRow.received_at), series)
    live = moments.where(col(CandleRow.live).is_(True), CandleRow.open_time >= since)
    return {to_milliseconds(opened): (received - closed).total_seconds() for opened, closed, received in session.exec(live)}


def known(session: GuardedSession) -> list[tuple[str, Symbol]]:
    """Exchange and symbol of everything there are candles of, in order. A step through the index for each, however many rows."""
    place, found = sa.tuple_(col(CandleRow.exchange), col(CandleRow.symbol)), [("", "")]
    while True:
        after = select(CandleRow.exchange, CandleRow.symbol).where(place > sa.tuple_(*map(sa.literal, found[-1])))
        row = session.exec(after.order_by(col(CandleRow.exchange), col(CandleRow.symbol)).limit(1)).first()
        if row is None:
            return found[1:]
        found.append((row[0], row[1]))


def last_open_time(session: GuardedSession, exchange: str, symbol: Symbol, timeframe: Timeframe) -> datetime | None:
    """When the newest candle opened; None without any."""
    return _NEWEST.first(session, exchange=exchange, symbol=symbol, timeframe=timeframe)


_NEWEST = Question[datetime](
    select(CandleRow.open_time)
    .where(CandleRow.exchange == sa.bindparam("exchange"), CandleRow.symbol == sa.bindparam("symbol"))
    .where(CandleRow.timeframe == sa.bindparam("timeframe"))
    .order_by(col(CandleRow.open_time).desc())
    .limit(1)
)


def _of(wanted: Any, series: Series) -> Any:
    exchange, symbol, timeframe = series
    return wanted.where(CandleRow.exchange == exchange, CandleRow.symbol == symbol, CandleRow.timeframe == timeframe)


def _columns_of(exchange: str, candle: Candle, received_at: datetime, live: bool) -> dict[str, Any]:
    if not candle.closed:
        raise DataError("candle_not_closed", symbol=candle.symbol, timeframe=candle.timeframe.value)
    prices = dict(zip(FIGURES, candle.figures, strict=True))
    key = {"exchange": exchange, "symbol": candle.symbol, "timeframe": candle.timeframe, "open_time": candle.open_time}
    return {**key, **prices, "close_time": candle.close_time, "received_at": received_at, "live": live}


def _value(row: CandleRow) -> Candle:
    return Candle.of(row.symbol, row.timeframe, row.open_time, [getattr(row, name) for name in FIGURES], closed=True)
