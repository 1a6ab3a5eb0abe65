"""The doorbell: `python -m aristobot`, and the installed command `aristobot`. It wires the command line to the pages."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aristobot.bootstrap import prepare, stranger

if TYPE_CHECKING:
    from aristobot.errors import AristobotError
    from aristobot.settings import Settings

FAILED, IN_USE, UNREACHABLE, MISCONFIGURED, DAMAGED = 1, 3, 4, 5, 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command of Aristobot; without one, `run`. What hinders it is one sentence and an exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    prepare("aristobot", given)
    if (warning := stranger()) is not None:
        print(warning, file=sys.stderr)
        raise SystemExit(MISCONFIGURED)
    from aristobot.errors import AristobotError  # only now is everything there that these import
    from aristobot.language import explain
    from services import cli

    try:
        cli.main(given, open_house)
    except AristobotError as error:
        print(explain(error), file=sys.stderr)
        raise SystemExit(exit_code(error)) from None


def open_house(settings: Settings) -> int:
    """Lock the data folder, open the logs, bring the memory up to date, and serve until somebody stops it; the exit code."""
    # NiceGUI reads this once, when it is imported
    os.environ["NICEGUI_STORAGE_PATH"] = str(settings.data_dir / "nicegui")
    from aristobot import logs
    from aristobot.store.instance import InstanceLock
    from aristobot.store.migrate import upgrade_at_start

    lock = InstanceLock(settings)
    lock.acquire()
    log = logs.start(settings)
    try:
        upgrade_at_start(settings.database_url, settings.data_dir / "backups")
        import pages

        return pages.serve(settings)
    finally:
        log.close()
        lock.release()
        if settings.demo:
            shutil.rmtree(settings.data_dir, ignore_errors=True)


def exit_code(error: AristobotError) -> int:
    """What a service manager or a script sees of an error."""
    from aristobot.errors import ConfigurationError, InstanceRunning, StoreDamaged, StoreError

    codes = {InstanceRunning: IN_USE, StoreDamaged: DAMAGED, StoreError: UNREACHABLE, ConfigurationError: MISCONFIGURED}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED)


if __name__ == "__main__":
    main()
