"""Whose rows the tests of the memory write."""

from __future__ import annotations

import pytest

from aristobot.store.database import Database
from aristobot.store.tables import Broker
from tests.builders import a_stored_broker


@pytest.fixture
async def broker(db: Database) -> Broker:
    """A broker whose owner exists."""
    return await a_stored_broker(db)
