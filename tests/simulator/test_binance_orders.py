"""Orders at the simulated Binance do what orders at Binance do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.speaker import Speaker


async def test_a_market_buy_is_filled_at_the_ask_and_pays_its_fee_in_the_bought_coin(speaker: Speaker) -> None:
    answer = await speaker.order(side="BUY", type="MARKET", quantity="0.1", newClientOrderId="first")
    assert answer["status"] == "FILLED"
    assert answer["clientOrderId"] == "first"
    assert answer["fills"] == [
        {
            "price": "60000.01000000",
            "qty": "0.10000000",
            "commission": "0.00010000",
            "commissionAsset": "BTC",
            "tradeId": answer["fills"][0]["tradeId"],
        }
    ]
    assert await speaker.held("BTC") == ("1.09990000", "0.00000000")
    assert await speaker.held("USDT") == ("3999.99900000", "0.00000000")


async def test_a_market_sell_is_filled_at_the_bid_and_pays_its_fee_in_quote(speaker: Speaker) -> None:
    answer = await speaker.order(side="SELL", type="MARKET", quantity="0.1")
    assert answer["fills"][0]["price"] == "59999.99000000"
    assert answer["fills"][0]["commissionAsset"] == "USDT"
    assert answer["cummulativeQuoteQty"] == "5999.99900000"
    assert await speaker.held("USDT") == ("15993.99900100", "0.00000000")


async def test_an_account_may_pay_its_fees_in_bnb(speaker: Speaker) -> None:
    account = {"exchange": "binance", "key": "bnb", "secret": "s", "balances": {"USDT": "1000", "BNB": "1"}, "fees_in_bnb": True}
    (await speaker.control.post("/accounts", json=account)).raise_for_status()
    speaker.key, speaker.secret = "bnb", "s"
    answer = await speaker.order(side="BUY", type="MARKET", quantity="0.01")
    assert answer["fills"][0]["commissionAsset"] == "BNB"
    assert answer["fills"][0]["commission"] == "0.00075000"
    assert await speaker.held("BTC") == ("0.01000000", "0.00000000")


async def test_a_market_buy_may_name_what_it_spends(speaker: Speaker) -> None:
    answer = await speaker.order(side="BUY", type="MARKET", quoteOrderQty="1000")
    assert answer["origQuoteOrderQty"] == "1000.00000000"
    assert answer["executedQty"] == "0.01666000"
    assert float(answer["cummulativeQuoteQty"]) <= 1000


async def test_a_limit_order_locks_its_money_until_the_price_comes(speaker: Speaker) -> None:
    placed = await speaker.limit("BUY", "0.1", "59000")
    assert placed["status"] == "NEW"
    assert placed["fills"] == []
    assert await speaker.held("USDT") == ("4100.00000000", "5900.00000000")
    await speaker.move("58000")
    found = await speaker.status(orderId=placed["orderId"])
    assert (found["status"], found["executedQty"], found["cummulativeQuoteQty"]) == ("FILLED", "0.10000000", "5900.00000000")
    assert await speaker.held("USDT") == ("4100.00000000", "0.00000000")


async def test_a_limit_order_better_than_the_market_takes_the_market_price(speaker: Speaker) -> None:
    answer = await speaker.limit("BUY", "0.1", "61000")
    assert answer["fills"][0]["price"] == "60000.01000000"
    assert await speaker.held("USDT") == ("3999.99900000", "0.00000000")


@pytest.mark.parametrize("force", ["IOC", "FOK"])
async def test_an_order_that_must_not_wait_expires_when_it_would(speaker: Speaker, force: str) -> None:
    answer = await speaker.order(side="BUY", type="LIMIT", timeInForce=force, quantity="0.1", price="59000")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.00000000")
    assert await speaker.held("USDT") == ("10000.00000000", "0.00000000")


async def test_cancelling_gives_the_money_back_and_names_both_ids(speaker: Speaker) -> None:
    await speaker.limit("SELL", "0.5", "70000", newClientOrderId="mine")
    answer = (await speaker.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")).json()
    assert answer["status"] == "CANCELED"
    assert answer["origClientOrderId"] == "mine"
    assert answer["clientOrderId"] not in ("", "mine")
    assert await speaker.held("BTC") == ("1.00000000", "0.00000000")


async def test_a_client_id_is_taken_only_while_its_order_is_open(speaker: Speaker) -> None:
    await speaker.limit("BUY", "0.01", "59000", newClientOrderId="again")
    assert (await speaker.limit("BUY", "0.01", "59000", newClientOrderId="again"))["msg"] == "Duplicate order sent."
    await speaker.move("58000")
    assert (await speaker.order(side="BUY", type="MARKET", quantity="0.01", newClientOrderId="again"))["status"] == "FILLED"
    newest = await speaker.status(origClientOrderId="again")
    assert newest["type"] == "MARKET"


async def test_amending_makes_an_order_smaller_and_keeps_its_id(speaker: Speaker) -> None:
    placed = await speaker.limit("SELL", "0.5", "70000")
    changes = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "newQty": "0.2"}
    amended = (await speaker.ask("PUT", "/api/v3/order/amend/keepPriority", **changes)).json()
    assert amended["amendedOrder"]["orderId"] == placed["orderId"]
    assert amended["amendedOrder"]["origQty"] == "0.20000000"
    assert await speaker.held("BTC") == ("0.80000000", "0.20000000")
    larger = await speaker.ask("PUT", "/api/v3/order/amend/keepPriority", **changes | {"newQty": "0.3"})
    assert (larger.status_code, larger.json()["code"]) == (400, -2038)


async def replaced(speaker: Speaker, cancel: int, mode: str = "STOP_ON_FAILURE", **new: Any) -> tuple[int, Any]:
    """Cancel one order and place another."""
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.5", "price": "71000"}
    wanted = order | {"cancelReplaceMode": mode, "cancelOrderId": cancel} | new
    answer = await speaker.ask("POST", "/api/v3/order/cancelReplace", **wanted)
    return answer.status_code, answer.json()


async def test_cancel_replace_does_both(speaker: Speaker) -> None:
    placed = await speaker.limit("SELL", "1", "70000")
    status, body = await replaced(speaker, placed["orderId"])
    assert (status, body["cancelResult"], body["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert body["newOrderResponse"]["orderId"] != placed["orderId"]


async def test_cancel_replace_may_do_only_half(speaker: Speaker) -> None:
    placed = await speaker.limit("SELL", "1", "70000")
    status, body = await replaced(speaker, placed["orderId"], quantity="2")
    assert (status, body["code"]) == (409, -2021)
    assert body["data"]["cancelResult"] == "SUCCESS"
    assert body["data"]["newOrderResponse"]["msg"] == "Account has insufficient balance for requested action."


async def test_cancel_replace_that_stops_on_failure_places_nothing(speaker: Speaker) -> None:
    status, body = await replaced(speaker, 1)
    assert (status, body["code"], body["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
    status, body = await replaced(speaker, 1, mode="ALLOW_FAILURE")
    assert (status, body["data"]["newOrderResult"]) == (409, "SUCCESS")


async def test_everything_on_a_symbol_is_cancelled_at_once_lists_included(speaker: Speaker) -> None:
    await speaker.limit("BUY", "0.01", "59000")
    await an_oco(speaker, quantity="0.5")
    answers = (await speaker.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).json()
    assert [("orderReports" in answer) for answer in answers] == [False, True]
    assert (await speaker.ask("GET", "/api/v3/openOrders")).json() == []
    again = await speaker.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert again.json() == {"code": -2011, "msg": "Unknown order sent."}


async def an_oco(speaker: Speaker, **differences: Any) -> Any:
    """A target at 65,000 and a stop at 55,000 for 1 BTC."""
    wanted = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "1",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "65000",
        "aboveClientOrderId": "target",
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": "55000",
        "belowPrice": "54900",
        "belowTimeInForce": "GTC",
        "belowClientOrderId": "stop",
        "listClientOrderId": "pair",
    }
    return (await speaker.ask("POST", "/api/v3/orderList/oco", **wanted | differences)).json()


async def test_the_target_of_an_oco_is_filled_and_its_stop_expires(speaker: Speaker) -> None:
    placed = await an_oco(speaker)
    assert placed["contingencyType"] == "OCO"
    assert [report["type"] for report in placed["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
    assert await speaker.held("BTC") == ("0.00000000", "1.00000000")
    await speaker.move("65500")
    assert (await speaker.status(origClientOrderId="target"))["status"] == "FILLED"
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "EXPIRED"
    done = (await speaker.ask("GET", "/api/v3/orderList", origClientOrderId="pair")).json()
    assert done["listOrderStatus"] == "ALL_DONE"
    assert await speaker.held("BTC") == ("0.00000000", "0.00000000")


async def test_the_stop_of_an_oco_is_reached_and_its_target_expires(speaker: Speaker) -> None:
    await an_oco(speaker)
    await speaker.move("54950")
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "FILLED"
    assert (await speaker.status(origClientOrderId="target"))["status"] == "EXPIRED"


async def test_a_price_that_jumps_over_a_stop_limit_leaves_it_resting(speaker: Speaker) -> None:
    await an_oco(speaker)
    await speaker.move("50000")
    stop = await speaker.status(origClientOrderId="stop")
    assert (stop["status"], stop["isWorking"]) == ("NEW", True)
    await speaker.move("54900")
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "FILLED"


@pytest.mark.parametrize("by", ["list", "leg"])
async def test_cancelling_one_leg_cancels_both(speaker: Speaker, by: str) -> None:
    await an_oco(speaker)
    if by == "list":
        answer = await speaker.ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="pair")
    else:
        answer = await speaker.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="stop")
    assert [report["status"] for report in answer.json()["orderReports"]] == ["CANCELED", "CANCELED"]
    assert await speaker.held("BTC") == ("1.00000000", "0.00000000")


async def test_the_price_of_an_oco_must_lie_between_its_legs(speaker: Speaker) -> None:
    answer = await an_oco(speaker, belowStopPrice="61000")
    assert answer == {"code": -2010, "msg": "The relationship of the prices for the orders is not correct."}


async def an_otoco(speaker: Speaker, call: str, **differences: Any) -> Any:
    """Buy 0.1 BTC at 59,000, then sell at 65,000 or 55,000."""
    wanted = {
        "symbol": "BTCUSDT",
        "listClientOrderId": "bracket",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": "59000",
        "workingQuantity": "0.1",
        "workingTimeInForce": "GTC",
        "workingClientOrderId": "entry",
        "pendingSide": "SELL",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": "65000",
        "pendingAboveClientOrderId": "target",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": "55000",
        "pendingBelowClientOrderId": "stop",
    }
    return (await speaker.ask("POST", f"/api/v3/orderList/{call}", **wanted | differences)).json()


async def test_the_exits_of_an_otoco_live_only_once_the_entry_is_filled(speaker: Speaker) -> None:
    placed = await an_otoco(speaker, "otoco", pendingQuantity="0.1")
    assert [report["status"] for report in placed["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    assert await speaker.held("BTC") == ("1.00000000", "0.00000000")
    await speaker.move("58900")
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "NEW"
    assert await speaker.held("BTC") == ("0.99990000", "0.10000000")
    await speaker.move("54000")
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "FILLED"
    assert (await speaker.status(origClientOrderId="target"))["status"] == "EXPIRED"


async def test_the_exits_of_an_otoco_are_rejected_when_the_fee_left_too_little(speaker: Speaker) -> None:
    await speaker.order(side="SELL", type="MARKET", quantity="1")
    async with speaker.trading() as trading:
        await trading.call("userDataStream.subscribe.signature")
        await an_otoco(speaker, "otoco", pendingQuantity="0.1")
        await speaker.move("58900")
        reports = [await trading.event() for _ in range(8)]
    rejected = [event for event in reports if event.get("x") == "REJECTED"]
    assert [(event["X"], event["r"]) for event in rejected] == [("REJECTED", "INSUFFICIENT_BALANCES")] * 2
    assert await speaker.held("BTC") == ("0.09990000", "0.00000000")


async def test_one_pays_the_other_sells_exactly_what_was_bought(speaker: Speaker) -> None:
    await speaker.order(side="SELL", type="MARKET", quantity="1")
    await an_otoco(speaker, "opoco")
    await speaker.move("58900")
    stop = await speaker.status(origClientOrderId="stop")
    assert (stop["status"], stop["origQty"]) == ("NEW", "0.09990000")
    assert await speaker.held("BTC") == ("0.00000000", "0.09990000")


async def test_an_entry_that_is_not_filled_takes_its_exits_with_it(speaker: Speaker) -> None:
    placed = await an_otoco(speaker, "otoco", pendingQuantity="0.1", workingTimeInForce="FOK")
    assert placed["orderReports"][0]["status"] == "EXPIRED"
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "EXPIRED"
    assert (await speaker.ask("GET", "/api/v3/openOrderList")).json() == []


async def test_an_otoco_that_is_filled_at_once_still_answers_with_waiting_exits(speaker: Speaker) -> None:
    placed = await an_otoco(speaker, "otoco", pendingQuantity="0.1", workingPrice="60500", workingTimeInForce="FOK")
    assert [report["status"] for report in placed["orderReports"]] == ["FILLED", "PENDING_NEW", "PENDING_NEW"]
    assert (await speaker.status(origClientOrderId="stop"))["status"] == "NEW"


async def test_histories_tell_orders_and_executions_of_their_owner_only(speaker: Speaker) -> None:
    for _ in range(3):
        await speaker.order(side="BUY", type="MARKET", quantity="0.01")
    orders = (await speaker.ask("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=2)).json()
    fills = (await speaker.ask("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json()
    assert len(orders) == 2
    assert len({fill["id"] for fill in fills}) == 3
    assert [fill["orderId"] for fill in fills][1:] == [order["orderId"] for order in orders]
    stranger = {"exchange": "binance", "key": "other", "secret": "s", "balances": {}}
    (await speaker.control.post("/accounts", json=stranger)).raise_for_status()
    speaker.key, speaker.secret = "other", "s"
    assert (await speaker.ask("GET", "/api/v3/allOrders", symbol="BTCUSDT")).json() == []
    assert (await speaker.status(orderId=orders[0]["orderId"])) == {"code": -2013, "msg": "Order does not exist."}
