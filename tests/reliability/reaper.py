"""Who kills the houses, and when: at any moment, and at the points of the protocol where it hurts most."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field

from aristobot.clock import Clock
from tests.reliability.household import Household, Life, Midwife
from tests.reliability.storm import Storm

#: Protocol points that the exchange itself can tell (reliability: K2 to K8): name, event, latest of so many, delay in ms.
_WIRES = (
    ("K2 order received", "order.received", 2, 0.0),
    ("K2 entry with exits received", "list.received", 2, 0.0),
    ("K3 order accepted", "order.accepted", 2, 0.0),
    ("K3 entry with exits accepted", "list.placed", 2, 0.0),
    ("K4 order answered", "order.replied", 2, 5.0),
    ("K4 entry with exits answered", "list.replied", 2, 5.0),
    ("K5 between partial fills", "fill.partial", 1, 0.0),
    ("K6 stop cancelled", "cancel.done", 1, 0.0),
    ("K6 cancel answered", "cancel.replied", 1, 5.0),
    ("K7 new stop asked for", "list.received", 1, 0.0),
    ("K7 new stop accepted", "list.placed", 1, 0.0),
    ("K6 move in place asked for", "amend.received", 1, 0.0),
    ("K7 stop moved in place", "amend.done", 1, 0.0),
    ("K7 move in place answered", "amend.replied", 1, 5.0),
    ("K8 start-up queries", "query.received", 8, 0.0),
)
_OF_MOVES = ("K6", "K7")
#: Seconds after which an event that does not come is not waited for any longer.
_WAIT_FOR_EVENT = 1.5
_WAIT_FOR_READY = 8.0


@dataclass
class Tally:
    """What was done to the houses."""

    kills: int = 0
    births: int = 0
    restarts: list[float] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)


class Reaper:
    """Gives a household one life after the other and takes each again."""

    def __init__(self, household: Household, midwife: Midwife, storm: Storm, clock: Clock, seed: int) -> None:
        self._household = household
        self._midwife = midwife
        self._storm = storm
        self._clock = clock
        self._chance = random.Random(seed)
        self.tally = Tally()

    async def reap(self, kills: int, build: str) -> None:
        """So many lives, each ended by SIGKILL."""
        for _ in range(kills):
            life = await self._midwife.birth(self._household, build)
            self.tally.births += 1
            await self._end(life)
            if life.seconds:
                self.tally.restarts.append(life.seconds)

    async def _end(self, life: Life) -> None:
        dice = self._chance.random()
        if dice < 0.7:
            point = await self._at_the_exchange(life)
        elif dice < 0.8:
            point = await self._while_an_alert_arrives(life)
        else:
            point = await self._at_any_moment(life)
        if life.dead.is_set() and life.status != -signal.SIGKILL:
            raise AssertionError(f"the house of {self._household.name} ended by itself with {life.status}")
        life.kill()
        await life.dead.wait()
        await self._household.ask("DELETE", "/kill-on")
        self.tally.kills += 1
        self.tally.points[point] += 1

    async def _at_the_exchange(self, life: Life) -> str:
        point, event, nth, delay = self._chance.choice(_WIRES)
        if not point.startswith("K8"):
            await self._until(life.ready.wait(), life, _WAIT_FOR_READY)
        nth, after = self._chance.randint(1, nth), self._chance.uniform(0, delay)
        if point.startswith(_OF_MOVES):
            self._storm.gust(6, "MAJ", "SellMarket")
        else:
            self._storm.gust(6)
        await self._lay(event, life, after, nth)
        return point if await self._until(life.dead.wait(), life) else "any moment"

    async def _lay(self, event: str, life: Life, after: float, nth: int) -> None:
        wire = {"event": event, "pid": life.pid, "nth": nth, "after_ms": after}
        await self._household.ask("POST", "/kill-on", wire)

    async def _while_an_alert_arrives(self, life: Life) -> str:
        await self._until(life.ready.wait(), life, _WAIT_FOR_READY)
        self._storm.gust(4, within=0.01)
        await self._storm.shoot(self._storm.an_alert())
        await self._clock.sleep(self._chance.uniform(0, 0.004))
        return "K1 alert sent, no answer yet"

    async def _at_any_moment(self, life: Life) -> str:
        if self._chance.random() < 0.8:
            await self._until(life.ready.wait(), life, _WAIT_FOR_READY)
        self._storm.gust(6, within=0.3)
        await self._clock.sleep(self._chance.uniform(0, 0.4))
        return "any moment"

    async def _until(self, event: Awaitable[object], life: Life, at_most: float = _WAIT_FOR_EVENT) -> bool:
        """Whether it came before patience ended or the house was dead."""
        waiting = asyncio.ensure_future(event)
        dead = asyncio.ensure_future(life.dead.wait())
        await asyncio.wait({waiting, dead}, timeout=at_most, return_when=asyncio.FIRST_COMPLETED)
        done = waiting.done()
        for task in (waiting, dead):
            task.cancel()
        return done
