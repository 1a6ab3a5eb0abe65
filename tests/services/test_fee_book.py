"""An account's own fees: counted with where an order must leave room for them, shown where it is planned."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.exchange import Fees
from aristobot.orders import OrderStatus, OrderType, Side
from services.known_fees import known_fees
from services.order_draft import PlaceOrder
from services.order_ticket import Plan, Ticket, TicketKind
from tests.services.kraken import KrakenHouse
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house whose traders trade at Kraken, which takes its fee on top of a buy's price."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as opened:
        yield opened


async def planned(house: TradingHouse, trader: Trader) -> Plan:
    """A hundredth of a coin at a limit of 50,000, as the form shows it."""
    ticket = Ticket(trader.broker_id, "BTC/USDT", Side.BUY, TicketKind.LIMIT, D("0.01"), price=D(50000))
    return await house.app.hand.plan(trader.user_id, ticket)


async def test_plans_count_with_the_accounts_own_fee_which_is_asked_for_once(house: TradingHouse) -> None:
    trader = await house.trader()
    trader.account.own_rates = (D("0.001"), D("0.0018"))
    for _ in range(3):
        plan = await planned(house, trader)
        assert (plan.fee, plan.own_fees) == (D("0.9"), True)
    asked = [entry for entry in house.simulator.world.journal.entries if entry.path.endswith("/TradeVolume")]
    assert len(asked) == 1


async def test_two_accounts_never_see_each_others_fees(house: TradingHouse) -> None:
    dear, cheap = await house.trader(), await house.trader()
    dear.account.own_rates, cheap.account.own_rates = (D("0.004"), D("0.008")), (D(0), D("0.001"))
    assert [(await planned(house, one)).fee for one in (dear, cheap, dear)] == [D(4), D("0.5"), D(4)]


async def test_where_the_exchange_does_not_tell_the_public_rates_count_and_the_plan_says_so(house: TradingHouse) -> None:
    trader = await house.trader()
    trader.account.own_rates = (D("0.001"), D("0.0018"))
    house.faults({"on": "fees", "do": "-1006", "times": 0})
    plan = await planned(house, trader)
    assert (plan.fee, plan.own_fees) == (D(2), False)


async def test_a_run_on_the_past_is_offered_the_fees_of_the_users_own_account_and_of_no_other(house: TradingHouse) -> None:
    trader, other = await house.trader(), await house.trader()
    trader.account.own_rates = (D("0.001"), D("0.0018"))
    other.account.own_rates = (D("0.002"), D("0.003"))
    found = await known_fees(house.app.floor, trader.user_id, "kraken", "BTC/USDT")
    listed = await house.app.catalog.instrument("kraken", "BTC/USDT")
    assert found.own == Fees(D("0.001"), D("0.0018"))
    assert found.pair == Fees(listed.maker_fee, listed.taker_fee)
    house.faults({"on": "fees", "do": "-1006", "times": 0})
    assert (await known_fees(house.app.floor, other.user_id, "kraken", "BTC/USDT")).own is None
    assert (await known_fees(house.app.floor, trader.user_id, "kraken", "NONE/USDT")).pair is None


async def test_all_the_money_is_spent_with_room_for_a_fee_above_the_public_one(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "1000"}, limits={"collar_percent": "0.1"})
    trader.account.own_rates = (D("0.01"), D("0.02"))
    await planned(house, trader)
    wish = PlaceOrder(
        broker_id=trader.broker_id,
        symbol="BTC/USDT",
        side=Side.BUY,
        type=OrderType.MARKET,
        quote_quantity=D(1000),
        cause=uuid.uuid4(),
    )
    row = await house.app.desk.place(trader.user_id, wish)
    assert row.status is OrderStatus.FILLED
    assert D(0) <= trader.total("USDT") < D(5)
