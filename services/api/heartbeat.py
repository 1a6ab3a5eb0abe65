"""`/api/heartbeat/`: is the market heard, since when was it not, and which candles closed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from aristobot.market import Timeframe
from aristobot.store import candles, heartbeats
from aristobot.store.tables import CandleRow
from services.api.auth import House, Reader
from services.api.paging import Listed, Page
from services.api.values import Moment, Money, Out

router = APIRouter(prefix="/api/heartbeat", tags=["heartbeat"])

#: What stands for the id of a candle in a cursor: its open time says everything.
_NO_ID = uuid.UUID(int=0)


class PulseOut(Out):
    """One timeframe: the seconds since its last candle closed, and how late that one came. Null before the first."""

    timeframe: Timeframe
    age_seconds: float | None
    lag_seconds: float | None


class StatusOut(Out):
    """How the heartbeat of an exchange is. `age_seconds` counts from the close of the last candle."""

    exchange: str
    symbol: str
    connected: bool
    last_start: Moment | None
    last_stop: Moment | None
    last_candle_at: Moment | None
    last_word_at: Moment | None
    age_seconds: int | None
    timeframes: list[PulseOut]


class BeatOut(Out):
    """One start or stop."""

    id: uuid.UUID
    exchange: str
    kind: str
    reason: str
    at: Moment


class SignalOut(Out):
    """One closed candle, and when we had it: `live` off the stream, else asked for afterwards."""

    exchange: str
    symbol: str
    timeframe: Timeframe
    open_time: Moment
    close_time: Moment
    open: Money
    high: Money
    low: Money
    close: Money
    volume: Money
    received_at: Moment
    live: bool


@router.get("/status/")
async def status(house: House, who: Reader) -> StatusOut:
    """How the heartbeat is now."""
    heart = house.heartbeat
    pulse = heart.status()
    row = await house.db.read(who.user_id, lambda s: heartbeats.status(s, heart.exchange))
    last = row.last_candle_at if row else None
    return StatusOut(
        exchange=heart.exchange,
        symbol=heart.symbol,
        connected=bool(row and row.connected),
        last_start=row.last_start if row else None,
        last_stop=row.last_stop if row else None,
        last_candle_at=last,
        last_word_at=pulse.last_word_at,
        age_seconds=int((house.clock.now() - last).total_seconds()) if last else None,
        timeframes=[
            PulseOut(timeframe=one, age_seconds=pulse.ages.get(one), lag_seconds=pulse.lags.get(one)) for one in heart.timeframes
        ],
    )


@router.get("/heartbeat-history/")
async def history(house: House, who: Reader, wanted: Listed) -> Page[BeatOut]:
    """Starts and stops, the newest first."""
    exchange = house.heartbeat.exchange
    rows = await house.db.read(who.user_id, lambda s: heartbeats.history(s, exchange, wanted.wanted, wanted.before))
    return Page[BeatOut].model_validate(wanted.page(rows, lambda row: (row.at, row.id)))


@router.get("/signals/")
async def signals(
    house: House,
    who: Reader,
    wanted: Listed,
    timeframe: Annotated[Timeframe, Query()] = Timeframe.M1,
    exchange: Annotated[str, Query(max_length=32)] = "",
    symbol: Annotated[str, Query(max_length=48)] = "",
) -> Page[SignalOut]:
    """The closed candles of a timeframe, the newest first: of what the heartbeat follows, or of any we have kept."""
    series = (exchange.lower() or house.heartbeat.exchange, symbol.upper() or house.heartbeat.symbol, timeframe)
    before = wanted.before[0] if wanted.before else None
    rows = await house.db.read(who.user_id, lambda s: candles.kept(s, series, wanted.wanted, before))
    return Page[SignalOut].model_validate(wanted.page(rows, _place))


def _place(row: Any) -> tuple[datetime, uuid.UUID]:
    candle: CandleRow = row
    return candle.open_time, _NO_ID
