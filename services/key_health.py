"""Keys looked after: tried when somebody asks, when one was refused, each minute while one is in trouble and once a day."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, InvalidInput, NotFound
from aristobot.events import BrokerUpdated
from aristobot.exchange import Credentials
from aristobot.key_events import KeyDoubted, KeyJudged
from aristobot.store import brokers
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.broker_connection import ConnectionTest, StepState, rights_of, try_connection
from services.exchange_gateway import ExchangeGateway
from services.key_state import KeyState

#: Seconds between two looks for keys that are due, and after which a key that is in order is.
LOOK_EVERY = 60.0
DUE_AFTER = 86400.0


class KeyHealth:
    """As a service it tries every key once a day; one in trouble, or whose exchange was away, at the next look."""

    name = "key_health"

    def __init__(self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway) -> None:
        self._db, self._bus, self._clock, self._gateway = db, bus, clock, gateway
        self._warned: dict[uuid.UUID, list[str]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._doubts = bus.subscribe(KeyDoubted)

    async def run(self) -> None:
        """Try keys that are due, and those that an exchange refused, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_again())
            tasks.create_task(self._follow_doubts(tasks))

    async def _look_again(self) -> None:
        """The first look waits: a start has more urgent questions."""
        while True:
            await self._clock.sleep(LOOK_EVERY)
            await self.look()

    async def _follow_doubts(self, tasks: asyncio.TaskGroup) -> None:
        async for event in self._doubts:
            tasks.create_task(self._try(event.broker_id))

    async def look(self) -> None:
        """Try every key that was not tried for a day, that did not answer when it was tried, or was not in order."""
        rows = await self._db.read(SYSTEM, brokers.tradable)
        due = [row.id for row in rows if row.api_key_sealed and self._is_due(KeyState.of(row))]
        await asyncio.gather(*(self._try(one) for one in due))

    def _is_due(self, state: KeyState) -> bool:
        """A round that began before a key was refused says that it is taken: the round's word alone is not enough."""
        now = self._clock.now()
        if state.checked_at is None or state.failure or state.trouble(now) is not None:
            return True
        return (now - state.checked_at).total_seconds() >= DUE_AFTER

    async def _try(self, broker_id: uuid.UUID) -> None:
        """One key of an exchange after the other; a slow exchange keeps nobody waiting for another one."""
        try:
            async with self._turns[(await self._row(broker_id)).exchange]:
                await self.check(await self._row(broker_id))
        except NotFound:
            return  # deleted meanwhile
        except AristobotError as error:
            logger.warning("The key of broker {} cannot be tried: {}", broker_id, error)

    async def _row(self, broker_id: uuid.UUID) -> Broker:
        return await self._db.read(SYSTEM, lambda s: brokers.get(s, broker_id))

    async def learn(self, row: Broker, form: Mapping[str, Any]) -> KeyState | None:
        """What is to be kept of the key in a checked form; None when the form has none. An empty key is no key.

        Asks the exchange; one that refuses, or does not answer in ten seconds, is asked again later. Raises InvalidInput when
        the key may withdraw and the form does not insist (`allow_withdraw`).
        """
        if "api_key" not in form:
            return None
        if not form["api_key"] or not form["api_secret"]:
            return KeyState()
        client, insists = self._gateway.client_for(row), bool(form.get("allow_withdraw"))
        rights = await rights_of(client, Credentials(form["api_key"], form["api_secret"], form.get("passphrase", "")))
        fresh = KeyState(known_since=self._clock.now(), withdraw_accepted=insists)
        if rights is None:
            return fresh
        if rights.can_withdraw and not insists:
            raise InvalidInput("key_may_withdraw", field="api_key")
        reading = client.clock_reading
        return fresh.told(rights, reading.offset_ms if reading else None, self._clock.now())

    async def check(self, row: Broker) -> ConnectionTest:
        """Try the broker's keys step by step, keep what was found, and warn of what is wrong. NotFound; SealBroken."""
        keys = await self._gateway.keys(row) if row.api_key_sealed else None
        accepted = KeyState.of(row).withdraw_accepted
        result = await try_connection(self._gateway.client_for(row), keys, self._clock, withdraw_accepted=accepted)
        if keys is None:
            return result

        def work(session: GuardedSession) -> tuple[Broker, KeyState, KeyState]:
            found = brokers.get(session, row.id)
            before = KeyState.of(found)
            state = self._after(before, result)
            state.keep(found)
            return found, before, state

        found, before, state = await self._db.write(row.user_id, work)
        self._warn(found, state)
        self._tell(found, before, state)
        self._bus.publish(BrokerUpdated(at=self._clock.now(), user_id=row.user_id, broker_id=row.id))
        return result

    def _after(self, state: KeyState, result: ConnectionTest) -> KeyState:
        if result.rights is not None:
            return state.told(result.rights, result.clock_offset_ms, self._clock.now())
        failed = next(step for step in result.steps if step.state is StepState.FAILED)
        answered = failed.name != "reachable"
        if state.refused and not failed.refused:  # the no that was said stands until the exchange says otherwise
            return state
        return replace(
            state,
            failure=failed.reason,
            failure_facts=failed.facts,
            refused=failed.refused,
            clock_offset_ms=result.clock_offset_ms if answered else state.clock_offset_ms,
            checked_at=self._clock.now() if answered else state.checked_at,
        )

    def _tell(self, row: Broker, before: KeyState, state: KeyState) -> None:
        """Let the bell ring when a key stands in the way of trading, and when it does no longer."""
        now = self._clock.now()
        trouble = state.trouble(now)
        if bool(trouble) != bool(before.trouble(now)):
            code, facts = (trouble.code, trouble.facts) if trouble else ("", {})
            self._bus.publish(KeyJudged(at=now, user_id=row.user_id, broker_id=row.id, code=code, facts=facts))

    def _warn(self, row: Broker, state: KeyState) -> None:
        """Say once what is wrong with a key, and once that it is right again."""
        codes = [one.code for one in state.concerns(self._clock.now())]
        before = self._warned.get(row.id, [])
        if codes == before:
            return
        self._warned[row.id] = codes
        if codes:
            logger.warning("The key …{} of broker {} at {}: {}", row.key_last_four, row.id, row.exchange, ", ".join(codes))
        else:
            logger.info("The key …{} of broker {} at {} is in order again", row.key_last_four, row.id, row.exchange)
