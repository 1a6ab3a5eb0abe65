"""A simulator and a client that speaks to it, for the tests of the Binance client."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from aristobot.clock import ManualClock
from aristobot.exchange import Credentials, Endpoints
from aristobot.orders import OcoRequest, OrderRequest, OrderType, Side
from services.exchanges.binance import BinanceClient
from services.exchanges.transport import Timeouts
from services.simulator.server import SimulatorServer
from tests.exchanges.messages import vectors

D = Decimal
QUICK = Timeouts(pool=0.5, connect=1.0, send=0.5, read=1.0)
#: For who calls so often at once that answers wait for the machine.
PATIENT = Timeouts(pool=60.0, connect=30.0, send=30.0, read=60.0, order=60.0)
HMAC = Credentials("hmac" + "a" * 60, "secret" + "b" * 58)
ED25519 = Credentials("ed25519" + "a" * 57, vectors()["ed25519_private_pem"])
_ids = itertools.count(1)


class House:
    """A simulator, a client that speaks to it, and two accounts with play money. A coin costs 100."""

    def __init__(self, clock: ManualClock, server: SimulatorServer) -> None:
        self.clock, self.server = clock, server
        host = server.url.removeprefix("http://")
        self.endpoints = Endpoints(f"http://{host}/binance", f"ws://{host}/binance", f"ws://{host}/binance/ws-api/v3")
        self.client = BinanceClient(clock, self.endpoints, QUICK)
        public = vectors()["ed25519_public_pem"]
        for keys, secret in ((HMAC, HMAC.api_secret), (ED25519, public)):
            server.venue.open_account("binance", keys.api_key, secret, {"USDT": D(10_000), "BTC": D(1)})

    def price(self, price: str) -> None:
        """Move the market."""
        self.server.world.feed.move("BTC/USDT", price)

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong."""
        self.server.world.faults.write(script)

    def requests(self, event: str) -> list[str]:
        """The paths, or socket methods, under which something was asked."""
        return [entry.path for entry in self.server.world.journal.entries if entry.event == event]


def new_id() -> str:
    """A client order id."""
    return f"{next(_ids):032x}"


def market(side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A market order for a tenth of a coin."""
    return OrderRequest(**{
        "client_order_id": new_id(), "symbol": "BTC/USDT", "side": side, "type": OrderType.MARKET, "quantity": D("0.1"), **differences
    })  # fmt: skip


def limit(price: str, side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A limit order for a tenth of a coin."""
    return market(side, **{"type": OrderType.LIMIT, "price": D(price), **differences})


def exits(quantity: str = "0.1") -> OcoRequest:
    """A stop at 90 and a target at 120."""
    stop = market(Side.SELL, type=OrderType.STOP_LOSS_LIMIT, stop_price=D(90), price=D("89.5"), quantity=D(quantity))
    target = limit("120", Side.SELL, quantity=D(quantity))
    return OcoRequest(new_id(), "BTC/USDT", D(quantity), stop, target)
