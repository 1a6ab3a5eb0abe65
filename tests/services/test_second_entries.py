"""A second entry by alert has the whole position guarded as it asks, whatever happens to the house between fill and exits."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from aristobot.kinds import WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, Side
from aristobot.store import webhooks
from tests.services.trading import D, Trader, TradingHouse

FIRST: dict[str, Any] = {"action": "BuyMarket", "percent": 50, "stop_loss": "59000", "take_profit": "62000"}
SECOND: dict[str, Any] = {**FIRST, "stop_loss": "58000", "take_profit": "63000"}


@pytest.fixture
async def builder(house: TradingHouse) -> Trader:
    """Somebody who holds a first entry with its exits, and allows a second."""
    trader = await house.trader(limits={"pyramiding": True})
    await house.buy(trader, **FIRST)
    await guards(house, trader, "59000", "62000")
    return trader


async def guards(house: TradingHouse, trader: Trader, stop: str, target: str) -> None:
    """Wait until all that is held rests under this stop, and is to be sold at this target."""

    async def look() -> bool:
        held, bracket = await house.position(trader), await house.bracket(trader)
        stops = [one for one in await house.resting(trader) if one[0] == "stop"]
        resting = [(quantity, price) for _, quantity, price in stops if D("0.99") * held.quantity <= quantity <= held.quantity]
        wanted = bracket is not None and bracket.targets == [["100", target]]
        return wanted and [price for _, price in resting] == [D(stop)] and len(stops) == 1

    await house.when(look)


async def unfinished(house: TradingHouse, trader: Trader, alert_id: uuid.UUID, command: dict[str, Any]) -> None:
    """Leave an alert as a crash leaves it after its order was filled, before its exits were asked for."""

    def work(session: Any) -> None:
        row = webhooks.get(session, alert_id)
        row.status, row.outcome, row.payload = WebhookStatus.PROCESSING, None, json.dumps(command).encode()
        session.add(row)

    await house.app.db.write(trader.user_id, work)


async def test_a_house_killed_before_it_heard_of_a_second_fill_moves_the_exits_at_its_next_start(
    house: TradingHouse, builder: Trader
) -> None:
    house.faults({"on": "order.place", "do": "slow_reply", "seconds": 30})
    alert_id = await house.send(builder, {"symbol": "BTCUSDT"} | SECOND)
    await house.until(lambda: len(builder.orders(side=Side.BUY, status=OrderStatus.FILLED)) == 2)
    await house.restart(meanwhile=house.no_faults)
    assert (await house.ended(alert_id)).outcome == WebhookOutcome.ORDERED
    await guards(house, builder, "58000", "63000")
    assert len(builder.orders(side=Side.BUY)) == 2


async def test_a_house_killed_between_a_second_fill_and_its_exits_moves_them_at_its_next_start(
    house: TradingHouse, builder: Trader
) -> None:
    bare = {key: value for key, value in SECOND.items() if key not in ("stop_loss", "take_profit")}
    ended = await house.alert(builder, **bare)
    await guards(house, builder, "59000", "62000")
    await unfinished(house, builder, ended.id, {"symbol": "BTCUSDT"} | SECOND)
    await house.restart()
    assert (await house.ended(ended.id)).outcome == WebhookOutcome.ORDERED
    await guards(house, builder, "58000", "63000")


async def test_exits_that_were_moved_after_a_second_entry_stay_when_its_alert_is_finished_late(
    house: TradingHouse, builder: Trader
) -> None:
    ended = await house.alert(builder, **SECOND)
    await guards(house, builder, "58000", "63000")
    await house.alert(builder, action="MAJ", stop_loss="58500")
    await guards(house, builder, "58500", "63000")
    await unfinished(house, builder, ended.id, {"symbol": "BTCUSDT"} | SECOND)
    await house.restart()
    assert (await house.ended(ended.id)).outcome == WebhookOutcome.ORDERED
    await guards(house, builder, "58500", "63000")


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_second_entry_that_is_filled_late_brings_its_exits(house: TradingHouse, builder: Trader, restarted: bool) -> None:
    await house.alert(builder, **SECOND | {"action": "BuyLimit", "price": 59500})
    if restarted:
        await house.restart(meanwhile=lambda: house.price("59400"))
    else:
        house.price("59400")
    await guards(house, builder, "58000", "63000")
    assert len(builder.orders(side=Side.BUY, status=OrderStatus.FILLED)) == 2


async def test_exits_that_were_moved_while_a_second_entry_rested_are_newer_than_its_own(
    house: TradingHouse, builder: Trader
) -> None:
    await house.alert(builder, **SECOND | {"action": "BuyLimit", "price": 59500})
    await house.alert(builder, action="MAJ", stop_loss="58500", take_profit="64000")
    house.price("59400")
    await house.until(lambda: len(builder.orders(side=Side.BUY, status=OrderStatus.FILLED)) == 2)
    await guards(house, builder, "58500", "64000")
