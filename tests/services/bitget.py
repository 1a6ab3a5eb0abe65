"""The house in front of Bitget, whose accounts are classic or unified."""

from __future__ import annotations

from typing import Any

from aristobot.clock import Clock
from aristobot.exchange import Endpoints
from services.exchanges.bitget import BitgetClient
from services.exchanges.transport import Timeouts
from services.simulator.records import Account
from tests.services.trading import Trader, TradingHouse


class QuickBitget(BitgetClient):
    """Bitget's client; it waits half a second for an answer."""

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, Timeouts(read=0.5))


class ClassicHouse(TradingHouse):
    """A house whose traders have classic accounts."""

    exchange = "bitget"
    client = QuickBitget
    mode = "classic"

    async def trader(self, balances: dict[str, str] | None = None, **form: Any) -> Trader:
        """Somebody whose keys have a passphrase, and who pays no more above the market than Bitget allows."""
        form["limits"] = {"collar_percent": "1.5"} | form.get("limits", {})
        return await super().trader(balances, **{"passphrase": "open sesame"} | form)

    def prepare(self, account: Account) -> None:
        """The account is of this kind, and its key has a passphrase."""
        account.mode, account.passphrase = self.mode, "open sesame"


class UnifiedHouse(ClassicHouse):
    """A house whose traders have unified accounts."""

    mode = "unified"
