"""The house on its street, and the house that trades, for whoever asks for them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aristobot.store.database import Database
from tests.services.trading import Trader, TradingHouse, a_trading_house
from tests.street import alice, bob, street

__all__ = ["alice", "bob", "street"]


@pytest.fixture
async def lite(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """The memory, empty, on SQLite alone: for what no database makes a difference to."""
    shutil.copyfile(sqlite_template, tmp_path / "lite.db")
    database = Database(f"sqlite:///{tmp_path / 'lite.db'}")
    yield database
    await database.close()


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[TradingHouse]:
    """A house that trades at a simulated exchange where a bitcoin costs 60,000."""
    async with a_trading_house(tmp_path / "house", sqlite_template) as opened:
        yield opened


@pytest.fixture
async def hurried(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[TradingHouse]:
    """The same, on a clock that runs twenty times as fast."""
    async with a_trading_house(tmp_path / "house", sqlite_template, speed=20.0) as opened:
        yield opened


@pytest.fixture
async def trader(house: TradingHouse) -> Trader:
    """Somebody with 10,000 USDT."""
    return await house.trader()
