"""The native clients. A module dropped in here that defines a client class is found; nothing else has to be told."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import cast

from aristobot.exchange import Capabilities, ClientFactory


def discover() -> dict[str, ClientFactory]:
    """Every client class in this folder, by the exchange's name, in alphabetical order."""
    found: dict[str, ClientFactory] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__ and isinstance(getattr(member, "capabilities", None), Capabilities):
                client = cast(ClientFactory, member)
                found[client.name] = client
    return dict(sorted(found.items()))
