"""What can be tried on the past: the shipped templates, by their names and titles."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from aristobot.errors import NotFound
from aristobot.store.database import Database
from aristobot.templates import TEMPLATES


@dataclass(frozen=True, slots=True)
class Source:
    """A text that can be played. `template` is the short name of the template that it is; `version_id` the version."""

    name: str
    text: str
    template: str = ""
    version_id: uuid.UUID | None = None


class StrategySources:
    """The texts that a user may try."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def every(self, user_id: uuid.UUID) -> list[Source]:
        """The templates."""
        return [Source(one.title, one.text, one.name) for one in TEMPLATES]

    async def find(self, user_id: uuid.UUID, name: str) -> Source:
        """By the name of a strategy, or by a template's short name or title, in any case of letters. Raises NotFound."""
        return _chosen(await self.every(user_id), name)


async def named(db: Database, name: str) -> str:
    """The text of a strategy by its name, for who sits at the machine itself: any user's, or a template's. Raises NotFound."""
    return _chosen([Source(one.title, one.text, one.name) for one in TEMPLATES], name).text


def _chosen(sources: list[Source], name: str) -> Source:
    wanted = name.strip().casefold()
    for one in sources:
        if wanted in (one.name.casefold(), one.template, str(one.version_id or "")):
            return one
    raise NotFound(kind="strategy", name=name)
