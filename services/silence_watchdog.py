"""Notices alerts that stay away: PINGs out of their rhythm, and alerts that come after every candle but not after this one.

Each silence makes one row with status MISS and one warning, also across restarts. While the house was away nothing counts.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import EPOCH, Clock, to_milliseconds
from aristobot.errors import InvalidInput
from aristobot.events import SignalReceived, SilenceWatchChanged, WebhookUpdated
from aristobot.kinds import BrokerMode, RhythmMode, WebhookStatus
from aristobot.logs import log_context
from aristobot.signals import Action, parse
from aristobot.store import silence
from aristobot.store.database import Database
from aristobot.store.notice_tables import SilenceWatch
from aristobot.store.tenancy import SYSTEM
from services.broker_book import Account, BrokerBook
from services.rights import for_traders
from services.silence_rules import (
    BarSeries,
    Line,
    Pulse,
    awaited_from,
    expected_of,
    ping_due,
    rhythm_of,
    seconds_of,
    whole_minutes,
)

LOOK_EVERY = 5.0
#: A daily PING still shows its rhythm in this.
LEARN_FROM = timedelta(days=9)
LONGEST_RHYTHM = timedelta(days=7)


@for_traders("settings")
class SilenceWatchdog:
    """Follows the alerts of brokers that listen to them, and looks every five seconds who is late."""

    name = "silence_watchdog"

    def __init__(self, db: Database, bus: Bus, clock: Clock, brokers: BrokerBook) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._brokers = brokers
        self._lines: dict[uuid.UUID, Line] = {}
        self._watches: dict[uuid.UUID, SilenceWatch] = {}
        self._began = clock.now()
        self._inbox = bus.subscribe(SignalReceived, SilenceWatchChanged)

    async def run(self) -> None:
        """Learn from what came before, then follow and look."""
        await self.load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._look_for_ever())

    async def load(self) -> None:
        """Read what was set and what came in the last days."""
        self._began = self._clock.now()
        self._lines.clear()
        for one in await self._db.read(SYSTEM, lambda s: silence.history(s, self._began - LEARN_FROM)):
            seconds = seconds_of(one.interval)
            self._note(one.broker_id, one.action, one.symbol, seconds, one.bar_time, one.received_at)
        await self._read_watches()
        for line in self._lines.values():
            for series in line.series.values():
                series.skip_to(self._began)

    def pulse(self, broker_id: uuid.UUID) -> Pulse:
        """What is known of a broker's PINGs now."""
        line = self._lines.get(broker_id) or Line()
        rhythm = self._rhythm(broker_id, line)
        last = line.pings[-1] if line.pings else None
        due = ping_due(rhythm, max(last or self._began, self._began)) if rhythm else None
        return Pulse(rhythm, last, due)

    def series(self, broker_id: uuid.UUID) -> Mapping[tuple[str, int], BarSeries]:
        """The alerts of a broker that come after candles, by symbol and interval in seconds."""
        return self._lines[broker_id].series if broker_id in self._lines else {}

    async def settings(self, user_id: uuid.UUID) -> dict[uuid.UUID, SilenceWatch]:
        """What the user set, by broker; a broker that is not there is learned from."""
        return {row.broker_id: row for row in await self._db.read(user_id, silence.watches)}

    async def save(
        self, user_id: uuid.UUID, broker_id: uuid.UUID, *, pings: RhythmMode, ping_seconds: int, learn_bars: bool, expected: str
    ) -> SilenceWatch:
        """Set what is expected of a broker's alerts. `expected` is as people write it: `BTCUSDT 60, ETHUSDT 4h`.

        InvalidInput names the field; NotFound when the broker is not the user's.
        """
        if pings is RhythmMode.FIXED and not 20 <= ping_seconds <= LONGEST_RHYTHM.total_seconds():
            raise InvalidInput("rhythm_out_of_range", field="ping_seconds")
        wanted = expected_of(expected)
        row = await self._db.write(
            user_id,
            lambda s: silence.save(s, broker_id, pings=pings, ping_seconds=ping_seconds, learn_bars=learn_bars, expected=wanted),
        )
        self._bus.publish(SilenceWatchChanged(at=self._clock.now(), user_id=user_id, broker_id=broker_id))
        return row

    async def look(self) -> None:
        """Look once who is late."""
        for account in self._brokers.all():
            if account.broker.mode is BrokerMode.WEBHOOKS:
                await self._look_at(account, self._lines.setdefault(account.id, Line()))

    async def _follow(self) -> None:
        async for event in self._inbox:
            if not isinstance(event, SignalReceived):
                await self._read_watches()
                continue
            for signal in parse(event.payload).commands if event.payload else ():
                what = (signal.symbol_text, signal.interval_seconds, signal.bar_time, event.at)
                self._note(event.broker_id, signal.action.value, *what)

    async def _look_for_ever(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY)
            await self.look()

    async def _read_watches(self) -> None:
        self._watches = {row.broker_id: row for row in await self._db.read(SYSTEM, silence.watches)}
        for broker_id, watch in self._watches.items():
            line = self._lines.setdefault(broker_id, Line())
            wanted = {(str(symbol), int(seconds)) for symbol, seconds in watch.expected or []}
            for key, series in line.series.items():
                series.expected = key in wanted
            for key in wanted - line.series.keys():
                line.series[key] = awaited_from(self._clock.now(), timedelta(0, key[1]), EPOCH)

    def _note(
        self, broker_id: uuid.UUID, action: str, symbol: str, seconds: int, bar_time: datetime | None, at: datetime
    ) -> None:
        line = self._lines.setdefault(broker_id, Line())
        if action == Action.PING:
            line.pings.append(at)
            line.silent_since = None
        if action == Action.MISS or not symbol or not seconds or bar_time is None:
            return
        series = line.series.get((symbol, seconds))
        if series is None:
            interval = timedelta(0, seconds)
            line.series[symbol, seconds] = BarSeries(interval, bar_time, max(at - bar_time, timedelta(0)))
        else:
            series.came(bar_time, at)

    def _rhythm(self, broker_id: uuid.UUID, line: Line) -> timedelta | None:
        watch = self._watches.get(broker_id)
        if watch is None or watch.pings is RhythmMode.LEARN:
            return rhythm_of(tuple(line.pings))
        return timedelta(0, watch.ping_seconds) if watch.pings is RhythmMode.FIXED else None

    async def _look_at(self, account: Account, line: Line) -> None:
        now = self._clock.now()
        pulse = self.pulse(account.id)
        if pulse.due is not None and pulse.rhythm is not None and now >= pulse.due and line.silent_since is None:
            line.silent_since = now
            since = max(pulse.last or self._began, self._began)
            facts = {"minutes": whole_minutes(now - since), "rhythm": whole_minutes(pulse.rhythm)}
            await self._miss(account, "reason.ping_missing", facts, f"silence:ping:{to_milliseconds(since)}")
        watch = self._watches.get(account.id)
        for (symbol, seconds), series in list(line.series.items()):  # others may begin while one is written down
            due = series.due(learned=watch is None or watch.learn_bars)
            if due is not None and now >= due:
                bar = series.last_bar + series.interval
                series.missed()
                facts = {"symbol": symbol, "bar": f"{bar:%H:%M}", "minutes": str(seconds // 60)}
                key = f"silence:bar:{symbol}:{seconds}:{to_milliseconds(bar)}"
                await self._miss(account, "reason.bar_alert_missing", facts, key, symbol=symbol, bar_time=bar)

    async def _miss(self, account: Account, reason: str, facts: dict[str, str], key: str, **row: Any) -> None:
        """Write the row of what did not come, and tell; a silence that was told before is not told again."""
        now, webhook_id = self._clock.now(), uuid.uuid4()
        values = {
            "id": webhook_id,
            "user_id": account.user_id,
            "broker_id": account.id,
            "dedupe_key": key[:128],
            "received_at": now,
            "finished_at": now,
            "payload": b"",
            "source": self.name,
            "status": WebhookStatus.MISS,
            "action": Action.MISS.value,
            "reason": reason,
            "reason_facts": facts,
            "trace_id": webhook_id.hex,
            "symbol_in_payload": str(row.get("symbol", ""))[:64],
            "bar_time": row.get("bar_time"),
        }
        if await self._db.write(account.user_id, lambda s: silence.add_miss(s, values)) is None:
            return
        with log_context(trace_id=webhook_id.hex, user_id=account.user_id):
            logger.warning("An alert for broker {} stayed away: {} {}", account.id, reason, facts)
        about = {"user_id": account.user_id, "broker_id": account.id, "webhook_id": webhook_id}
        missed = WebhookStatus.MISS.value
        self._bus.publish(WebhookUpdated(at=now, trace_id=webhook_id.hex, status=missed, outcome=None, **about))
