"""Alerts that stay away are noticed: PINGs out of their rhythm, alerts missing after their candle; each silence is told once."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import ManualClock, iso_milliseconds
from aristobot.errors import InvalidInput, NotFound
from aristobot.events import SignalReceived, WebhookUpdated
from aristobot.kinds import BrokerMode, RhythmMode, WebhookStatus
from aristobot.language import explain
from aristobot.notices import NoticeKind
from aristobot.store import webhooks
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.trading_tables import Webhook
from services.silence_rules import ping_due, rhythm_of
from services.silence_watchdog import SilenceWatchdog
from tests.builders import MIDNIGHT, a_webhook
from tests.services.outside import Belfry, somebody

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Line:
    """One broker's alerts, its watchdog, and what came of both."""

    def __init__(self, belfry: Belfry, broker: Broker) -> None:
        self.belfry, self.broker = belfry, broker
        self.heard: list[WebhookUpdated] = []
        self.watchdog = SilenceWatchdog(belfry.db, belfry.bus, belfry.clock, belfry.brokers)
        belfry.bus.listen(WebhookUpdated, do=self.heard.append)

    async def send(self, **alert: Any) -> None:
        """An alert comes and is stored, as the ingress does."""
        body = json.dumps(alert).encode()
        now = self.belfry.clock.now()
        row = a_webhook(
            self.broker, payload=body, received_at=now, action=alert["Action"], interval=alert.get("Interval", ""),
            symbol_in_payload=alert.get("Symbol", ""), bar_time=alert.get("bar"), status=WebhookStatus.PROCESSED,
        )  # fmt: skip
        await self.belfry.db.write(self.broker.user_id, lambda s: s.add(row))
        event = SignalReceived(at=now, user_id=self.broker.user_id, webhook_id=row.id, broker_id=self.broker.id, payload=body)
        self.belfry.bus.publish(event)

    async def pings(self, count: int, every: timedelta) -> None:
        """PINGs in a rhythm; the last one now."""
        for number in range(count):
            if number:
                await self.belfry.clock.advance(every.total_seconds(), settle=1)
            await self.send(Action="PING")

    async def bars(self, count: int, interval: str = "5", symbol: str = "BTCUSDT") -> None:
        """An alert at the close of each of so many candles of five minutes, from now on."""
        for _number in range(count):
            opened = self.belfry.clock.now()
            await self.belfry.clock.advance(300, settle=1)
            words = {"Symbol": symbol, "Interval": interval, "Action": "BuyMarket", "BarTime": iso_milliseconds(opened)}
            await self.send(**words)

    async def silent_for(self, duration: timedelta, *, times: int = 1) -> list[Webhook]:
        """What was missed after so long a silence, looked at several times on the way."""
        for _part in range(times):
            await self.belfry.clock.advance(duration.total_seconds() / times)
            await self.watchdog.look()
        return await self.missed()

    async def missed(self) -> list[Webhook]:
        """The rows of alerts that stayed away, newest first."""
        rows = await self.belfry.db.read(self.broker.user_id, webhooks.recent)
        return [row for row in rows if row.status is WebhookStatus.MISS]

    async def expect(self, user_id: uuid.UUID | None = None, **differences: Any) -> None:
        """The user says what must come."""
        wish = {"pings": RhythmMode.LEARN, "ping_seconds": 0, "learn_bars": True, "expected": "", **differences}
        await self.watchdog.save(user_id or self.broker.user_id, self.broker.id, **wish)
        await self.watchdog._read_watches()

    async def restart(self) -> None:
        """The house stops and starts again."""
        self.watchdog = SilenceWatchdog(self.belfry.db, self.belfry.bus, self.belfry.clock, self.belfry.brokers)
        await self.watchdog.load()


@pytest.fixture
async def line(lite: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Line]:
    """A broker that listens to alerts, watched."""
    belfry = Belfry(lite, tmp_path, clock)
    broker = await belfry.broker(await belfry.user(), mode=BrokerMode.WEBHOOKS, name="Principal")
    opened = Line(belfry, broker)
    await opened.watchdog.load()
    belfry.run(_Following(opened))
    yield opened
    await belfry.stop()


