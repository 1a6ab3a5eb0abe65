"""The simulated Binance answers in the shape of the documented answers: the same names, the same JSON types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from tests.simulator.speaker import Speaker, Trading

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads" / "binance"
#: Shown by the documentation on orders that use features which the symbols here do not offer.
CONDITIONAL = {
    "trailingDelta",
    "trailingTime",
    "strategyId",
    "strategyType",
    "preventedMatchId",
    "preventedQuantity",
    "icebergQty",
}
#: Shown by the sample, which was taken from another message.
STRANGE = {
    "ws-api/cancel-order.json": {"time", "updateTime", "isWorking", "workingTime", "stopPrice"},
    "rest/get-exchange-info.json": {"quotePrecision"},
    "ws-api/get-exchange-info.json": {"allowAmend", "sors"},
    "market-stream/trades.json": {"b", "a"},
}


def sample(name: str) -> Any:
    """A documented message; of a dialogue, the last one received."""
    body = json.loads((PAYLOADS / name).read_text("utf-8"))
    return body[-1]["message"] if isinstance(body, list) and "dir" in body[0] else body


def kind(value: object) -> str:
    """A JSON type. Any number is a number; null stands for whatever may be missing."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "text", list: "list", dict: "object"}[type(value)]


def differences(documented: Any, ours: Any, where: str, strange: set[str]) -> list[str]:
    """What the documentation shows and we do not, or otherwise."""
    if kind(documented) != kind(ours):
        return [] if "null" in (kind(documented), kind(ours)) else [f"{where}: {kind(ours)} for {kind(documented)}"]
    if isinstance(documented, dict):
        missing = documented.keys() - ours.keys() - CONDITIONAL - strange
        found = [f"{where}.{name} is missing" for name in sorted(missing)]
        for name in (documented.keys() & ours.keys()) - strange:
            found += differences(documented[name], ours[name], f"{where}.{name}", strange)
        return found
    if isinstance(documented, list) and documented and ours:
        return differences(documented[0], ours[0], f"{where}[0]", strange)
    return [f"{where} is empty"] if isinstance(documented, list) and documented else []


def check(name: str, ours: Any, documented: Any = None) -> None:
    """Fail where our message has not the shape of the documented one."""
    found = differences(sample(name) if documented is None else documented, ours, "", STRANGE.get(name, set()))
    assert found == []


PUBLIC = [
    ("rest/get-server-time.json", "/api/v3/time", {}),
    ("rest/get-exchange-info.json", "/api/v3/exchangeInfo", {}),
    ("rest/get-execution-rules.json", "/api/v3/executionRules", {}),
    ("rest/get-ticker.json", "/api/v3/ticker/24hr", {"symbol": "BTCUSDT"}),
    ("rest/get-price.json", "/api/v3/ticker/price", {"symbol": "BTCUSDT"}),
    ("rest/get-book-price.json", "/api/v3/ticker/bookTicker", {"symbol": "BTCUSDT"}),
    ("rest/get-avg-price.json", "/api/v3/avgPrice", {"symbol": "BTCUSDT"}),
    ("rest/get-klines.json", "/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m"}),
    ("rest/get-ui-klines.json", "/api/v3/uiKlines", {"symbol": "BTCUSDT", "interval": "1m"}),
]


@pytest.mark.parametrize(("name", "path", "params"), PUBLIC, ids=[row[0] for row in PUBLIC])
async def test_public_answers_look_as_documented(speaker: Speaker, name: str, path: str, params: dict[str, str]) -> None:
    answer = await speaker.get(path, **params)
    assert answer.status_code == 200
    check(name, answer.json())


