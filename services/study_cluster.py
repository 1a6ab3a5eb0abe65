"""Dask clusters that a search may use: who may name one, and whether it answers."""

from __future__ import annotations

import uuid
from functools import partial

from aristobot.errors import AccessDenied
from aristobot.kinds import Role
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.study_wish import checked_scheduler
from services.trial_crew import cluster_size
from services.workers import Workers

#: Seconds within which a scheduler must answer, and within which its process must have said so.
_PATIENCE, _AT_MOST = 8.0, 30.0


async def only_administrators(db: Database, user_id: uuid.UUID) -> None:
    """Raise AccessDenied for anybody else.

    A scheduler sends code to whoever connects: who names one decides what runs beside everybody's keys.
    """
    if await db.read(SYSTEM, partial(users.role_of, user_id=user_id)) is not Role.ADMINISTRATOR:
        raise AccessDenied("scheduler_for_administrators")


async def tasks_at_once(address: str) -> int:
    """How many tasks the cluster at an address plays at once, asked in a process of its own.

    Raises InvalidInput for what is no address, ConfigurationError with what is wrong with the cluster.
    """
    return await Workers(1).run(cluster_size, _AT_MOST, checked_scheduler(address), _PATIENCE)