class _Following:
    """The part of the watchdog that hears; the test looks by itself."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def run(self) -> None:
        """Hear what the watchdog of the moment hears."""
        await self._line.watchdog._follow()


async def test_two_missing_pings_make_one_row_and_one_warning(line: Line) -> None:
    line.belfry.run(line.belfry.notifier)
    await line.pings(5, HOUR)
    assert await line.silent_for(1.9 * HOUR) == []
    [row] = await line.silent_for(0.2 * HOUR)
    words = explain(row.reason, row.reason_facts or {}, "fr").replace("\u00a0", " ")
    assert words.startswith("Aucun PING depuis 126 min, alors qu’il en faut un toutes les 60 min.")
    assert (row.action, row.source) == ("MISS", "silence_watchdog")
    assert [(one.status, one.webhook_id) for one in line.heard] == [("miss", row.id)]
    told = await line.belfry.until(lambda: line.belfry.book.recent(line.broker.user_id))
    assert [one.kind for one in told] == [NoticeKind.ALERT_MISSED]
    assert len(await line.silent_for(10 * HOUR, times=10)) == 1


async def test_a_ping_that_comes_back_ends_the_silence_and_the_next_one_is_told_anew(line: Line) -> None:
    await line.pings(5, HOUR)
    await line.silent_for(3 * HOUR)
    await line.pings(3, HOUR)
    assert len(await line.silent_for(3 * HOUR)) == 2


async def test_what_should_have_come_while_the_house_was_away_is_not_missed_and_a_told_silence_is_not_told_again(
    line: Line,
) -> None:
    await line.pings(5, HOUR)
    await line.belfry.clock.advance(8 * 3600)
    await line.restart()
    assert await line.silent_for(1.9 * HOUR) == []
    assert len(await line.silent_for(0.5 * HOUR)) == 1
    await line.restart()
    await line.pings(1, HOUR)
    assert len(await line.silent_for(HOUR)) == 1


async def test_an_alert_heard_for_the_first_time_while_a_missing_one_is_noted_hides_no_other(line: Line) -> None:
    await line.expect(expected="BTCUSDT 5, ETHUSDT 5")
    await line.bars(1, symbol="XRPUSDT")
    await line.belfry.until(lambda: len(line.watchdog.series(line.broker.id)) == 3)  # it has heard the wish, and listens
    await line.belfry.clock.advance(20 * 60)
    body = b'{"action": "BuyMarket", "symbol": "SOLUSDT", "interval": "5", "bar_time": "2026-01-01T00:00:00Z"}'
    now, user_id = line.belfry.clock.now(), line.broker.user_id
    event = SignalReceived(at=now, user_id=user_id, webhook_id=uuid.uuid4(), broker_id=line.broker.id, payload=body)
    line.belfry.bus.publish(event)
    await line.watchdog.look()
    assert len(line.watchdog.series(line.broker.id)) == 4
    assert len(await line.missed()) == 2


async def test_without_a_rhythm_nobody_waits(line: Line) -> None:
    await line.pings(3, HOUR)
    assert await line.silent_for(100 * HOUR) == []


@pytest.mark.parametrize(("mode", "count"), [(RhythmMode.FIXED, 1), (RhythmMode.OFF, 0)])
async def test_the_user_says_how_often_a_ping_must_come_or_that_none_is_waited_for(
    line: Line, mode: RhythmMode, count: int
) -> None:
    await line.pings(6, HOUR)
    await line.expect(pings=mode, ping_seconds=600)
    assert len(await line.silent_for(timedelta(minutes=21))) == count
    assert len(await line.silent_for(5 * HOUR)) == count


async def test_an_alert_that_came_after_every_candle_is_missed_after_the_next_one(line: Line) -> None:
    await line.bars(4)
    assert await line.silent_for(5 * MINUTE) == []
    [row] = await line.silent_for(2 * MINUTE)
    assert (row.symbol_in_payload, row.reason, row.bar_time) == ("BTCUSDT", "reason.bar_alert_missing", MIDNIGHT + 20 * MINUTE)
    assert len(await line.silent_for(HOUR, times=12)) == 1, "one silence, one row"


async def test_an_alert_that_came_now_and_then_is_not_waited_for(line: Line) -> None:
    await line.bars(2)
    await line.belfry.clock.advance(900)
    await line.bars(2)
    assert await line.silent_for(HOUR) == []


async def test_an_alert_that_the_user_expects_is_missed_even_if_it_never_came(line: Line) -> None:
    await line.expect(learn_bars=False, expected="BTCUSDT 5")
    assert await line.silent_for(5 * MINUTE) == []
    assert len(await line.silent_for(2 * MINUTE)) == 1
    await line.bars(1)
    assert len(await line.silent_for(7 * MINUTE)) == 2, "it came, and stayed away again"


async def test_a_broker_that_does_not_listen_to_alerts_is_left_alone(line: Line) -> None:
    await line.pings(5, HOUR)
    line.broker.mode = BrokerMode.OFF
    for account in line.belfry.brokers.all():
        account.broker.mode = BrokerMode.OFF
    assert await line.silent_for(9 * HOUR) == []


@pytest.mark.parametrize("written", ["BTCUSDT", "BTCUSDT soon", "BTCUSDT 0", ", ".join(f"A{number} 5" for number in range(51))])
async def test_what_is_expected_is_written_as_symbol_and_interval(line: Line, written: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await line.expect(expected=written)
    assert caught.value.field == "expected"


async def test_another_users_broker_is_not_there(line: Line) -> None:
    with pytest.raises(NotFound):
        await line.expect(somebody(), pings=RhythmMode.FIXED, ping_seconds=600)


@given(st.lists(st.integers(20, 100_000), min_size=0, max_size=20), st.integers(20, 100_000))
def test_a_rhythm_is_a_gap_that_was_there_and_most_gaps_are_like_it(gaps: list[int], usual: int) -> None:
    moments: list[datetime] = [MIDNIGHT]
    for gap in gaps:
        moments.append(moments[-1] + timedelta(0, gap))
    rhythm = rhythm_of(moments)
    seen = [timedelta(0, gap) for gap in gaps[-8:]]
    assert rhythm is None or (rhythm in seen and sum(abs(one - rhythm) * 4 <= rhythm for one in seen) * 4 >= len(seen) * 3)
    steady = [MIDNIGHT + timedelta(0, usual) * number for number in range(6)]
    assert rhythm_of(steady) == timedelta(0, usual)
    assert ping_due(timedelta(0, usual), steady[-1]) - steady[-1] > timedelta(0, usual) * 2
