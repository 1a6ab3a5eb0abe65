"""The doorbell: `python -m aristobot`, and the installed command `aristobot`. It wires the command line to the pages."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aristobot import __version__
from aristobot.bootstrap import prepare, stranger

if TYPE_CHECKING:
    from aristobot.settings import Settings

#: Exit code of an insecure or invalid configuration.
MISCONFIGURED = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command of Aristobot; without one, `run`. Ends the process with the command's exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        print(__version__)
        raise SystemExit(0)
    prepare("aristobot", given)
    if (warning := stranger()) is not None:
        print(warning, file=sys.stderr)
        raise SystemExit(MISCONFIGURED)
    gc.disable()  # importing makes a multitude of objects that stay: looking through them is time lost
    from services import cli  # only now is everything there that it imports

    gc.enable()

    raise SystemExit(cli.main(given, open_house))


def open_house(settings: Settings) -> int:
    """Lock the data folder, open the logs, bring the memory up to date, and serve until somebody stops it; the exit code."""
    # NiceGUI reads this once, when it is imported
    os.environ["NICEGUI_STORAGE_PATH"] = str(settings.data_dir / "nicegui")
    from loguru import logger

    from aristobot import logs
    from aristobot.language import explain
    from aristobot.store.ground import weaknesses
    from aristobot.store.instance import InstanceLock
    from aristobot.store.migrate import upgrade_at_start
    from aristobot.store.restoring import sweep_leftovers
    from aristobot.store.shelf import Shelf

    lock = InstanceLock(settings)
    lock.acquire()
    log = logs.start(settings)
    try:
        for weakness in weaknesses(settings.database_url):
            logger.warning(explain(weakness.code, weakness.facts, "en"))
        sweep_leftovers(settings.database_url, shelf := Shelf.of(settings))
        upgrade_at_start(settings.database_url, shelf)
        import pages

        return pages.serve(settings, log)
    finally:
        log.close()
        lock.release()
        if settings.demo:
            shutil.rmtree(settings.data_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