PRIVATE = [
    ("rest/get-account-info.json", "/api/v3/account", {}),
    ("rest/get-api-key-permissions.json", "/sapi/v1/account/apiRestrictions", {}),
    ("rest/get-commission-rates.json", "/api/v3/account/commission", {"symbol": "BTCUSDT"}),
    ("rest/get-order-rate-limit-status.json", "/api/v3/rateLimit/order", {}),
    ("rest/get-order.json", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "open"}),
    ("rest/get-open-orders.json", "/api/v3/openOrders", {"symbol": "BTCUSDT"}),
    ("rest/get-orders.json", "/api/v3/allOrders", {"symbol": "BTCUSDT"}),
    ("rest/get-user-trades.json", "/api/v3/myTrades", {"symbol": "BTCUSDT"}),
    ("rest/get-oco-order.json", "/api/v3/orderList", {"origClientOrderId": "pair"}),
    ("rest/get-oco-orders.json", "/api/v3/allOrderList", {}),
    ("rest/get-open-oco-orders.json", "/api/v3/openOrderList", {}),
]
OCO: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "65000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "55000",
    "belowPrice": "54900",
    "belowTimeInForce": "GTC",
    "listClientOrderId": "pair",
}
ENTRY: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "59000",
    "workingQuantity": "0.01",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
}
EXITS: dict[str, Any] = {
    "pendingQuantity": "0.01",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "65000",
    "pendingBelowType": "STOP_LOSS_LIMIT",
    "pendingBelowStopPrice": "55000",
    "pendingBelowPrice": "54900",
    "pendingBelowTimeInForce": "IOC",
}
OTOCO = ENTRY | EXITS
OTO = ENTRY | {"pendingType": "MARKET", "pendingQuantity": "0.01"}


@pytest.mark.parametrize(("name", "path", "params"), PRIVATE, ids=[row[0] for row in PRIVATE])
async def test_private_answers_look_as_documented(speaker: Speaker, name: str, path: str, params: dict[str, str]) -> None:
    await speaker.order(side="BUY", type="MARKET", quantity="0.01")
    await speaker.limit("BUY", "0.01", "59000", newClientOrderId="open")
    await speaker.ask("POST", "/api/v3/orderList/oco", **OCO)
    answer = await speaker.ask("GET", path, **params)
    assert answer.status_code == 200
    check(name, answer.json())


async def test_answers_to_orders_look_as_documented(speaker: Speaker) -> None:
    check("rest/place-order.json", await speaker.order(side="BUY", type="MARKET", quantity="0.01"))
    tested = await speaker.ask(
        "POST", "/api/v3/order/test", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01", computeCommissionRates="true"
    )
    check("rest/place-test-order.json", tested.json())
    first = await speaker.limit("SELL", "0.1", "70000")
    amended = await speaker.ask(
        "PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=first["orderId"], newQty="0.05"
    )
    check("rest/amend-order.json", amended.json())
    new = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "71000"}
    modes = {"symbol": "BTCUSDT", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": first["orderId"]}
    replaced = (await speaker.ask("POST", "/api/v3/order/cancelReplace", **new | modes)).json()
    check("rest/replace-order.json", replaced, sample("rest/replace-order.json")["data"])
    number = replaced["newOrderResponse"]["orderId"]
    check("rest/cancel-order.json", (await speaker.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=number)).json())
    await speaker.limit("SELL", "0.1", "70000")
    check("rest/cancel-all-orders.json", (await speaker.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).json())


async def test_answers_to_order_lists_look_as_documented(speaker: Speaker) -> None:
    check("rest/place-oco-order-list.json", (await speaker.ask("POST", "/api/v3/orderList/oco", **OCO)).json())
    gone = await speaker.ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="pair")
    check("rest/cancel-oco-order.json", gone.json())
    check("rest/place-oto-order-list.json", (await speaker.ask("POST", "/api/v3/orderList/oto", **OTO)).json())
    check("rest/place-otoco-order-list.json", (await speaker.ask("POST", "/api/v3/orderList/otoco", **OTOCO)).json())


async def test_answers_of_the_websocket_api_look_as_documented(speaker: Speaker) -> None:
    btc: dict[str, Any] = {"symbol": "BTCUSDT"}
    async with speaker.trading() as trading:
        await check_orders_by_socket(trading)
        private: list[tuple[str, str, dict[str, Any]]] = [
            ("get-account-info", "account.status", {}),
            ("get-open-orders", "openOrders.status", btc),
            ("get-oco-order", "orderList.status", {"origClientOrderId": "pair"}),
            ("get-open-oco-orders", "openOrderLists.status", {}),
            ("get-order-rate-limits", "account.rateLimits.orders", {}),
            ("get-user-trades", "myTrades", btc),
        ]
        for name, method, params in private:
            check(f"ws-api/{name}.json", await trading.call(method, **params))
        public: list[tuple[str, str, dict[str, Any]]] = [
            ("get-exchange-info", "exchangeInfo", {"symbols": ["BTCUSDT"]}),
            ("get-klines", "klines", btc | {"interval": "1m"}),
            ("get-ui-klines", "uiKlines", btc | {"interval": "1m"}),
            ("get-tickers", "ticker.24hr", {"symbols": ["BTCUSDT", "ETHUSDT"]}),
            ("get-book-tickers", "ticker.book", {"symbols": ["BTCUSDT", "ETHUSDT"]}),
            ("get-current-avg-price", "avgPrice", btc),
        ]
        for name, method, params in public:
            check(f"ws-api/{name}.json", await trading.call(method, signed=False, **params))


