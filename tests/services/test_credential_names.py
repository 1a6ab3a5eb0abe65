"""The exchanges of the world: asked of CCXT in a process of its own, kept in a file, and CCXT never in the house itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.events import ExchangesListed
from services.credential_names import CredentialNames, Listed
from services.exchanges import discover
from tests.house import ROOT

_HOUSE = """
import asyncio, pages, sys
from pathlib import Path
from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.shelf import Shelf
from components import shell
from services.api import application
from services.app import App

async def live():
    settings = Settings.load({"data_dir": sys.argv[1], "webhook_port": 0, "demo": True}, {})
    upgrade_at_start(settings.database_url, Shelf.of(settings))
    app = App(settings, SystemClock())
    application.build(app)
    pages.load()
    await app.start()
    await app.floor.ready.wait()
    listed = await app.credential_names.listed()
    await app.stop()
    return len(listed)

print(asyncio.run(live()), sorted(name for name in sys.modules if name.partition(".")[0] == "ccxt"))
"""


async def test_the_world_is_read_from_its_file_and_what_ours_ask_for_is_in_it(tmp_path: Path) -> None:
    bus, told = Bus(), list[ExchangesListed]()
    bus.adopt_loop()
    bus.listen(ExchangesListed, do=told.append)
    first = CredentialNames(tmp_path, bus, ManualClock())
    assert first.known() == ()
    found = {one.name: one for one in await first.listed()}
    again = CredentialNames(tmp_path, bus, ManualClock())
    kept = await again.listed()

    assert len(told) == 2
    assert {one.name for one in kept} == found.keys()
    for name, factory in discover().items():
        asked = tuple(field.name for field in factory.capabilities.credential_fields)
        assert found[name] == Listed(name, found[name].title, asked)
    assert len(found) > 50


async def test_a_damaged_file_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "exchanges.json").write_bytes(b'{"ccxt": 1')
    names = CredentialNames(tmp_path, Bus(), ManualClock())
    assert len(await names.listed()) > 50
    await names.close()


def test_a_running_house_never_imports_ccxt(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HOUSE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    count, _, modules = done.stdout.splitlines()[-1].partition(" ")
    assert (int(count) > 50, modules) == (True, "[]")
