"""The native clients. A module dropped in here that defines a client class is found; nothing else has to be told."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import cast

from aristobot.exchange import Capabilities, ClientFactory
from services.exchanges.admission import admit, admit_name


def discover() -> dict[str, ClientFactory]:
    """Every client class in this folder, by the exchange's name, in alphabetical order; looked for once.

    Raise ConfigurationError for one that is not whole: a house that left it out would forget what rests there.
    """
    return dict(_found())


@cache
def _found() -> dict[str, ClientFactory]:
    found: dict[str, ClientFactory] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        file = f"{module.__name__.replace('.', '/')}.py"
        for member in vars(module).values():
            is_ours = isinstance(member, type) and member.__module__ == module.__name__
            if is_ours and isinstance(getattr(member, "capabilities", None), Capabilities):
                admit(member, file)
                client = cast(ClientFactory, member)
                admit_name(client, found, file)
                found[client.name] = client
    return dict(sorted(found.items()))
