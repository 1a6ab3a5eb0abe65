"""The house on its street, and the house that trades, for whoever asks for them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from aristobot.store.database import Database
from tests.services.leaping import a_leaping_loop
from tests.services.trading import Trader, TradingHouse, a_trading_house
from tests.street import alice, bob, street
from tests.threads import counted_threads

__all__ = ["alice", "bob", "street"]


def pytest_asyncio_loop_factories(item: pytest.Function) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A house that trades lives where waiting takes no time: half a minute until a fence is nothing, on a busy machine too."""
    return {"leaping": a_leaping_loop} if "leaping" in item.fixturenames else {"real": asyncio.new_event_loop}


@pytest.fixture
def leaping() -> Iterator[None]:
    """The test runs on a loop that leaps over whatever is only waited for."""
    with counted_threads():
        yield


@pytest.fixture
async def lite(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """The memory, empty, on SQLite alone: for what no database makes a difference to."""
    shutil.copyfile(sqlite_template, tmp_path / "lite.db")
    database = Database(f"sqlite:///{tmp_path / 'lite.db'}")
    yield database
    await database.close()


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades at a simulated exchange where a bitcoin costs 60,000."""
    async with a_trading_house(tmp_path / "house", sqlite_template) as opened:
        yield opened


@pytest.fixture
async def trader(house: TradingHouse) -> Trader:
    """Somebody with 10,000 USDT."""
    return await house.trader()
