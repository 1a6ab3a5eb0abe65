"""Where the exchanges of a test are: every address of every exchange, so that no test ever asks the internet."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from aristobot.settings import address_variable
from services.simulator import discover
from services.simulator.server import endpoints_at
from services.simulator.world import Dialect


def exchange_urls(simulator: str) -> dict[str, dict[str, str]]:
    """The setting `exchange_urls` that leads to a simulator at this address."""
    return {name: asdict(endpoints_at(simulator, cast(Dialect, made))) for name, made in discover().items()}


def as_environment(urls: dict[str, dict[str, str]]) -> dict[str, str]:
    """The same as environment variables (contract: settings for exchanges)."""
    return {address_variable(exchange, part): url for exchange, addresses in urls.items() for part, url in addresses.items()}


#: Where nobody answers, and says so at once.
NOWHERE = exchange_urls("http://127.0.0.1:9")
