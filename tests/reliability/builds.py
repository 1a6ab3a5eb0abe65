"""How the house of the storm is built: the sound one, in which only waiting is shorter, and the broken ones (see `BUILDS`)."""

from __future__ import annotations

from collections.abc import Callable

from aristobot.clock import Clock
from aristobot.exchange import Endpoints
from services import order_resolver, trading_engine
from services.app import App
from services.exchanges.binance import BinanceClient
from services.exchanges.transport import Timeouts

#: The storm's exchanges hold a request or an answer back this long at most, in seconds; every wait below is beyond it.
LONGEST_DELAY = 0.25


class QuickBinance(BinanceClient):
    """Binance's client, with less patience for an exchange that is silent."""

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, Timeouts(read=4 * LONGEST_DELAY))


def hurry(app: App) -> None:
    """Wait as long as this storm's exchange needs, not as long as Binance may: the same rules, sooner."""
    app.gateway._factories["binance"] = QuickBinance
    order_resolver.ENGINE_MAX = order_resolver.REPLICA_LAG = 2 * LONGEST_DELAY
    order_resolver.CLOCK_SKEW = 0.1
    trading_engine.MOST_CLAIMS = trading_engine.MOST_CLAIMS_WITH_ORDERS = 1000  # here it is never the alert that kills


def _sound(app: App) -> None:
    """As it is sold."""


BUILDS: dict[str, Callable[[App], None]] = {"sound": _sound}
