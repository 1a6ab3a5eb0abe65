"""Who waits for a search: everybody in the house has a turn before anybody has two."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque

from aristobot.store.study_tables import Study


class FairLine:
    """Who waits. Users take turns, whatever each of them has asked for."""

    def __init__(self) -> None:
        self._lanes: dict[uuid.UUID, deque[Study]] = {}
        self._arrived = asyncio.Event()

    def put(self, row: Study) -> None:
        """Let a study wait behind its user's others, once."""
        lane = self._lanes.setdefault(row.user_id, deque())
        if all(one.id != row.id for one in lane):
            lane.append(row)
        self._arrived.set()

    async def next(self) -> Study:
        """Whose turn it is, as soon as somebody waits."""
        while not self._lanes:
            self._arrived.clear()
            await self._arrived.wait()
        user_id = next(iter(self._lanes))
        lane = self._lanes.pop(user_id)
        row = lane.popleft()
        if lane:
            self._lanes[user_id] = lane  # behind everybody else
        return row
