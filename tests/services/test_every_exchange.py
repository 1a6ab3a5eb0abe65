"""What the house promises holds at every exchange that is discovered: what an alert buys is guarded at once, and sold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import Clock
from aristobot.exchange import Endpoints
from aristobot.store.trading_tables import PositionRow
from services.exchanges import discover
from services.exchanges.transport import Timeouts
from services.simulator.records import Account
from tests.exchanges.compliance import PASSPHRASE, Case, cases
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal
#: Less than this of a coin no exchange sells.
DUST = D("0.0001")


class AnyHouse(TradingHouse):
    """A house whose traders have accounts of one kind at one exchange."""

    mode: str

    async def trader(self, balances: dict[str, str] | None = None, **form: Any) -> Trader:
        """Somebody who pays no more above the market than every exchange allows."""
        asked = {one.name for one in discover()[self.exchange].capabilities.credential_fields}
        words = {"passphrase": PASSPHRASE} if "passphrase" in asked else {}
        return await super().trader(balances, **words | {"limits": {"collar_percent": "1.5"}} | form)

    def prepare(self, account: Account) -> None:
        """The account is of this kind."""
        account.mode, account.passphrase = self.mode, PASSPHRASE


def house_of(case: Case) -> type[AnyHouse]:
    """The house in front of an exchange whose client waits half a second for an answer."""
    made: Any = discover()[case.exchange]

    def quick(self: Any, clock: Clock, endpoints: Endpoints | None = None) -> None:
        made.__init__(self, clock, endpoints, Timeouts(read=0.5))

    client = type(f"Quick{made.__name__}", (made,), {"__init__": quick})
    return type("House", (AnyHouse,), {"exchange": case.exchange, "mode": case.mode, "client": client})


@pytest.fixture(params=cases(), ids=str)
async def there(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house before each kind of account in turn; a bitcoin costs 60,000."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=house_of(request.param)) as opened:
        yield opened


async def stop_at(house: TradingHouse, trader: Trader, price: str) -> None:
    """Wait until one stop rests, at this price, over all that can be sold of the position."""

    async def look() -> bool:
        held, resting = (await house.position(trader)).quantity, await house.resting(trader)
        stops = [(quantity, at) for role, quantity, at in resting if role == "stop"]
        return [at for _, at in stops] == [D(price)] and held - DUST < stops[0][0] <= held

    await house.when(look)


async def sold_out(house: TradingHouse, trader: Trader) -> PositionRow:
    """The position once it is closed, when nothing rests any more and nothing is left of the coins."""
    closed = await house.closed(trader)
    await house.until(lambda: not [one for one in trader.orders() if one.is_open])
    assert trader.total("BTC") < DUST
    return closed


async def test_an_alert_buys_its_stop_moves_in_its_turn_and_its_target_sells(there: TradingHouse) -> None:
    trader = await there.trader()
    await there.buy(trader, stop_loss="57000", take_profit="61000")
    await stop_at(there, trader, "57000")
    await there.alert(trader, action="MAJ", stop_loss="58500")
    await stop_at(there, trader, "58500")
    there.price("61100")
    assert (await sold_out(there, trader)).realised > 0


async def test_an_entry_without_an_answer_is_found_and_its_stop_sells(there: TradingHouse) -> None:
    trader = await there.trader()
    there.faults({"on": "order.place", "do": "accept_then_hang", "exchange": there.exchange})
    await there.alert(trader, action="BuyMarket", percent=50, stop_loss="57000")
    await stop_at(there, trader, "57000")
    (entry,) = await there.rows(trader, side="buy")
    assert there.asked("order.place").count(entry.client_order_id) == 1
    there.price("56900")
    assert (await sold_out(there, trader)).realised < 0