async def check_orders_by_socket(trading: Trading) -> None:
    """Place, ask, change and cancel, leaving an open order and an open pair."""
    sell: dict[str, Any] = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "70000"}
    filled = await trading.call("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    check("ws-api/place-order.json", filled)
    tested = await trading.call("order.test", **sell | {"quantity": "0.1", "computeCommissionRates": True})
    check("ws-api/place-test-order.json", tested)
    first = await trading.call("order.place", **sell | {"quantity": "0.1"})
    number = first["result"]["orderId"]
    check("ws-api/get-order.json", await trading.call("order.status", symbol="BTCUSDT", orderId=number))
    amended = await trading.call("order.amend.keepPriority", symbol="BTCUSDT", orderId=number, newQty="0.05")
    check("ws-api/amend-order.json", amended)
    modes: dict[str, Any] = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": number}
    replaced = await trading.call("order.cancelReplace", **sell | modes | {"quantity": "0.1"})
    check("ws-api/replace-order.json", replaced)
    number = replaced["result"]["newOrderResponse"]["orderId"]
    check("ws-api/cancel-order.json", await trading.call("order.cancel", symbol="BTCUSDT", orderId=number))
    await trading.call("orderList.place.oco", **OCO)
    check("ws-api/cancel-oco-order.json", await trading.call("orderList.cancel", symbol="BTCUSDT", listClientOrderId="pair"))
    check("ws-api/place-oco-order.json", await trading.call("orderList.place.oco", **OCO))
    await trading.call("order.place", **sell | {"quantity": "0.1"})


async def test_user_events_look_as_documented(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        answer = await trading.call("userDataStream.subscribe.signature")
        assert answer["result"] == {"subscriptionId": 0}
        await speaker.limit("BUY", "0.01", "59000")
        await speaker.ask("POST", "/api/v3/orderList/oco", **OCO)
        transfer = {"exchange": "binance", "key": speaker.key, "asset": "BTC", "amount": "100"}
        await speaker.control.post("/transfer", json=transfer)
        events: dict[str, Any] = {}
        while len(events) < 4:
            event = await trading.hear()
            events.setdefault(event["event"]["e"], event)
    check("user-stream/order.json", events["executionReport"])
    check("user-stream/account-position.json", events["outboundAccountPosition"])
    check("user-stream/balance.json", events["balanceUpdate"])
    check("user-stream/oco-order.json", events["listStatus"])


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("klines", "btcusdt@kline_8h"),
        ("ticker", "btcusdt@ticker"),
        ("mini-ticker", "btcusdt@miniTicker"),
        ("book-ticker", "btcusdt@bookTicker"),
        ("trades", "btcusdt@trade"),
    ],
)
async def test_market_streams_look_as_documented(speaker: Speaker, clock: ManualClock, name: str, stream: str) -> None:
    async with speaker.stream("/stream") as listening:
        await listening.send({"method": "SUBSCRIBE", "params": [stream], "id": 1})
        assert await listening.hear() == {"result": None, "id": 1}
        await speaker.move("60001")
        await clock.advance(1)
        check(f"market-stream/{name}.json", await listening.hear())


#: What none of our clients asks for, so that the simulator does not serve it; the klines of the combined streams are compared above.
NOT_SERVED = {
    "get-rolling-window-ticker",
    "get-rolling-window-tickers",
    "rolling-window-ticker",
    "get-trading-day-ticker",
    "get-system-status",
    "get-trade-fee",
    "get-recent-trades",
    "get-trade-history",
    "get-aggregated-trade-history",
    "aggregated-trades",
    "combined-stream",
}


def test_every_sample_of_what_is_served_is_compared() -> None:
    compared, _, _ = Path(__file__).read_text("utf-8").partition("\nNOT_SERVED")
    listed = [one["file"] for one in json.loads((PAYLOADS / "index.json").read_text("utf-8"))]
    assert {Path(file).stem for file in listed if Path(file).stem not in compared} == NOT_SERVED
