"""The screen for tests: the real App on a database of the test's own, its pages in NiceGUI's simulated browser."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import FunctionType
from typing import cast

import pytest
from nicegui.testing import User

import pages
from aristobot.clock import ManualClock
from aristobot.settings import Settings
from components import menu, shell
from components.entrance import Entrance
from services.app import App
from tests.exchange_urls import NOWHERE
from tests.pages.visitors import COOKIE

#: Tenths of a second after which something that should be seen is missed: NiceGUI's three are a guess about the machine.
_PATIENCE = 150
for _look in (User.should_see, User.should_not_see):
    cast(dict[str, object], cast(FunctionType, _look).__kwdefaults__)["retries"] = _PATIENCE


@pytest.fixture(autouse=True)
def _leave_the_past_alone() -> None:
    """NiceGUI's reset collects garbage twice a test; what earlier tests left in memory need not be walked through each time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _keep_our_modules() -> Iterator[None]:
    """NiceGUI's reset forgets the modules that hold page functions; ours hold the menu, and stay as they were."""
    rooms = ("aristobot", "services", "components", "pages")
    pages.load()
    entries, doors = dict(menu._pages), dict(menu._doors)
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in rooms}
    yield
    sys.modules.update(kept)
    menu._pages.clear()
    menu._pages.update(entries)
    menu._doors.update(doors)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """A data folder of its own with a migrated database; exchanges at an address where nobody answers."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "aristobot.db")
    return Settings.load({"data_dir": folder, "exchange_urls": NOWHERE, "webhook_port": 0}, {})


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[App]:
    """The house with its memory; nothing runs but what the test calls."""
    house = App(settings, clock)
    house.bus.adopt_loop()
    await house.kill_switch.load()
    yield house
    await house.stop()


@pytest.fixture
async def screen(user: User, app: App) -> User:
    """The simulated browser, with every page mounted for `app`."""
    shell.mount(app, Entrance(app.clock, app.accounts.sign_in, COOKIE), hosts={"test"})
    return user
