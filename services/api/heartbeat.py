"""`/api/heartbeat/`: is the market heard, since when was it not, and which candles closed."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from aristobot.market import Timeframe
from aristobot.store import candles, heartbeats
from services.api.auth import House, Reader
from services.api.paging import Page
from services.api.values import Moment, Money, Out

router = APIRouter(prefix="/api/heartbeat", tags=["heartbeat"])

Limit = Annotated[int, Query(ge=1, le=500)]


class StatusOut(Out):
    """How the heartbeat of an exchange is. `age_seconds` counts from the close of the last candle."""

    exchange: str
    symbol: str
    connected: bool
    last_start: Moment | None
    last_stop: Moment | None
    last_candle_at: Moment | None
    age_seconds: int | None


class BeatOut(Out):
    """One start or stop."""

    id: uuid.UUID
    exchange: str
    kind: str
    reason: str
    at: Moment


class SignalOut(Out):
    """One closed candle."""

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


@router.get("/status/")
async def status(house: House, who: Reader) -> StatusOut:
    """How the heartbeat is now."""
    pulse = house.heartbeat
    row = await house.db.read(who.user_id, lambda s: heartbeats.status(s, pulse.exchange))
    last = row.last_candle_at if row else None
    return StatusOut(
        exchange=pulse.exchange,
        symbol=pulse.symbol,
        connected=bool(row and row.connected),
        last_start=row.last_start if row else None,
        last_stop=row.last_stop if row else None,
        last_candle_at=last,
        age_seconds=int((house.clock.now() - last).total_seconds()) if last else None,
    )


@router.get("/heartbeat-history/")
async def history(house: House, who: Reader, limit: Limit = 100) -> Page[BeatOut]:
    """Starts and stops, the newest first."""
    rows = await house.db.read(who.user_id, lambda s: heartbeats.history(s, house.heartbeat.exchange, limit))
    return Page[BeatOut](items=[BeatOut.model_validate(row) for row in rows])


@router.get("/signals/")
async def signals(
    house: House, who: Reader, timeframe: Annotated[Timeframe, Query()] = Timeframe.M1, limit: Limit = 100
) -> Page[SignalOut]:
    """The last closed candles of a timeframe, the newest first."""
    pulse = house.heartbeat
    found = await house.db.read(who.user_id, lambda s: candles.window(s, pulse.exchange, pulse.symbol, timeframe, limit))
    items = [
        SignalOut(
            exchange=pulse.exchange,
            symbol=candle.symbol,
            timeframe=candle.timeframe,
            open_time=candle.open_time,
            close_time=candle.close_time,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
        )
        for candle in reversed(found)
    ]
    return Page[SignalOut](items=items)
