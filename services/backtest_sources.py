"""What can be tried on the past: the newest version of each of the user's strategies, and the shipped templates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aristobot.errors import NotFound
from aristobot.store import strategies
from aristobot.store.database import Database
from aristobot.store.strategy_tables import StrategyVersion
from aristobot.store.tenancy import SYSTEM, GuardedSession, Scope
from aristobot.templates import TEMPLATES
from services.rights import for_traders

if TYPE_CHECKING:  # the house starts without numpy
    from services.backtest_run import Described

#: Texts whose parameters need not be asked again.
_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class Source:
    """A text that can be played. `template` is the short name of the template that it is, or strategy and version say whose."""

    name: str
    text: str
    template: str = ""
    strategy_id: uuid.UUID | None = None
    version_id: uuid.UUID | None = None
    number: int = 0

    def answers(self, wanted: str) -> bool:
        """Whether this is what somebody means by a name, in small letters, or by an id."""
        return wanted in (self.name.casefold(), self.template, str(self.version_id or ""), str(self.strategy_id or ""))


@for_traders()
class StrategySources:
    """The texts that somebody may try."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._described: dict[str, Described] = {}

    async def described(self, user_id: uuid.UUID, text: str) -> Described:
        """What a strategy lists of itself, asked in a process of its own. Raises StrategyError."""
        from services.backtest_run import described

        if text not in self._described:
            found = await described(text)
            self._described = dict(list(self._described.items())[-_REMEMBERED:]) | {text: found}
        return self._described[text]

    async def every(self, scope: Scope) -> Sequence[Source]:
        """The user's strategies by name, then the templates."""
        return [*await self._db.read(scope, _saved), *_shipped()]

    async def strategy_of(self, scope: Scope, version_id: uuid.UUID | None) -> uuid.UUID | None:
        """Whose version it is; None for a template's run, and when the strategy is gone."""
        if version_id is None:
            return None
        found = await self._db.read(scope, lambda s: _version(s, str(version_id)))
        return found.strategy_id if found else None

    async def versions(self, scope: Scope, strategy_id: uuid.UUID) -> list[StrategyVersion]:
        """Every version of a strategy, the newest first."""
        return await self._db.read(scope, lambda s: strategies.versions(s, strategy_id))

    async def find(self, scope: Scope, name: str) -> Source:
        """By the name of a strategy, by a version's id, or by a template's short name or title. Raises NotFound."""
        wanted = name.strip().casefold()
        for one in await self.every(scope):
            if one.answers(wanted):
                return one
        older = await self._db.read(scope, lambda s: _version(s, wanted))
        if older is None:
            raise NotFound(kind="strategy", name=name)
        return older


async def named(db: Database, name: str) -> str:
    """The text of a strategy by its name, for who sits at the machine itself: any user's, or a template's. Raises NotFound."""
    return (await StrategySources(db).find(SYSTEM, name)).text


def _shipped() -> list[Source]:
    return [Source(one.title, one.text, template=one.name) for one in TEMPLATES]


def _saved(session: GuardedSession) -> list[Source]:
    found = [(row, strategies.latest(session, row.id)) for row in strategies.mine(session)]
    return [
        Source(row.name, last.code, strategy_id=row.id, version_id=last.id, number=last.number)
        for row, last in found
        if last is not None
    ]


def _version(session: GuardedSession, wanted: str) -> Source | None:
    """A version that is not the newest, by its id."""
    try:
        version = strategies.version(session, uuid.UUID(wanted))
    except (ValueError, NotFound):
        return None
    row = strategies.get(session, version.strategy_id)
    return Source(row.name, version.code, strategy_id=row.id, version_id=version.id, number=version.number)
