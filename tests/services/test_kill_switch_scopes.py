"""Every level in every scope: which entries stop, whose go on, and that a way out is never closed."""

from __future__ import annotations

import itertools
import uuid
from decimal import Decimal

import pytest

from aristobot.kinds import HaltLevel, HaltScope, OrderRole
from aristobot.orders import OrderType, Side
from services.order_draft import PlaceOrder
from tests.services.trading import Trader, TradingHouse

D = Decimal
STRATEGY = uuid.uuid4()
HAND, PLAN = "manual", f"strategy:{STRATEGY}"


def stopped(scope: HaltScope) -> set[tuple[str, str]]:
    """Of Alice's and Bob's entries, by hand and by a strategy: those that a halt of Alice's in this scope stops."""
    everything = set(itertools.product(("alice", "bob"), (HAND, PLAN)))
    return {
        HaltScope.ALL: everything,
        HaltScope.USER: {("alice", HAND), ("alice", PLAN)},
        HaltScope.BROKER: {("alice", HAND), ("alice", PLAN)},
        HaltScope.STRATEGY: {("alice", PLAN), ("bob", PLAN)},
    }[scope]


async def refused(house: TradingHouse, trader: Trader, side: Side, owner: str) -> str:
    """Why an order would not go; empty when it would."""
    role = OrderRole.ENTRY if side is Side.BUY else OrderRole.EXIT
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", side, OrderType.MARKET, quantity=D("0.01"), role=role, owner=owner)
    refusal = (await house.app.desk.preview(trader.user_id, wish)).refusal
    return refusal.code if refusal is not None else ""


@pytest.mark.parametrize("level", list(HaltLevel))
async def test_a_halt_stops_the_entries_in_its_scope_and_no_exit(house: TradingHouse, level: HaltLevel) -> None:
    money = {"USDT": "10000", "BTC": "1"}
    people = {"alice": await house.trader(money), "bob": await house.trader(money)}
    alice = people["alice"]
    ids = {HaltScope.USER: alice.user_id, HaltScope.BROKER: alice.broker_id, HaltScope.STRATEGY: STRATEGY}
    for scope in HaltScope:
        halt = await house.app.kill_switch.set(scope, ids.get(scope), level, by="the test")
        everybody = list(itertools.product(people, (HAND, PLAN)))
        codes = {(name, owner): await refused(house, people[name], Side.BUY, owner) for name, owner in everybody}
        assert {who for who, code in codes.items() if code} == stopped(scope), scope
        assert {code for code in codes.values() if code} == {"halted"}
        for name, owner in everybody:
            assert not await refused(house, people[name], Side.SELL, owner), (scope, name, owner)
        await house.app.kill_switch.release(halt.id, by="the test")
    assert not await refused(house, alice, Side.BUY, HAND)
