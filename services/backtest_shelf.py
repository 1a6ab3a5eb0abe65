"""How many backtests are kept: the newest ones, those that are pinned, and those that somebody looks at."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import partial

from aristobot.store import backtests
from aristobot.store.database import Database


class BacktestShelf:
    """The newest `keep` of each user."""

    def __init__(self, db: Database, keep: int) -> None:
        self._db, self._keep = db, keep
        self._looks: dict[object, frozenset[uuid.UUID]] = {}

    def look_at(self, who: object, runs: Collection[uuid.UUID]) -> None:
        """Somebody (a page) looks at these runs now, and at no others any more."""
        if runs:
            self._looks[who] = frozenset(runs)
        else:
            self._looks.pop(who, None)

    async def prune(self, user_id: uuid.UUID) -> list[uuid.UUID]:
        """Forget what is beyond it; which runs."""
        looked_at = frozenset[uuid.UUID]().union(*self._looks.values())
        return await self._db.write(user_id, partial(backtests.prune, keep=self._keep, looked_at=looked_at))
