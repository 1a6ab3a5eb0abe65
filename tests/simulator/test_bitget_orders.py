"""Orders and plans at the simulated Bitget: what is bought, what sleeps, what wakes up, what becomes of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import ManualClock
from tests.simulator.bitget_speaker import V2, V3, BitgetSpeaker

LIMIT = {"symbol": "BTCUSDT", "side": "sell", "orderType": "limit", "force": "gtc", "price": "65000", "size": "0.1"}
STOP = {"symbol": "BTCUSDT", "side": "sell", "orderType": "market", "triggerPrice": "55000", "planType": "amount", "size": "0.6"}
SPOT = {"category": "SPOT", "symbol": "BTCUSDT"}
EXITS = SPOT | {"type": "tpsl", "side": "sell", "qty": "0.6", "stopLoss": "55000", "takeProfit": "65000"}


async def order_of(owner: BitgetSpeaker, client: str) -> Any:
    """What `orderInfo` says of a client id."""
    (order,) = await owner.read(f"{V2}/orderInfo", clientOid=client)
    return order


async def held(owner: BitgetSpeaker, coin: str) -> tuple[str, str]:
    """Available, and frozen by orders."""
    (one,) = await owner.read("/api/v2/spot/account/assets", coin=coin)
    return one["available"], one["frozen"]


async def plan_of(owner: BitgetSpeaker, client: str) -> Any:
    """What the two lists of plans say of a client id."""
    found = (await owner.read(f"{V2}/current-plan-order", clientOid=client))["orderList"]
    found += (await owner.read(f"{V2}/history-plan-order", clientOid=client, startTime="0", endTime=owner.now()))["orderList"]
    (plan,) = found
    return plan


async def test_a_market_buy_spends_what_it_may_and_pays_its_fee_in_what_it_gets(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-order", symbol="BTCUSDT", side="buy", orderType="market", size="600", clientOid="buy")
    order = await order_of(classic, "buy")
    assert (order["status"], Decimal(order["size"]), Decimal(order["baseVolume"])) == (
        "filled",
        Decimal(600),
        Decimal("0.009999"),
    )
    assert Decimal(order["quoteVolume"]) <= 600
    (fill,) = await classic.read(f"{V2}/fills", symbol="BTCUSDT")
    assert (fill["feeDetail"]["feeCoin"], fill["feeDetail"]["totalFee"]) == ("BTC", "-0.00000999")
    assert await held(classic, "BTC") == ("1.00998901", "0")


async def test_a_market_sell_is_sized_in_base_and_pays_in_quote(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-order", symbol="BTCUSDT", side="sell", orderType="market", size="0.1", clientOid="sell")
    (fill,) = await classic.read(f"{V2}/fills", symbol="BTCUSDT")
    assert (fill["size"], fill["feeDetail"]["feeCoin"], fill["feeDetail"]["totalFee"]) == ("0.1", "USDT", "-5.999999")
    assert (await order_of(classic, "sell"))["feeDetail"].count('"totalFee":-5.999999') == 1


async def test_a_client_id_is_taken_while_its_order_is_open_and_free_again_once_it_is_not(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-order", **LIMIT, clientOid="mine")
    other = {"symbol": "ETHUSDT", "side": "buy", "orderType": "market", "size": "100", "clientOid": "mine"}
    assert await classic.refused(f"{V2}/place-order", **LIMIT, clientOid="mine") == "43118"
    assert await classic.refused(f"{V2}/place-order", **other) == "43118"
    await classic.do(f"{V2}/cancel-order", symbol="BTCUSDT", clientOid="mine")
    await classic.do(f"{V2}/place-order", **other)
    assert (await order_of(classic, "mine"))["symbol"] == "ETHUSDT"


@pytest.mark.parametrize(("force", "price"), [("post_only", "59000"), ("ioc", "65000"), ("fok", "65000")])
async def test_what_may_not_match_or_may_not_wait_is_cancelled_at_once(classic: BitgetSpeaker, force: str, price: str) -> None:
    await classic.do(f"{V2}/place-order", **LIMIT | {"force": force, "price": price}, clientOid="mine")
    assert (await order_of(classic, "mine"))["status"] == "cancelled"
    assert await held(classic, "BTC") == ("1", "0")


async def test_an_order_is_found_by_its_client_id_for_two_hours_and_by_its_id_for_ever(
    classic: BitgetSpeaker, clock: ManualClock
) -> None:
    placed = await classic.do(f"{V2}/place-order", **LIMIT, clientOid="mine")
    await clock.advance(2 * 3600 + 1)
    assert await classic.read(f"{V2}/orderInfo", clientOid="mine") == []
    assert len(await classic.read(f"{V2}/orderInfo", orderId=placed["orderId"])) == 1
    assert await classic.read(f"{V2}/orderInfo", clientOid="nobody") == []


async def test_a_replaced_order_may_be_gone_without_a_new_one(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-order", **LIMIT, clientOid="one")
    asked = {"symbol": "BTCUSDT", "price": "66000", "size": "0.2"}
    replaced = await classic.do(f"{V2}/cancel-replace-order", **asked, clientOid="one", newClientOid="two")
    assert (replaced["success"], replaced["clientOid"]) == ("success", "two")
    failed = await classic.do(f"{V2}/cancel-replace-order", **asked | {"size": "20"}, clientOid="two", newClientOid="three")
    assert (failed["success"], failed["msg"]) == ("failure", "Insufficient balance")
    assert await classic.read(f"{V2}/unfilled-orders") == []
    again = await classic.do(f"{V2}/cancel-replace-order", **asked, clientOid="two", newClientOid="four")
    assert again["success"] == "failure"
    assert [(one["event"], one["outcome"]) for one in (await classic.requests())[-1:]] == [("order.replace", "200 failure")]


async def test_a_plan_locks_nothing_until_it_is_triggered_and_then_becomes_another_order(classic: BitgetSpeaker) -> None:
    plan = await classic.do(f"{V2}/place-plan-order", **STOP, clientOid="stop")
    assert await held(classic, "BTC") == ("1", "0")
    assert (await plan_of(classic, "stop"))["status"] == "live"
    assert await classic.read(f"{V2}/unfilled-orders") == await classic.read(f"{V2}/orderInfo", orderId=plan["orderId"]) == []
    assert await classic.read(f"{V2}/plan-sub-order", planOrderId=plan["orderId"]) == []
    await classic.move("54000")
    assert (await plan_of(classic, "stop"))["status"] == "executed"
    (sub,) = await classic.read(f"{V2}/plan-sub-order", planOrderId=plan["orderId"])
    assert sub["orderId"] != plan["orderId"]
    (order,) = await classic.read(f"{V2}/orderInfo", orderId=sub["orderId"])
    assert (order["status"], Decimal(order["baseVolume"]), order["clientOid"]) == ("filled", Decimal("0.6"), sub["orderId"])
    assert [one["orderId"] for one in await classic.read(f"{V2}/fills", orderId=sub["orderId"])] == [sub["orderId"]]
    assert await classic.refused(f"{V2}/cancel-plan-order", clientOid="stop") == "43025"
    (told,) = (await classic.ledger())["orders"]
    assert (told["client_order_id"], told["type"], told["status"]) == ("stop", "stop_loss", "FILLED")


async def test_a_plan_with_a_price_rests_once_it_is_triggered(classic: BitgetSpeaker) -> None:
    limited = STOP | {"orderType": "limit", "executePrice": "54500"}
    plan = await classic.do(f"{V2}/place-plan-order", **limited, clientOid="stop")
    await classic.move("54000")
    (order,) = await classic.read(f"{V2}/unfilled-orders")
    assert (order["status"], Decimal(order["priceAvg"])) == ("live", Decimal(54_500))
    assert await held(classic, "BTC") == ("0.4", "0.6")
    (sub,) = await classic.read(f"{V2}/plan-sub-order", planOrderId=plan["orderId"])
    await classic.do(f"{V2}/cancel-order", symbol="BTCUSDT", orderId=sub["orderId"])
    assert (await plan_of(classic, "stop"))["status"] == "executed"
    assert await held(classic, "BTC") == ("1", "0")


async def test_of_two_plans_over_the_same_coins_the_second_fails_in_a_gap(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-plan-order", **STOP, clientOid="first")
    await classic.do(f"{V2}/place-plan-order", **STOP | {"triggerPrice": "54500"}, clientOid="second")
    await classic.move("54000")
    assert [(await plan_of(classic, name))["status"] for name in ("first", "second")] == ["executed", "fail_execute"]
    assert await held(classic, "BTC") == ("0.4", "0")
    assert len(await classic.read(f"{V2}/history-orders")) == 1


async def test_a_plan_is_moved_in_place(classic: BitgetSpeaker) -> None:
    plan = await classic.do(f"{V2}/place-plan-order", **STOP, clientOid="stop")
    moved = {"triggerPrice": "58000", "orderType": "market", "size": "0.5"}
    assert await classic.do(f"{V2}/modify-plan-order", clientOid="stop", **moved) == plan
    await classic.move("57900")
    (fill,) = await classic.read(f"{V2}/fills")
    assert fill["size"] == "0.5"


async def test_a_plan_beyond_the_last_price_waits_for_it_to_come_from_the_other_side(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-plan-order", **STOP | {"triggerPrice": "61000"}, clientOid="late")
    await classic.move("50000")
    assert (await plan_of(classic, "late"))["status"] == "live"
    await classic.move("61000")
    assert (await plan_of(classic, "late"))["status"] == "executed"


async def test_a_plan_to_buy_is_sized_in_quote_when_it_says_total(classic: BitgetSpeaker) -> None:
    buy = {"symbol": "BTCUSDT", "side": "buy", "orderType": "market", "planType": "total", "triggerPrice": "61000", "size": "610"}
    await classic.do(f"{V2}/place-plan-order", **buy, clientOid="breakout")
    assert (await plan_of(classic, "breakout"))["size"] == "610"
    await classic.move("62000")
    (fill,) = await classic.read(f"{V2}/fills")
    assert Decimal(fill["amount"]) <= 610
    assert Decimal(fill["size"]) == Decimal("0.009838")


async def test_lists_are_read_page_by_page_from_the_newest(classic: BitgetSpeaker) -> None:
    ids = [(await classic.do(f"{V2}/place-order", **LIMIT | {"size": "0.01"}))["orderId"] for _ in range(5)]
    first = [one["orderId"] for one in await classic.read(f"{V2}/unfilled-orders", limit=3)]
    rest = [one["orderId"] for one in await classic.read(f"{V2}/unfilled-orders", limit=3, idLessThan=first[-1])]
    assert first + rest == ids[::-1]
    await classic.move("65000")
    page = await classic.read(f"{V2}/fills", limit=2)
    after = await classic.read(f"{V2}/fills", idLessThan=page[-1]["tradeId"])
    assert len({one["tradeId"] for one in page + after}) == 5


async def test_all_orders_of_a_symbol_are_cancelled_and_no_other(classic: BitgetSpeaker) -> None:
    await classic.do(f"{V2}/place-order", **LIMIT)
    await classic.do(f"{V2}/place-plan-order", **STOP)
    await classic.do(f"{V2}/place-order", symbol="ETHUSDT", side="buy", orderType="limit", force="gtc", price="2000", size="1")
    await classic.do(f"{V2}/cancel-symbol-order", symbol="BTCUSDT")
    assert [one["symbol"] for one in await classic.read(f"{V2}/unfilled-orders")] == ["ETHUSDT"]
    assert len((await classic.read(f"{V2}/current-plan-order"))["orderList"]) == 1


async def test_a_unified_order_is_told_as_an_object_with_positive_fees(unified: BitgetSpeaker) -> None:
    bought = await unified.do(f"{V3}/place-order", **SPOT, side="buy", orderType="market", qty="600", clientOid="buy")
    order = await unified.read(f"{V3}/order-info", clientOid="buy")
    assert (order["orderId"], order["amount"], order["cumExecQty"]) == (bought["orderId"], "600", "0.009999")
    assert order["feeDetail"] == [{"feeCoin": "BTC", "fee": "0.00000999"}]
    assert (await unified.get(f"{V3}/order-info", clientOid="nobody")).json()["code"] == "25204"


async def test_a_unified_order_is_modified_in_place_or_left_as_it_was(unified: BitgetSpeaker) -> None:
    limit = SPOT | {"side": "sell", "orderType": "limit", "price": "65000", "qty": "0.5", "timeInForce": "gtc"}
    placed = await unified.do(f"{V3}/place-order", **limit, clientOid="exit")
    assert await unified.do(f"{V3}/modify-order", clientOid="exit", price="64000", qty="0.9") == placed
    assert await unified.refused(f"{V3}/modify-order", clientOid="exit", qty="1.5") == "25202"
    order = await unified.read(f"{V3}/order-info", clientOid="exit")
    assert (order["price"], order["qty"], order["orderStatus"]) == ("64000", "0.9", "live")
    (coin,) = [one for one in (await unified.read("/api/v3/account/assets"))["assets"] if one["coin"] == "BTC"]
    assert (coin["available"], coin["locked"]) == ("0.1", "0.9")
    assert await unified.refused(f"{V3}/modify-order", clientOid="exit", qty="1.5", autoCancel="yes") == "25202"
    assert (await unified.read(f"{V3}/order-info", clientOid="exit"))["orderStatus"] == "cancelled"


@pytest.mark.parametrize(("price", "side"), [("54000", "stopLoss"), ("66000", "takeProfit")])
async def test_of_a_stop_and_a_target_in_one_the_first_reached_ends_the_other(
    unified: BitgetSpeaker, price: str, side: str
) -> None:
    placed = await unified.do(f"{V3}/place-strategy-order", **EXITS, clientOid="exits")
    (pending,) = await unified.read(f"{V3}/unfilled-strategy-orders", category="SPOT")
    assert (pending["orderId"], pending["status"], pending["qty"]) == (placed["orderId"], "pending", "0.6")
    await unified.move(price)
    assert await unified.read(f"{V3}/unfilled-strategy-orders", category="SPOT") == []
    (done,) = (await unified.read(f"{V3}/history-strategy-orders", category="SPOT"))["list"]
    assert (done["orderId"], done["status"], done["stopLoss"], done["takeProfit"]) == (
        placed["orderId"],
        "success",
        "55000",
        "65000",
    )
    sold = await unified.read(f"{V3}/order-info", clientOid="exits")
    assert (sold["orderStatus"], sold["cumExecQty"]) == ("filled", "0.6")
    ended = [one["type"] for one in (await unified.ledger())["orders"] if one["status"] == "EXPIRED"]
    assert ended == ["take_profit" if side == "stopLoss" else "stop_loss"]


async def test_a_strategy_is_moved_in_place_and_cancelled(unified: BitgetSpeaker) -> None:
    placed = await unified.do(f"{V3}/place-strategy-order", **EXITS, clientOid="exits")
    assert (
        await unified.do(f"{V3}/modify-strategy-order", clientOid="exits", stopLoss="58000", takeProfit="63000", qty="0.5")
        == placed
    )
    (pending,) = await unified.read(f"{V3}/unfilled-strategy-orders", category="SPOT")
    assert (pending["stopLoss"], pending["takeProfit"], pending["qty"]) == ("58000", "63000", "0.5")
    assert await unified.do(f"{V3}/cancel-strategy-order", orderId=placed["orderId"]) is None
    await unified.move("57000")
    (gone,) = (await unified.read(f"{V3}/history-strategy-orders", category="SPOT"))["list"]
    assert gone["status"] == "cancelled"
    assert await unified.refused(f"{V3}/cancel-strategy-order", clientOid="exits") == "25204"


async def test_a_trigger_wakes_on_either_side_and_fails_without_coins(unified: BitgetSpeaker) -> None:
    trigger = SPOT | {"type": "trigger", "side": "sell", "triggerPrice": "61000", "triggerOrderType": "market"}
    await unified.do(f"{V3}/place-strategy-order", **trigger, qty="5", clientOid="too-much")
    await unified.do(f"{V3}/place-strategy-order", **trigger, qty="0.5", clientOid="enough")
    await unified.move("61000")
    done = (await unified.read(f"{V3}/history-strategy-orders", category="SPOT"))["list"]
    assert [(one["clientOid"], one["status"]) for one in done] == [("enough", "success"), ("too-much", "failed")]
    page = await unified.read(f"{V3}/history-strategy-orders", category="SPOT", limit=1)
    rest = await unified.read(f"{V3}/history-strategy-orders", category="SPOT", cursor=page["cursor"])
    assert [one["clientOid"] for one in rest["list"]] == ["too-much"]
