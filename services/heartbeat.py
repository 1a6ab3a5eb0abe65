"""The pulse: the candles of one symbol, followed for ever, and the record of when their stream spoke.

The heart is watched by the age of what it says, not by the state of a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import HeartbeatChanged
from aristobot.market import Candle, Symbol, Timeframe
from aristobot.store import heartbeats
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.candle_follower import CandleFollower, Market
from services.candle_history import TIMEFRAMES
from services.exchange_gateway import ExchangeGateway


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the heart is. `ages` are the seconds since each timeframe's last delivered candle closed, None before the first.

    `lags` are the seconds between the close of each timeframe's last candle and the moment at which the stream told it.
    """

    exchange: str
    symbol: Symbol
    connected: bool
    since: datetime | None
    last_word_at: datetime | None
    ages: dict[Timeframe, float | None] = field(default_factory=dict)
    lags: dict[Timeframe, float] = field(default_factory=dict)


class Heartbeat(CandleFollower):
    """Follows one symbol of one exchange in several timeframes."""

    name = "heartbeat"

    def __init__(
        self,
        db: Database,
        bus: Bus,
        clock: Clock,
        gateway: ExchangeGateway,
        symbol: Symbol = "BTC/USDT",
        exchange: str = "binance",
        timeframes: Sequence[Timeframe] = TIMEFRAMES,
    ) -> None:
        super().__init__(db, bus, clock, gateway, Market(exchange, symbol), timeframes)
        self._since: datetime | None = None

    def status(self) -> Pulse:
        """How the heart is at this moment, from memory."""
        now = self._clock.now()
        ages = {one: self._age(one, now) for one in self.timeframes}
        return Pulse(self.exchange, self.symbol, self._connected, self._since, self._heard_at, ages, dict(self._lags))

    def _age(self, timeframe: Timeframe, now: datetime) -> float | None:
        last = self._delivered.get(timeframe)
        return None if last is None else (now - last - timeframe.duration).total_seconds()

    def _also_keep(self, session: GuardedSession, last: Candle) -> None:
        heartbeats.candle_closed(session, self.exchange, last.close_time)

    async def _prepare(self) -> None:
        if not self._connected:
            await self._db.write(SYSTEM, lambda s: heartbeats.abandoned(s, self.exchange))

    async def _note_start(self) -> None:
        now = self._clock.now()
        self._connected, self._since = True, now
        await self._db.write(SYSTEM, lambda s: heartbeats.started(s, self.exchange, now, "connected"))
        self._bus.publish(HeartbeatChanged(at=now, exchange=self.exchange, connected=True, reason="connected"))

    async def _note_stop(self, reason: str) -> None:
        if self._connected:
            now = self._clock.now()
            self._connected, self._since = False, now
            await self._db.write(SYSTEM, lambda s: heartbeats.stopped(s, self.exchange, now, reason))
            self._bus.publish(HeartbeatChanged(at=now, exchange=self.exchange, connected=False, reason=reason))
