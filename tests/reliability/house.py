"""Houses that can be killed: without their screen, born in milliseconds from a parent that has everything imported already.

`python -m tests.reliability.house` reads one JSON object per line, `{"name", "build", "act", "settings": {…}}`, lets a child live
by it, and says on standard output when one is `born`, `ready` and `dead`. A child is a process of its own: lock, migration, App,
or a single act. That the parent took two seconds to have traded herself saves every life a fifth of one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from loguru import logger

from aristobot import logs
from aristobot.clock import SystemClock
from aristobot.settings import Settings
from aristobot.store.instance import InstanceLock
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.restoring import restore
from aristobot.store.safekeeping import backup
from aristobot.store.shelf import Shelf
from services.app import App
from services.key_rotation import rotate
from tests.reliability.builds import BUILDS, hurry
from tests.reliability.rehearsal import rehearse_trading

#: The product's loop, looked up here: each child would read the library from the disk by itself.
_A_LOOP = uvicorn.Config("", loop="auto").get_loop_factory()
#: What a child may do instead of living: acts that must survive being cut short.
ACTS: dict[str, Callable[[Settings], object]] = {
    "upgrade": lambda settings: upgrade_at_start(settings.database_url, Shelf.of(settings)),
    "backup": lambda settings: backup(
        settings.database_url, settings.data_dir / "backups" / "by-hand.backup", Shelf.of(settings), SystemClock().now()
    ),
    "restore": lambda settings: restore(
        settings.database_url, settings.data_dir / "backups" / "by-hand.backup", Shelf.of(settings), SystemClock().now(), by="Ann"
    ),
    "rotate": rotate,
}


def say(**words: object) -> None:
    """One line to whoever asked; a pipe takes it whole."""
    os.write(1, json.dumps(words).encode() + b"\n")


def main() -> None:
    """Give birth to houses, and bury them, until the input ends."""
    _rehearse()
    rehearse_trading()
    gc.collect()
    gc.freeze()
    bell, ringer = os.pipe()
    os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    names: dict[int, str] = {}
    unread = b""
    while True:
        ready, _, _ = select.select([0, bell], [], [])
        if bell in ready:
            os.read(bell, 4096)
            _bury(names)
        if 0 in ready:
            heard = os.read(0, 65536)
            if not heard:
                break
            *lines, unread = (unread + heard).split(b"\n")
            for line in lines:
                order = json.loads(line)
                pid = os.fork()
                if not pid:
                    _live(order)
                names[pid] = order["name"]
    for pid in names:
        os.kill(pid, signal.SIGKILL)


def _rehearse() -> None:
    """Do once, in vain and without any thread, what every life begins with: each child inherits what that leaves in memory."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({"data_dir": folder}, {})
        upgrade_at_start(settings.database_url, Shelf.of(settings))
        App(settings, SystemClock())


def _bury(names: dict[int, str]) -> None:
    for pid in list(names):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            say(event="dead", name=names.pop(pid), pid=pid, status=os.waitstatus_to_exitcode(status))


def _live(order: dict[str, Any]) -> None:
    """The whole life of a house; never returns."""
    begun = time.perf_counter()
    say(event="born", name=order["name"], pid=os.getpid())  # by itself: its parent might say so after it is ready
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    settings = Settings.load(order["settings"], {})
    written = logs.start(settings, console=False)
    status = 1
    try:
        if order["act"]:
            say(event="ready", name=order["name"], pid=os.getpid(), seconds=0.0)
            ACTS[order["act"]](settings)
            os._exit(0)
        else:
            InstanceLock(settings).acquire()
            upgrade_at_start(settings.database_url, Shelf.of(settings))
            with asyncio.Runner(loop_factory=_A_LOOP) as runner:
                runner.run(_serve(settings, order, begun))
        status = 0
    finally:
        if status:
            logger.opt(exception=sys.exc_info()).critical("The house fell")
        written.close()
        os._exit(status)


async def _serve(settings: Settings, order: dict[str, Any], begun: float) -> None:
    app = App(settings, SystemClock())
    hurry(app)
    BUILDS[order["build"]](app)
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    await app.start()
    await app.floor.ready.wait()
    say(event="ready", name=order["name"], pid=os.getpid(), seconds=round(time.perf_counter() - begun, 3))
    await told_to_stop.wait()
    await app.stop()


if __name__ == "__main__":
    main()
