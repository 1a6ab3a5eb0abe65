"""The strategies of each user: write, save, compare, try. Every text that was saved stays as it was."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.code_diff import DiffRow, compared
from aristobot.errors import Conflict, InvalidInput
from aristobot.events import StrategyChanged
from aristobot.store import strategies
from aristobot.store.database import Database
from aristobot.store.strategy_tables import StrategyRow, StrategyVersion
from aristobot.store.tenancy import GuardedSession
from aristobot.strategy_checks import LONGEST_TEXT
from services.rights import for_traders
from services.strategy_trials import StrategyTrials

LONGEST_NAME = 64
LONGEST_NOTE = 255


@dataclass(frozen=True, slots=True)
class Listed:
    """A strategy as lists show it, with the number of its newest version."""

    row: StrategyRow
    versions: int


@for_traders("mine", "get", "versions", "version", "compare")
class StrategyDesk:
    """Each user sees and changes their own alone. `trials` looks texts over and tries them."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self.trials = StrategyTrials(db, bus, clock)

    async def mine(self, user_id: uuid.UUID, *, archived: bool = False) -> list[Listed]:
        """The user's strategies by name: those that live, or those in the archive."""

        def work(session: GuardedSession) -> list[Listed]:
            numbers = strategies.latest_numbers(session)
            return [Listed(row, numbers.get(row.id, 0)) for row in strategies.mine(session, archived=archived)]

        return await self._db.read(user_id, work)

    async def get(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> StrategyRow:
        """One strategy, archived or not; NotFound."""
        return await self._db.read(user_id, lambda s: strategies.get(s, strategy_id))

    async def versions(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> list[StrategyVersion]:
        """Every saved text of it, the newest first; NotFound."""

        def work(session: GuardedSession) -> list[StrategyVersion]:
            strategies.get(session, strategy_id)
            return strategies.versions(session, strategy_id)

        return await self._db.read(user_id, work)

    async def version(self, user_id: uuid.UUID, strategy_id: uuid.UUID, number: int) -> StrategyVersion:
        """One saved text of it; NotFound."""
        return await self._db.read(user_id, lambda s: strategies.numbered(s, strategy_id, number))

    async def compare(self, user_id: uuid.UUID, strategy_id: uuid.UUID, old: int, new: int) -> list[DiffRow]:
        """Two versions side by side; NotFound."""

        def work(session: GuardedSession) -> tuple[str, str]:
            return strategies.numbered(session, strategy_id, old).code, strategies.numbered(session, strategy_id, new).code

        return await asyncio.to_thread(compared, *await self._db.read(user_id, work))

    async def create(self, user_id: uuid.UUID, name: str, code: str, note: str = "") -> StrategyRow:
        """A new strategy with its first version. InvalidInput; Conflict `name_taken`."""
        name, code, note, now = _name(name), _code(code), _note(note), self._clock.now()

        def work(session: GuardedSession) -> StrategyRow:
            key = strategies.name_key(name)
            row = StrategyRow(user_id=user_id, name=name, name_key=key, created_at=now, updated_at=now)
            strategies.create(session, row)
            strategies.add_version(session, row, code, note, now)
            return row

        return self._told(await self._db.write(user_id, work))

    async def save(
        self, user_id: uuid.UUID, strategy_id: uuid.UUID, code: str, *, note: str = "", based_on: int | None = None
    ) -> StrategyVersion:
        """The text as the next version, or the newest one when nothing differs; the draft is gone then.

        `based_on` is the version that was changed: Conflict `changed_meanwhile` when a newer one was saved elsewhere and
        says something else. NotFound, InvalidInput.
        """
        code, note, now = _code(code), _note(note), self._clock.now()

        def work(session: GuardedSession) -> StrategyVersion:
            row = strategies.get(session, strategy_id)
            last = strategies.latest(session, strategy_id)
            if based_on is not None and last is not None and last.number != based_on and last.hash != strategies.hash_of(code):
                raise Conflict("changed_meanwhile", kind="strategy")
            saved = strategies.add_version(session, row, code, note, now)
            strategies.change(session, strategy_id, draft=None, draft_at=None, draft_of=0, updated_at=now)
            return saved

        saved = await self._db.write(user_id, work)
        self._tell(user_id, strategy_id)
        return saved

    async def rename(self, user_id: uuid.UUID, strategy_id: uuid.UUID, name: str) -> StrategyRow:
        """Give it another name. NotFound, InvalidInput, Conflict `name_taken`."""
        name = _name(name)
        return await self._changed(user_id, strategy_id, name=name, name_key=strategies.name_key(name))

    async def archive(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> StrategyRow:
        """Put it away with all its versions; what ran keeps its record. NotFound; Conflict `strategy_running`."""
        if await self._db.read(user_id, lambda s: strategies.is_running(s, strategy_id)):
            raise Conflict("strategy_running")
        return await self._changed(user_id, strategy_id, archived_at=self._clock.now())

    async def restore(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> StrategyRow:
        """Take it back from the archive. NotFound; Conflict `name_taken` when another has its name by now."""
        return await self._changed(user_id, strategy_id, archived_at=None)

    async def keep_draft(self, user_id: uuid.UUID, strategy_id: uuid.UUID, code: str, draft_of: int) -> None:
        """Remember what was typed and not saved, and from which version it began. NotFound, InvalidInput."""
        code, now = _code(code), self._clock.now()

        def work(session: GuardedSession) -> bool:
            first = strategies.get(session, strategy_id).draft is None
            strategies.change(session, strategy_id, draft=code, draft_of=draft_of, draft_at=now)
            return first

        if await self._db.write(user_id, work):
            self._tell(user_id, strategy_id)

    async def drop_draft(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> None:
        """Forget what was not saved. NotFound."""
        await self._db.write(user_id, lambda s: strategies.change(s, strategy_id, draft=None, draft_at=None, draft_of=0))
        self._tell(user_id, strategy_id)

    async def _changed(self, user_id: uuid.UUID, strategy_id: uuid.UUID, **values: Any) -> StrategyRow:
        values["updated_at"] = self._clock.now()
        return self._told(await self._db.write(user_id, lambda s: strategies.change(s, strategy_id, **values)))

    def _told(self, row: StrategyRow) -> StrategyRow:
        self._tell(row.user_id, row.id)
        return row

    def _tell(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> None:
        self._bus.publish(StrategyChanged(at=self._clock.now(), user_id=user_id, strategy_id=strategy_id))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise InvalidInput("missing", field="name")
    if len(name) > LONGEST_NAME or len(strategies.name_key(name)) > LONGEST_NAME:
        raise InvalidInput("too_long", field="name", maximum=LONGEST_NAME)
    if not name.isprintable():
        raise InvalidInput("unprintable", field="name")
    return name


def _code(text: str) -> str:
    """The text with the line ends of every system made one."""
    code = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(code) > LONGEST_TEXT:
        raise InvalidInput("too_long", field="code", maximum=LONGEST_TEXT)
    if "\x00" in code:
        raise InvalidInput("unprintable", field="code")
    return code


def _note(text: str) -> str:
    if len(text) > LONGEST_NOTE:
        raise InvalidInput("too_long", field="note", maximum=LONGEST_NOTE)
    return text.replace("\x00", "")
