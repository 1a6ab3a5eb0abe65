"""The simulated Binance says no in Binance's own words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from aristobot.clock import ManualClock, from_milliseconds
from services.simulator.server import SimulatorServer
from tests.simulator.speaker import Speaker

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "59000"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "55000"}


def without(order: dict[str, str], name: str) -> dict[str, str]:
    """An order that lacks one parameter."""
    return {key: value for key, value in order.items() if key != name}


@pytest.mark.parametrize(
    ("order", "code", "text"),
    [
        (without(LIMIT, "symbol"), -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        (LIMIT | {"symbol": "BTCXXX"}, -1121, "Invalid symbol."),
        (LIMIT | {"side": "HOLD"}, -1117, "Invalid side."),
        (LIMIT | {"type": "MAGIC"}, -1116, "Invalid orderType."),
        (LIMIT | {"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        (without(LIMIT, "timeInForce"), -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        (without(LIMIT, "price"), -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        (without(STOP, "stopPrice"), -1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed."),
        (LIMIT | {"price": ""}, -1105, "Parameter 'price' was empty."),
        (
            LIMIT | {"price": "1E-7"},
            -1100,
            r"Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.",
        ),
        (
            LIMIT | {"newClientOrderId": "a b"},
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        (LIMIT | {"quantity": "0.0100000001"}, -1111, "Parameter 'quantity' has too much precision."),
        (MARKET | {"price": "59000"}, -1106, "Parameter 'price' sent when not required."),
        (MARKET | {"timeInForce": "GTC"}, -1106, "Parameter 'timeInForce' sent when not required."),
        (LIMIT | {"colour": "red"}, -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
        (
            without(MARKET, "quantity"),
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
        (LIMIT | {"quantity": "0"}, -1013, "Invalid quantity."),
        (LIMIT | {"price": "59000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (LIMIT | {"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        (MARKET | {"quantity": "500"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        (LIMIT | {"quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
        (LIMIT | {"price": "1000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (LIMIT | {"quantity": "1"}, -2010, "Account has insufficient balance for requested action."),
        (LIMIT | {"quantity": "0.001", "icebergQty": "0.0005"}, -1013, "Iceberg orders are not supported for this symbol."),
        (STOP | {"stopPrice": "61000"}, -2010, "Order would trigger immediately."),
        (
            without(LIMIT, "timeInForce") | {"type": "LIMIT_MAKER", "price": "61000"},
            -2010,
            "Order would immediately match and take.",
        ),
    ],
)
async def test_an_order_that_cannot_be_is_refused_with_its_code_and_text(
    speaker: Speaker, order: dict[str, str], code: int, text: str
) -> None:
    for path in ("/api/v3/order/test", "/api/v3/order"):
        if code == -2010 and path.endswith("test"):
            continue
        answer = await speaker.ask("POST", path, **order)
        assert answer.status_code == 400
        assert answer.json() == {"code": code, "msg": text}
    assert (await speaker.ledger())["orders"] == []


@pytest.mark.parametrize(
    ("method", "path", "params", "code", "text"),
    [
        ("GET", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": "1"}, -2013, "Order does not exist."),
        ("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": "1"}, -2011, "Unknown order sent."),
        (
            "GET",
            "/api/v3/order",
            {"symbol": "BTCUSDT"},
            -1102,
            "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        ),
        ("GET", "/api/v3/orderList", {"orderListId": "99"}, -2018, "Order list does not exist."),
        (
            "GET",
            "/api/v3/myTrades",
            {"symbol": "BTCUSDT", "startTime": "0", "endTime": "86400001"},
            -1127,
            "More than 24 hours between startTime and endTime.",
        ),
    ],
)
async def test_a_question_about_nothing_is_answered_so(
    speaker: Speaker, method: str, path: str, params: dict[str, str], code: int, text: str
) -> None:
    answer = await speaker.ask(method, path, **params)
    assert answer.json() == {"code": code, "msg": text}


@pytest.mark.parametrize(
    ("age", "window", "text"),
    [
        (-1_001, None, "Timestamp for this request was 1000ms ahead of the server's time."),
        (5_001, None, "Timestamp for this request is outside of the recvWindow."),
        (101, "100", "Timestamp for this request is outside of the recvWindow."),
        (1, "0.5", "Timestamp for this request is outside of the recvWindow."),
    ],
)
async def test_a_request_is_good_only_for_its_window(speaker: Speaker, age: int, window: str | None, text: str) -> None:
    params: dict[str, Any] = {"timestamp": speaker.now() - age}
    if window:
        params["recvWindow"] = window
    answer = await speaker.ask("GET", "/api/v3/account", **params)
    assert (answer.status_code, answer.json()) == (400, {"code": -1021, "msg": text})


@pytest.mark.parametrize(("age", "window"), [(-1000, None), (5000, None), (60_000, "60000"), (0, "0.001")])
async def test_the_edges_of_the_window_are_inside(speaker: Speaker, age: int, window: str | None) -> None:
    params: dict[str, Any] = {"timestamp": speaker.now() - age}
    if window:
        params["recvWindow"] = window
    assert (await speaker.ask("GET", "/api/v3/account", **params)).status_code == 200


async def test_microseconds_do_as_well_as_milliseconds(speaker: Speaker) -> None:
    assert (await speaker.ask("GET", "/api/v3/account", timestamp=speaker.now() * 1000)).status_code == 200


async def test_the_exchange_clock_may_be_wrong(speaker: Speaker) -> None:
    await speaker.control.post("/clock", json={"offset_ms": 10_000})
    assert (await speaker.get("/api/v3/time")).json()["serverTime"] == speaker.now() + 10_000
    assert (await speaker.ask("GET", "/api/v3/account")).json()["code"] == -1021


async def test_a_wrong_signature_an_unknown_key_and_no_key_have_their_own_answers(speaker: Speaker) -> None:
    speaker.secret = "wrong"
    assert (await speaker.ask("GET", "/api/v3/account")).json()["code"] == -1022
    speaker.key = "unknown"
    answer = await speaker.ask("GET", "/api/v3/account")
    words = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    assert (answer.status_code, answer.json()) == (401, words)
    speaker.key = "not a key!"
    assert (await speaker.ask("GET", "/api/v3/account")).json() == {"code": -2014, "msg": "API-key format invalid."}


async def test_a_key_that_may_only_read_places_no_order(speaker: Speaker) -> None:
    account = {"exchange": "binance", "key": "reader", "secret": "s", "balances": {"USDT": "1000"}, "permissions": ["read"]}
    await speaker.control.post("/accounts", json=account)
    speaker.key, speaker.secret = "reader", "s"
    assert (await speaker.order(side="BUY", type="MARKET", quantity="0.01"))["code"] == -2015
    rights = (await speaker.ask("GET", "/sapi/v1/account/apiRestrictions")).json()
    assert (rights["enableReading"], rights["enableSpotAndMarginTrading"], rights["enableWithdrawals"]) == (True, False, False)


PUBLISHED = {
    "key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "secret": "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
}


async def test_the_published_example_is_accepted_by_query_and_by_body() -> None:
    server = SimulatorServer(ManualClock(from_milliseconds(1499827319559)))
    await server.start()
    server.venue.open_account("binance", PUBLISHED["key"], PUBLISHED["secret"], {})
    first = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    second = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    whole = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    glued = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    headers = {"X-MBX-APIKEY": PUBLISHED["key"], "Content-Type": "application/x-www-form-urlencoded"}
    address = f"{server.url}/binance/api/v3/order"
    async with httpx.AsyncClient(headers=headers) as http:
        answers = [
            await http.post(f"{address}?{first}&{second}&signature={whole}"),
            await http.post(address, content=f"{first}&{second}&signature={whole}"),
            await http.post(f"{address}?{first}", content=f"{second}&signature={glued}"),
            await http.post(f"{address}?{first}&{second}&signature={glued}"),
        ]
    await server.stop()
    # The signature is good, and LTCBTC is not listed here; the last signature belongs to other bytes.
    assert [answer.json()["code"] for answer in answers] == [-1121, -1121, -1121, -1022]


async def test_who_asks_too_much_is_warned_and_then_banned(speaker: Speaker, clock: ManualClock) -> None:
    speaker.server.dialects["binance"].limits.weight = 100  # type: ignore[attr-defined]  # the Binance dialect's budgets
    for _ in range(5):
        assert (await speaker.ask("GET", "/api/v3/account")).status_code == 200
    warned = await speaker.ask("GET", "/api/v3/account")
    assert (warned.status_code, warned.json()["code"], warned.headers["retry-after"]) == (429, -1003, "60")
    assert warned.headers["x-mbx-used-weight-1m"] == "100"
    statuses = [(await speaker.get("/api/v3/ping")).status_code for _ in range(11)]
    assert statuses == [429] * 9 + [418] * 2
    assert (await speaker.get("/api/v3/ping")).headers["retry-after"] == "120"
    await clock.advance(119)
    assert (await speaker.get("/api/v3/ping")).status_code == 418
    await clock.advance(1)
    assert (await speaker.get("/api/v3/ping")).status_code == 200


async def test_a_successful_order_costs_nothing_and_a_refused_one_does(speaker: Speaker) -> None:
    answer = await speaker.ask("POST", "/api/v3/order", **MARKET)
    assert answer.headers["x-mbx-used-weight-1m"] == "0"
    answer = await speaker.ask("POST", "/api/v3/order", **MARKET | {"quantity": "9"})
    assert answer.headers["x-mbx-used-weight-1m"] == "1"


async def test_only_orders_that_stay_unfilled_count_against_the_limit(speaker: Speaker, clock: ManualClock) -> None:
    speaker.server.dialects["binance"].limits.orders_10s = 2  # type: ignore[attr-defined]  # the Binance dialect's budgets
    for _ in range(4):
        assert (await speaker.order(**MARKET))["status"] == "FILLED"
    for _ in range(2):
        answer = await speaker.ask("POST", "/api/v3/order", **LIMIT)
    assert answer.headers["x-mbx-order-count-10s"] == "2"
    refused = await speaker.ask("POST", "/api/v3/order", **LIMIT)
    words = "Too many new orders; current limit is 2 orders per 10 SECOND."
    assert (refused.status_code, refused.json()) == (429, {"code": -1015, "msg": words})
    await clock.advance(10)
    assert (await speaker.order(**LIMIT))["status"] == "NEW"
