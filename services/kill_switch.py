"""The kill switch: persisted first, then effective; a `HALT` file in the data folder works when nothing else does.

The file counts as a halt of everything, wherever halts are listed: it is seen within half a second, and releasing it deletes it.
Beside a row that halts everything too it is the same fact, told once: releasing the last such row takes the file along.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections import deque
from contextlib import suppress
from pathlib import Path

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock, from_milliseconds
from aristobot.errors import NotFound, StoreError
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.store import activations, brokers, halts, strategies
from aristobot.store.database import Database
from aristobot.store.tables import Halt
from aristobot.store.tenancy import SYSTEM, GuardedSession

HALT_FILE = "HALT"
#: The halt that the file stands for; it has no row.
FILE_HALT_ID = uuid.UUID("48414c54-0000-4000-8000-000000000000")
_LOOK_EVERY = 0.5
_SEVERITY = {HaltLevel.HALT: 1, HaltLevel.REDUCE: 2, HaltLevel.FLATTEN: 3}


class KillSwitch:
    """Which halts are in force; asked before every order, from memory, and from one look at the HALT file.

    As a service it follows what other processes (the command line) write into the store.
    """

    name = "kill_switch"

    def __init__(self, db: Database, bus: Bus, clock: Clock, data_dir: Path) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._file = data_dir / HALT_FILE
        self._file_name = str(self._file)
        self._active: list[Halt] = []
        self._owners: dict[uuid.UUID, frozenset[str]] = {}
        self._reading = asyncio.Lock()
        self._file_is_there: bool | None = None
        self._untold: deque[tuple[Halt, HaltLevel | None, str]] = deque()

    async def load(self) -> None:
        """Read the halts in force, and look for the file; what was asked earlier is never believed later."""

        def work(session: GuardedSession) -> tuple[list[Halt], dict[uuid.UUID, frozenset[str]]]:
            rows = halts.active(session)
            named = [(halt.id, halt.scope_id) for halt in rows if halt.scope is HaltScope.STRATEGY]
            return rows, {halt: activations.owners_within(session, one) for halt, one in named if one is not None}

        async with self._reading:
            rows, self._owners = await self._db.read(SYSTEM, work)
            self._active = [*self._by_file(), *rows]

    async def run(self) -> None:
        """Look twice a second for halts that somebody else set or released, and tell of them as of our own."""
        failing = False
        while True:
            await self._clock.sleep(_LOOK_EVERY)
            try:
                await self._look_around()
            except StoreError as error:  # looked for on and on: what is set meanwhile counts as soon as it can be read
                if not failing:
                    logger.error("The halts in force cannot be read; those known, and the file, count on: {}", error)
                failing = True
            else:
                if failing:
                    logger.info("The halts in force can be read again")
                failing = False

    async def _look_around(self) -> None:
        await self._tell_all()
        before = {halt.id: halt for halt in self._active}
        await self.load()
        after = {halt.id: halt for halt in self._active}
        self._untold.extend((after[added], after[added].level, after[added].set_by) for added in after.keys() - before.keys())
        self._untold.extend((before[gone], None, "") for gone in before.keys() - after.keys())
        await self._tell_all()

    def active(self) -> list[Halt]:
        """The halts in force, as rows; the file as one of its own, unless a row says the same."""
        return [halt for halt in self._active if halt.id != FILE_HALT_ID] if self._of_everything() else list(self._active)

    def _of_everything(self) -> bool:
        return any(halt.scope is HaltScope.ALL and halt.id != FILE_HALT_ID for halt in self._active)

    def level(self, user_id: uuid.UUID, broker_id: uuid.UUID, owner: str = "") -> HaltLevel | None:
        """The severest level that concerns this broker, or None. The HALT file counts as a halt of everything."""
        levels = [HaltLevel.HALT] if self._look() else []
        levels += [halt.level for halt in self._active if self._concerns(halt, user_id, broker_id, owner)]
        return max(levels, key=lambda level: _SEVERITY[level], default=None)

    def _look(self) -> bool:
        """Whether the file is there: one look for all orders of one turn of the loop: each gives the interpreter away."""
        if self._file_is_there is None:
            self._file_is_there = self._is_there()
            asyncio.get_running_loop().call_soon(self._forget_look)
        return self._file_is_there

    def _is_there(self) -> bool:
        """As Path.exists, which takes three times as long; what hinders the look is raised, for then nobody knows."""
        try:
            os.stat(self._file_name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _forget_look(self) -> None:
        self._file_is_there = None

    def owners(self, halt: Halt) -> frozenset[str] | None:
        """Whose lots a halt of a strategy concerns: of all its activations, or of the one it names; None for other halts."""
        return self._owners.get(halt.id, frozenset()) if halt.scope is HaltScope.STRATEGY else None

    def _concerns(self, halt: Halt, user_id: uuid.UUID, broker_id: uuid.UUID, owner: str) -> bool:
        owners = self.owners(halt)
        if owners is not None:
            return owner in owners
        return halt.scope is HaltScope.ALL or halt.scope_id == (user_id if halt.scope is HaltScope.USER else broker_id)

    async def set(self, scope: HaltScope, scope_id: uuid.UUID | None, level: HaltLevel, *, by: str, reason: str = "") -> Halt:
        """Stop trading in a scope. Returns when it is written and in force."""
        now = self._clock.now()
        halt = await self._db.write(
            SYSTEM, lambda s: halts.set_halt(s, scope=scope, scope_id=scope_id, level=level, by=by, reason=reason, now=now)
        )
        await self.load()
        await self._tell(halt, level, by)
        return halt

    async def release(self, halt_id: uuid.UUID, *, by: str) -> Halt:
        """Let trading go on; NotFound when it is not in force. The file goes with its own halt, or the last of everything."""
        now = self._clock.now()
        if halt_id == FILE_HALT_ID:
            return await self._remove_file(by)
        halt = await self._db.write(SYSTEM, lambda s: halts.release(s, halt_id, by=by, now=now))
        await self.load()
        if halt.scope is HaltScope.ALL and not self._of_everything():
            self._file.unlink(missing_ok=True)
            await self.load()
        await self._tell(halt, None, by)
        return halt

    async def completed(self, halt_id: uuid.UUID) -> None:
        """Note that a FLATTEN has done its work."""
        now = self._clock.now()
        await self._db.write(SYSTEM, lambda s: halts.completed(s, halt_id, now))
        await self.load()

    def _by_file(self) -> list[Halt]:
        try:
            since = from_milliseconds(self._file.stat().st_mtime_ns // 1_000_000)
        except FileNotFoundError:
            return []
        everything, no_entries = HaltScope.ALL, HaltLevel.HALT
        return [Halt(id=FILE_HALT_ID, scope=everything, level=no_entries, reason="halt_file", set_by=HALT_FILE, set_at=since)]

    async def _remove_file(self, by: str) -> Halt:
        found = self._by_file()
        if not found:
            raise NotFound(kind="halt")
        self._file.unlink(missing_ok=True)
        await self.load()
        await self._tell(found[0], None, by)
        return found[0]

    async def _tell(self, halt: Halt, level: HaltLevel | None, by: str = "") -> None:
        """Tell of a halt, or of its end; while the memory cannot say whom it concerns, with a later look."""
        self._untold.append((halt, level, by))
        await self._tell_all()

    async def _tell_all(self) -> None:
        while self._untold:
            news = self._untold.popleft()
            try:
                await self._publish(*news)
            except StoreError:
                self._untold.appendleft(news)
                raise

    async def _publish(self, halt: Halt, level: HaltLevel | None, by: str) -> None:
        """Tell whom it concerns: everybody, or the one user whose broker, account or strategy is stopped."""
        user_id = halt.scope_id if halt.scope is HaltScope.USER else None
        scope_id = halt.scope_id
        if scope_id is not None and halt.scope in (HaltScope.BROKER, HaltScope.STRATEGY):
            find = brokers.get if halt.scope is HaltScope.BROKER else strategies.stoppable
            with suppress(NotFound):  # deleted meanwhile: nobody's page shows it any more
                user_id = (await self._db.read(SYSTEM, lambda s: find(s, scope_id))).user_id
        self._bus.publish(
            TradingHalted(
                at=self._clock.now(),
                user_id=user_id,
                scope=halt.scope.value,
                scope_id=halt.scope_id,
                level=level.value if level is not None else "",
                halt_id=halt.id,
                by=by,
                reason=halt.reason,
            )
        )
