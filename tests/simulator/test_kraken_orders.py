"""Orders on the simulated Kraken: what they hold, what fills them, what they cost, over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from aristobot.clock import ManualClock
from aristobot.money import ZERO
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD and 1 BTC."""
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    async with KrakenSpeaker(simulator) as speaker:
        yield speaker


async def test_a_market_buy_is_filled_at_the_ask_and_pays_its_fee_in_quote(owner: KrakenSpeaker) -> None:
    txid = await owner.order("buy", "market", "0.01")
    found = await owner.status(txid)
    assert (found["status"], found["vol_exec"], found["price"]) == ("closed", "0.01000000", "60000.10000")
    assert Decimal(found["cost"]) == Decimal("600.001")
    assert Decimal(found["fee"]) == Decimal("600.001") * Decimal("0.004")
    assert await owner.held("XXBT") == (Decimal("1.01"), ZERO)
    assert await owner.held("ZUSD") == (Decimal(10_000) - Decimal("600.001") - Decimal("2.400004"), ZERO)


async def test_a_resting_buy_holds_its_price_and_its_fee(owner: KrakenSpeaker) -> None:
    txid = await owner.order("buy", "limit", "0.01", price="50000")
    assert await owner.held("ZUSD") == (Decimal(10_000), Decimal("502.0"))
    assert list((await owner.ask("OpenOrders"))["open"]) == [txid]
    assert await owner.ask("CancelOrder", txid=txid) == {"count": 1}
    assert await owner.held("ZUSD") == (Decimal(10_000), ZERO)


async def test_orders_come_and_go_over_the_private_socket(owner: KrakenSpeaker, clock: ManualClock) -> None:
    async with owner.private() as socket:
        assert (await socket.call("subscribe", channel="executions"))["success"]
        assert (await socket.next("executions"))["data"] == []
        answer = await socket.call(
            "add_order", order_type="limit", side="buy", symbol="BTC/USD", order_qty=0.01, limit_price=50000, cl_ord_id="a" * 32
        )
        assert answer["success"]
        assert [m["data"][0]["exec_type"] for m in socket.pushed] == ["pending_new", "new"]
        answer = await socket.call("cancel_order", cl_ord_id=["a" * 32])
        assert answer["success"], answer
