"""Floor 4: where the user goes — one file, one page. This room finds its own files, and opens the house."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from aristobot.imports import without

if TYPE_CHECKING:
    from aristobot.logs import Logs
    from aristobot.settings import Settings

#: What the library over which NiceGUI speaks to browsers brings along for its clients. The house is always the server.
_CLIENTS = ("requests", "aiohttp", "tornado", "websocket")


def load(users_folder: Path | None = None) -> None:
    """Import every page, ours and those in the user's own folder; one that cannot be imported becomes a red menu entry."""
    for module in pkgutil.iter_modules(__path__):
        _import(module.name, partial(importlib.import_module, f"{__name__}.{module.name}"))
    for path in sorted(users_folder.glob("*.py")) if users_folder is not None and users_folder.is_dir() else ():
        if not path.name.startswith("_"):
            _import(path.stem, partial(_import_file, path))


def serve(settings: Settings, log: Logs) -> int:
    """Open the house: every service, the API, the pages. Returns the exit code when somebody has stopped it.

    `log` is the log of the process, which a page shows.
    """
    leave_clients_out()
    gc.disable()  # thousands of new objects and nothing to collect: the front door switches it on again
    from aristobot.clock import SystemClock
    from components import front_door
    from services.app import App

    load(settings.data_dir / "pages")
    app = App(settings, SystemClock())
    app.log_tail.follow(log)
    return front_door.serve(app)


def leave_clients_out() -> None:
    """Before NiceGUI is imported: a fifth of a start and 17 MB are for what the house never is."""
    with without(*_CLIENTS):
        importlib.import_module("socketio")


def _import(name: str, importing: Callable[[], object]) -> None:
    from components import menu

    try:
        importing()
    except Exception:  # whatever is wrong with one page, the others open
        logger.exception("The page {} could not be imported", name)
        menu.broken(name, traceback.format_exc())


def _import_file(path: Path) -> None:
    name = f"aristobot_user_page_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
