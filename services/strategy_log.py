"""What activations write: the log that their owner reads, and their row, told on the bus each time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import StrategyError
from aristobot.kinds import ActivationStatus
from aristobot.store import activations
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation, ActivationLine
from aristobot.store.tenancy import GuardedSession
from aristobot.strategy_events import ActivationUpdated, StrategyFailed, StrategySpoke
from services.strategy_seat import Answered
from services.strategy_turn import Said

_MICROSECOND = timedelta(microseconds=1)
#: Of what a strategy prints so much is kept with a decision.
_MOST_PRINTED = 2_000
_LEVELS = frozenset({"info", "warning", "error"})


class StrategyLog:
    """The pen of every run. A line and the change it tells of are one transaction."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock

    async def change(self, row: Activation, said: Sequence[Said] = (), **values: Any) -> Activation:
        """Write columns of an activation, and lines about it. NotFound."""
        now = self._clock.now()

        def work(session: GuardedSession) -> Activation:
            changed = activations.change(session, row.id, **values, updated_at=now)
            activations.say(session, _lines(row, said, now))
            return changed

        changed = await self._db.write(row.user_id, work)
        self._tell(row)
        return changed

    async def decided(self, row: Activation, values: dict[str, Any], said: Sequence[Said], candle_at: datetime | None) -> bool:
        """Write a decision; False, and nothing, when its candle was decided on before."""
        now = self._clock.now()

        def work(session: GuardedSession) -> bool:
            given = {**values, "updated_at": now}
            if candle_at is None:
                activations.change(session, row.id, **given)
            elif not activations.claim(session, row.id, candle_at, given):
                return False
            activations.say(session, _lines(row, said, now))
            return True

        return await self._db.write(row.user_id, work)

    async def ended(self, row: Activation, status: ActivationStatus, error: StrategyError) -> None:
        """A strategy does not enter any more, or is not asked any more: say why, on its row, in its log and on the bus."""
        facts = {name: str(value)[:300] for name, value in error.facts.items()}
        paused = status is ActivationStatus.PAUSED
        code = "reason.run_paused" if paused else "reason.run_failed"
        logger.error("Activation {} is {}: {}", row.id, status.value, error)
        said = [Said(code, {**facts, "why": f"error.{error.code}"}, "error")]
        await self.change(row, said, status=status, reason=error.code, reason_facts=facts)
        self._bus.publish(
            StrategyFailed(
                at=self._clock.now(),
                user_id=row.user_id,
                activation_id=row.id,
                strategy=await self._name(row),
                symbol=row.symbol,
                code=error.code,
                facts=facts,
                paused=paused,
            )
        )

    async def speak(self, row: Activation, text: str) -> None:
        """Tell the owner what the strategy wants them to know."""
        name = await self._name(row)
        event = StrategySpoke(
            at=self._clock.now(), user_id=row.user_id, activation_id=row.id, strategy=name, symbol=row.symbol, text=text
        )
        self._bus.publish(event)

    async def _name(self, row: Activation) -> str:
        return (await self._db.read(row.user_id, lambda s: activations.posted(s, row.id))).strategy.name

    def _tell(self, row: Activation) -> None:
        self._bus.publish(ActivationUpdated(at=self._clock.now(), user_id=row.user_id, activation_id=row.id))


def sayings(answer: Answered) -> list[Said]:
    """The lines that come with a decision: what the strategy says and prints, and why it did not enter after all."""
    said = [Said("", {}, one.kind if one.kind in _LEVELS else "info", one.text) for one in answer.decision.messages]
    if answer.printed:
        said.append(Said("", {}, "info", answer.printed[-_MOST_PRINTED:].rstrip()[:1000]))
    if answer.decision.refused:
        said.append(Said("reason.run_held_back", {"why": ", ".join(answer.decision.refused)}))
    return said


def _lines(row: Activation, said: Sequence[Said], now: datetime) -> list[ActivationLine]:
    return [
        ActivationLine(
            id=uuid.uuid4(),
            user_id=row.user_id,
            activation_id=row.id,
            at=now + number * _MICROSECOND,
            level=one.level,
            code=one.code,
            facts=one.facts or None,
            text=one.text,
        )
        for number, one in enumerate(said)
    ]
