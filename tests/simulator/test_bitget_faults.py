"""Misfortunes happen to Bitget as to the others, and the journal and the tripwires see its traffic."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from aristobot.clock import ManualClock
from services.simulator.journal import Tripwires
from services.simulator.server import SimulatorServer
from tests.simulator.bitget_speaker import V2, V3, BitgetSpeaker

PLACE = f"{V2}/place-order"
BUY = {"symbol": "BTCUSDT", "side": "buy", "orderType": "market", "size": "600", "clientOid": "mine"}
STOP = {"symbol": "BTCUSDT", "side": "sell", "orderType": "market", "triggerPrice": "55000", "size": "0.5", "clientOid": "mine"}


async def accepted(owner: BitgetSpeaker) -> int:
    """How many orders the venue has."""
    return len((await owner.ledger())["orders"])


@pytest.mark.parametrize(("kind", "orders"), [("refuse", 0), ("disconnect", 1), ("short_body", 1)])
@pytest.mark.parametrize(("path", "body"), [(PLACE, BUY), (f"{V2}/place-plan-order", STOP)])
async def test_a_connection_is_cut_before_or_after_the_order_is_taken(
    classic: BitgetSpeaker, kind: str, orders: int, path: str, body: dict[str, str]
) -> None:
    await classic.script({"on": "order.place", "do": kind})
    with pytest.raises(httpx.RemoteProtocolError):
        await classic.post(path, **body)
    assert await accepted(classic) == orders


@pytest.mark.parametrize(
    ("fault", "status", "code", "unified_code", "orders"),
    [
        ({"do": "refuse_5xx", "status": 502}, 502, None, None, 0),
        ({"do": "accept_then_5xx"}, 504, None, None, 1),
        ({"do": "-1006"}, 400, "40725", "25000", 1),
        ({"do": "-1007"}, 400, "40010", "25001", 1),
        ({"do": "-1007", "accept": False}, 400, "40010", "25001", 0),
        ({"do": "-1008"}, 400, "40200", "25003", 0),
        ({"do": "429", "retry_after": 7}, 429, "429", "429", 0),
        ({"do": "418"}, 429, "429", "429", 0),
    ],
)
async def test_an_answer_is_wrong_and_the_order_is_taken_or_not(
    classic: BitgetSpeaker,
    simulator: SimulatorServer,
    fault: dict[str, Any],
    status: int,
    code: str | None,
    unified_code: str | None,
    orders: int,
) -> None:
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "sell", "orderType": "market", "qty": "0.1", "clientOid": "mine"}
    for path, body, told in ((PLACE, BUY, code), (f"{V3}/place-order", order, unified_code)):
        balances = {"USDT": Decimal(10_000), "BTC": Decimal(1)}
        account = simulator.venue.open_account("bitget", "key-one", "secret-one", balances)
        account.passphrase, account.mode = "pass-one", "classic" if path == PLACE else "unified"
        await classic.script({"on": "order.place", **fault})
        answer = await classic.post(path, **body)
        assert answer.status_code == status
        if told is None:
            assert answer.headers["content-type"] == "text/html"
        else:
            assert answer.json()["code"] == told
        assert await accepted(classic) == orders
        assert (await classic.requests())[-1]["fault"] == fault["do"]


async def test_an_order_is_taken_and_its_answer_never_comes(classic: BitgetSpeaker) -> None:
    await classic.script({"on": "order.place", "do": "accept_then_hang"})
    classic.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        await classic.post(PLACE, **BUY)
    (found,) = await classic.read(f"{V2}/orderInfo", clientOid="mine")
    assert found["status"] == "filled"
    assert [(one["exchange"], one["event"], one["client_order_id"], one["outcome"]) for one in await classic.requests()] == [
        ("bitget", "order.place", "mine", "hung"),
        ("bitget", "order.status", "mine", "200"),
    ]


@pytest.mark.parametrize("kind", ["slow", "slow_reply", "delayed_accept"])
async def test_an_order_comes_late_or_its_answer_does(classic: BitgetSpeaker, clock: ManualClock, kind: str) -> None:
    await classic.script({"on": "order.place", "do": kind, "seconds": 2})
    placing = asyncio.ensure_future(classic.post(PLACE, **BUY))
    while not await classic.requests():
        await clock.sleep(0)
    assert await accepted(classic) == (1 if kind == "slow_reply" else 0)
    await clock.advance(2)
    answer = await placing
    assert await accepted(classic) == 1
    assert answer.json()["code"] == ("40010" if kind == "delayed_accept" else "00000")


async def test_a_request_that_was_too_slow_for_its_window_is_not_taken(classic: BitgetSpeaker, clock: ManualClock) -> None:
    await classic.script({"on": "order.place", "do": "slow", "seconds": 6})
    placing = asyncio.ensure_future(classic.post(PLACE, **BUY, requestTime=str(classic.now()), receiveWindow="5000"))
    while not await classic.requests():
        await clock.sleep(0)
    await clock.advance(6)
    assert (await placing).json()["code"] == "40078"
    assert await accepted(classic) == 0


async def test_reads_lag_behind_an_order(classic: BitgetSpeaker, clock: ManualClock) -> None:
    await classic.script({"on": "order.place", "do": "lagging_reads", "seconds": 5})
    await classic.do(f"{V2}/place-plan-order", **STOP)
    assert (await classic.read(f"{V2}/current-plan-order"))["orderList"] == []
    await clock.advance(5)
    assert len((await classic.read(f"{V2}/current-plan-order"))["orderList"]) == 1
    await classic.script({"on": "order.place", "do": "accept_then_5xx", "lag": 5})
    await classic.post(PLACE, **BUY | {"clientOid": "hidden"})
    assert await classic.read(f"{V2}/orderInfo", clientOid="hidden") == await classic.read(f"{V2}/fills") == []
    await clock.advance(5)
    assert len(await classic.read(f"{V2}/orderInfo", clientOid="hidden")) == len(await classic.read(f"{V2}/fills")) == 1


async def test_only_a_part_is_filled_and_the_rest_is_cancelled(classic: BitgetSpeaker) -> None:
    await classic.script({"on": "order.place", "do": "partial_fill", "fraction": "0.4", "rest": "expire"})
    await classic.do(PLACE, symbol="BTCUSDT", side="sell", orderType="market", size="0.1", clientOid="mine")
    (order,) = await classic.read(f"{V2}/orderInfo", clientOid="mine")
    assert (order["status"], Decimal(order["baseVolume"])) == ("cancelled", Decimal("0.04"))


async def test_a_fault_of_another_exchange_or_key_is_not_ours(classic: BitgetSpeaker) -> None:
    await classic.script({"on": "any", "do": "refuse", "exchange": "binance"}, {"on": "any", "do": "refuse", "key": "other"})
    await classic.do(PLACE, **BUY)


async def test_the_wires_are_pulled_by_orders_cancels_plans_and_fills(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    fired: list[str] = []

    class Listening(Tripwires):
        def fire(self, event: str) -> None:
            fired.append(event)

    simulator.world.tripwires = Listening()
    await classic.do(f"{V2}/place-plan-order", **STOP)
    await classic.do(f"{V2}/modify-plan-order", clientOid="mine", triggerPrice="56000", orderType="market", size="0.4")
    await classic.do(f"{V2}/cancel-plan-order", clientOid="mine")
    await classic.refused(f"{V2}/cancel-plan-order", clientOid="mine")
    await classic.do(PLACE, **BUY)
    wanted = [one for one in fired if one != "request.received"]
    assert wanted == [
        "order.received", "order.accepted", "order.replied",
        "amend.received", "amend.done", "amend.replied",
        "cancel.received", "cancel.done", "cancel.replied",
        "cancel.received", "cancel.replied",
        "order.received", "fill.done", "order.accepted", "order.replied",
    ]  # fmt: skip


async def test_chance_disturbs_bitget_too(classic: BitgetSpeaker) -> None:
    body = {"rate": 1.0, "seed": 3, "kinds": ["refuse_5xx"], "events": ["order.*"]}
    (await classic.control.post("/faults", json=body)).raise_for_status()
    assert (await classic.post(PLACE, **BUY)).status_code == 503
    await classic.control.delete("/faults")
    assert (await classic.post(PLACE, **BUY)).status_code == 200


async def test_a_ready_account_looks_at_itself(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    account = simulator.dialects["bitget"].ready_account()
    classic.key, classic.secret, classic.passphrase = account.key, account.secret, str(account.passphrase)
    assert {one["coin"] for one in await classic.read("/api/v2/spot/account/assets")} == {"USDT", "EUR", "BTC", "ETH"}


async def test_every_coin_is_accounted_for_after_a_day_of_plans_and_orders(
    classic: BitgetSpeaker, simulator: SimulatorServer, clock: ManualClock
) -> None:
    simulator.world.feed.walk(on=True, seed=11, speed=40)
    for number in range(30):
        last = simulator.world.feed.tapes["BTC/USDT"].last
        trigger = str((last * Decimal("0.999")).quantize(Decimal("0.01")))
        await classic.post(PLACE, **BUY | {"size": "200", "clientOid": f"buy-{number}"})
        await classic.post(
            f"{V2}/place-plan-order", **STOP | {"triggerPrice": trigger, "size": "0.05", "clientOid": f"stop-{number}"}
        )
        await clock.advance(20)
    account = simulator.venue.accounts["bitget", "key-one"]
    for asset, sign in (("BTC", 1), ("USDT", -1)):
        moved = sum(
            (fill.quantity if asset == "BTC" else fill.value) * (1 if fill.order.side.value == "buy" else -1)
            for fill in account.fills
        )
        paid = sum(fill.fee for fill in account.fills if fill.fee_asset == asset)
        holding = account.holding(asset)
        assert holding.free + holding.locked == account.deposited[asset] + sign * moved - paid
        assert min(holding.free, holding.locked) >= 0
    assert {order.status.value for order in account.orders.values() if order.planned} >= {"FILLED"}
    assert all(order.hold is None for order in account.orders.values() if not order.is_open)
