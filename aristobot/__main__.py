"""The doorbell: `python -m aristobot`, and the installed command `aristobot`. It wires the command line to the pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aristobot.bootstrap import prepare, stranger

if TYPE_CHECKING:
    from aristobot.settings import Settings

#: Exit code of an insecure or invalid configuration.
MISCONFIGURED = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command of Aristobot; without one, `run`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    prepare("aristobot", given)
    if (warning := stranger()) is not None:
        print(warning, file=sys.stderr)
        raise SystemExit(MISCONFIGURED)
    from services import cli  # only now is everything there that it imports

    cli.main(given, open_house)


def open_house(settings: Settings) -> int:
    """Serve the pages, and with them everything else, until somebody stops it; the exit code."""
    # NiceGUI reads this once, when it is imported
    os.environ["NICEGUI_STORAGE_PATH"] = str(settings.data_dir / "nicegui")
    import pages

    return pages.serve(settings)


if __name__ == "__main__":
    main()
