"""The house in front of Kraken."""

from __future__ import annotations

from aristobot.clock import Clock
from aristobot.exchange import Endpoints
from services.exchanges.kraken import KrakenClient
from services.exchanges.transport import Timeouts
from tests.services.trading import TradingHouse


class QuickKraken(KrakenClient):
    """Kraken's client; it waits half a second for an answer."""

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, Timeouts(read=0.5))


class KrakenHouse(TradingHouse):
    """A house whose traders trade at Kraken."""

    exchange = "kraken"
    client = QuickKraken
