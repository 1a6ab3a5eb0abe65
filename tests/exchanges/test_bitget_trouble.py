"""Bitget in trouble, over a server of a few lines: modes that are found out, doubts, silences, half-done replacements."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from aristobot.clock import ManualClock
from aristobot.errors import (
    ClockSkewed,
    ConnectionLost,
    ExchangeError,
    InvalidOrder,
    MissingRight,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TryAgain,
    UnknownOrder,
)
from aristobot.exchange import Credentials, Endpoints
from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from services.exchanges.bitget import BitgetClient
from services.exchanges.bitget_v2 import Classic
from tests.exchanges.bitget_house import QUICK, SYMBOL, limit, new_id, stop
from tests.exchanges.small_server import Answer, Asked, Half, Hang, Reset, Say, SmallServer, advancing, small_server

D = Decimal
KEYS = Credentials("key", "secret", "passphrase")
ORDER = "/api/v2/spot/trade"
Reply = Callable[[Asked], Answer]


def yes(data: Any) -> Say:
    """All went well."""
    return Say({"code": "00000", "msg": "success", "requestTime": 1767225600000, "data": data})


def no(code: str, text: str = "no") -> Say:
    """A refusal, with status 200 as Bitget likes to."""
    return Say({"code": code, "msg": text, "requestTime": 1767225600000, "data": None})


def told(client_id: str, status: str, **differences: str) -> dict[str, str]:
    """One classic order."""
    return {
        "symbol": "BTCUSDT", "orderId": "7", "clientOid": client_id, "orderType": "limit", "side": "buy", "size": "0.1", "price": "90",
        "status": status, "baseVolume": "0", "quoteVolume": "0", "cTime": "1767225600000", "uTime": "1767225600000", **differences,
    }  # fmt: skip


@asynccontextmanager
async def speaking(
    clock: ManualClock, replies: dict[str, Reply | Answer], mode: str = "classic"
) -> AsyncIterator[tuple[BitgetClient, SmallServer]]:
    """A client, and a server that answers by the end of the path; it knows the time and the account's mode."""
    known: dict[str, Reply | Answer] = {
        "/public/time": lambda _: yes({"serverTime": str(1767225600000 + int(clock.monotonic() * 1000))}),
        "/account/settings": yes({"accountMode": "unified"}) if mode == "unified" else no("40084"),
        **replies,
    }

    def answer(asked: Asked) -> Answer:
        for ending, reply in known.items():
            if asked.path.endswith(ending):
                return reply(asked) if callable(reply) else reply
        return Say({}, 404)

    async with small_server() as server:
        server.rest = answer
        sockets = server.endpoints.stream
        client = BitgetClient(
            clock, Endpoints(server.endpoints.rest, f"{sockets}/v2/ws/public", f"{sockets}/v2/ws/private"), QUICK
        )
        try:
            yield client, server
        finally:
            await client.close()


async def test_the_mode_is_asked_once_and_remembered_for_each_key(clock: ManualClock) -> None:
    async with speaking(clock, {"/account/assets": yes([])}) as (client, server):
        for keys in (KEYS, KEYS, replace(KEYS, passphrase="another")):
            await client.balances(keys)
        assert server.count("/api/v3/account/settings") == 2
        assert server.count("/api/v2/spot/account/assets") == 3


@pytest.mark.parametrize(("there", "protocol"), [(no("40085"), "v3"), (yes({"authorities": []}), "v2")])
async def test_a_key_that_may_not_see_settings_is_told_by_what_it_is_refused(
    clock: ManualClock, there: Say, protocol: str
) -> None:
    answers: dict[str, Reply | Answer] = {
        "/account/settings": no("40014"), "/spot/account/info": there,
        "/v2/spot/account/assets": yes([]), "/v3/account/assets": yes({"assets": []}),
    }  # fmt: skip
    async with speaking(clock, answers) as (client, server):
        await client.balances(KEYS)
        assert server.asked[-1].path.startswith(f"/api/{protocol}/")


async def test_an_account_that_refuses_both_protocols_is_asked_in_each_once(clock: ManualClock) -> None:
    answers: dict[str, Reply | Answer] = {"/v2/spot/account/assets": no("40085"), "/v3/account/assets": no("40084")}
    async with speaking(clock, answers) as (client, server):
        with pytest.raises(MissingRight) as refused:
            await client.balances(KEYS)
        assert refused.value.code == "account_mode"
        assert server.count("/api/v2/spot/account/assets") == server.count("/api/v3/account/assets") == 1


async def test_an_order_refused_for_the_mode_is_sent_in_the_other_protocol(clock: ManualClock) -> None:
    async with speaking(clock, {"/v2/spot/trade/place-order": no("40085"), "/v3/trade/place-order": yes({"orderId": "5"})}) as (
        client,
        server,
    ):
        report = await client.place_order(KEYS, limit("90"))
        assert report.exchange_order_id == "5"
        assert server.count(f"{ORDER}/place-order") == server.count("/api/v3/trade/place-order") == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Hang(), OutcomeUnknown), (Reset(), OutcomeUnknown), (Half(), OutcomeUnknown), (Say(b"<html>", 502), OutcomeUnknown),
        (Say(b"not json"), OutcomeUnknown), (yes(None), OutcomeUnknown), (yes({"clientOid": "x"}), OutcomeUnknown), (yes([]), OutcomeUnknown),
        (no("40010"), OutcomeUnknown), (no("40725"), OutcomeUnknown), (no("45001"), OutcomeUnknown), (no("99999"), OutcomeUnknown),
        (no("40200"), OutcomeUnknown), (Say({"code": "43012", "msg": "poor"}, 500), OutcomeUnknown),
        (no("429"), RateLimited), (Say({}, 429), RateLimited), (no("40008"), ClockSkewed), (no("43115"), TryAgain),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["limit", "stop"])
async def test_an_order_is_sent_once_whatever_happens_and_a_doubt_is_a_doubt(
    clock: ManualClock, answer: Answer, error: type[ExchangeError], kind: str
) -> None:
    async with speaking(clock, {"/place-order": answer, "/place-plan-order": answer}) as (client, server):
        with pytest.raises(error):
            await client.place_order(KEYS, limit("90") if kind == "limit" else stop())
        assert server.count(f"{ORDER}/place-order") + server.count(f"{ORDER}/place-plan-order") == 1


async def test_too_many_requests_are_followed_by_a_silence_that_grows_and_is_forgotten(clock: ManualClock) -> None:
    answers = iter([Say({}, 429), Say({}, 429), yes({"orderId": "5"}), Say({}, 429)])
    async with speaking(clock, {"/place-order": lambda _: next(answers)}) as (client, _):
        waits = []
        for _ in range(4):
            try:
                await client.place_order(KEYS, limit("90"))
            except RateLimited as limited:
                waits.append(limited.retry_after)
                await clock.advance(limited.retry_after)
        assert waits == [1.0, 2.0, 1.0]


async def pushing(socket: ServerConnection, rows: list[tuple[str, dict[str, str]]]) -> None:
    """A private socket that accepts all, and once everything is subscribed pushes these rows on their channels."""
    subscribed = 0
    async for frame in socket:
        asked = json.loads(frame)
        about = {"arg": asked["args"][0]} if asked["op"] == "subscribe" else {}
        await socket.send(json.dumps({"event": asked["op"], "code": 0} | about))
        subscribed += bool(about)
        if subscribed == len(Classic.subscriptions):
            for channel, row in rows:
                await socket.send(json.dumps({"action": "snapshot", "arg": {"channel": channel}, "data": [row]}))


async def test_a_stop_and_the_order_it_makes_are_told_as_one_though_they_come_in_the_wrong_order(clock: ManualClock) -> None:
    asked, made = stop(), iter([[], [{"orderId": "77"}]])
    plan = {
        "orderId": "9", "clientOid": asked.client_order_id, "instId": "BTCUSDT", "size": "0.1", "triggerPrice": "90", "status": "executed",
        "orderType": "market", "side": "sell", "planType": "amount", "cTime": "1767225600000", "uTime": "1767225600000",
    }  # fmt: skip
    sold = {
        "instId": "BTCUSDT", "orderId": "77", "clientOid": "theirs", "newSize": "0.1", "orderType": "market", "side": "sell", "status": "filled",
        "accBaseVolume": "0.1", "priceAvg": "89", "tradeId": "3", "fillPrice": "89", "baseVolume": "0.1", "fillFee": "-0.01",
        "fillFeeCoin": "USDT", "fillTime": "1767225600000", "tradeScope": "T", "cTime": "1767225600000", "uTime": "1767225600000",
    }  # fmt: skip

    symbols = [
        {
            "symbol": "BTCUSDT",
            "baseCoin": "BTC",
            "quoteCoin": "USDT",
            "pricePrecision": "2",
            "quantityPrecision": "6",
            "status": "online",
        }
    ]
    replies: dict[str, Reply | Answer] = {
        "/plan-sub-order": lambda _: yes(next(made)), "/public/symbols": yes(symbols), "/orderInfo": no("40109"),
    }  # fmt: skip
    async with speaking(clock, replies) as (client, server):
        server.talk = lambda socket: pushing(socket, [("orders-algo", plan), ("orders", sold)])
        told: list[OrderReport] = []
        async for update in client.stream_account(KEYS):
            if isinstance(update, OrderReport):
                told.append(update)
            if len(told) == 2:
                break
        assert [(one.client_order_id, one.exchange_order_id, one.type) for one in told] == [
            (asked.client_order_id, "9", OrderType.STOP_LOSS)
        ] * 2
        assert [one.status for one in told] == [OrderStatus.OPEN, OrderStatus.FILLED]
        assert (told[1].filled, told[1].quote_filled, told[1].fills[0].client_order_id) == (
            D("0.1"),
            D("8.9"),
            asked.client_order_id,
        )


async def test_nothing_listening_means_nothing_was_sent(clock: ManualClock) -> None:
    async with small_server() as server:
        rest = server.endpoints.rest
    client = BitgetClient(clock, Endpoints(rest, "ws://127.0.0.1:1/v2/ws/public", "ws://127.0.0.1:1/v2/ws/private"), QUICK)
    place = client.place_order(KEYS, limit("90"))
    waiting = client.server_time()
    with pytest.raises(ConnectionLost):
        await advancing(clock, place)
    with pytest.raises(ConnectionLost):
        await advancing(clock, waiting)
    await client.close()


@pytest.mark.parametrize(
    ("old", "error", "code"),
    [
        (told("x", "live"), InvalidOrder, "amend_refused"),
        (told("x", "cancelled"), Refused, "cancelled_not_replaced"),
        (told("x", "filled", baseVolume="0.1"), UnknownOrder, "unknown_order"),
    ],
)
async def test_a_replacement_that_failed_says_which_half_did(
    clock: ManualClock, old: dict[str, str], error: type[ExchangeError], code: str
) -> None:
    asked = limit("90")
    answers: dict[str, Reply | Answer] = {
        "/cancel-replace-order": yes({"orderId": None, "clientOid": None, "success": "failure", "msg": "too poor"}),
        "/orderInfo": yes([old | {"clientOid": asked.client_order_id}]),
        "/fills": yes([]),
    }
    async with speaking(clock, answers) as (client, server):
        with pytest.raises(error) as refused:
            await client.edit_order(KEYS, SYMBOL, asked.client_order_id, msgspec.structs.replace(asked, client_order_id=new_id()))
        assert refused.value.code == code
        assert server.count(f"{ORDER}/cancel-replace-order") == 1


async def test_a_replacement_nobody_can_judge_is_a_doubt(clock: ManualClock) -> None:
    asked = limit("90")
    answers: dict[str, Reply | Answer] = {
        "/cancel-replace-order": yes({"success": "failure", "msg": "?"}), "/orderInfo": Say(b"not json"),
    }  # fmt: skip
    async with speaking(clock, answers) as (client, _):
        with pytest.raises(OutcomeUnknown):
            await advancing(
                clock,
                client.edit_order(KEYS, SYMBOL, asked.client_order_id, msgspec.structs.replace(asked, client_order_id=new_id())),
            )


@pytest.mark.parametrize(
    "look", [Say(b"<html>", 503), Say({"code": "40014", "msg": "no right", "requestTime": 1, "data": None}, 400)]
)
async def test_a_cancel_whose_outcome_nobody_tells_is_a_doubt(clock: ManualClock, look: Answer) -> None:
    answers: dict[str, Reply | Answer] = {"/cancel-order": yes({"orderId": "7"}), "/orderInfo": look}
    async with speaking(clock, answers) as (client, _):
        with pytest.raises(OutcomeUnknown):
            await advancing(clock, client.cancel_order(KEYS, SYMBOL, new_id()))


async def test_a_cancel_is_looked_at_until_it_is_done(clock: ManualClock) -> None:
    answers = iter(["live", "live", "cancelled"])
    name = new_id()
    replies: dict[str, Reply | Answer] = {
        "/cancel-order": yes({"orderId": "7"}), "/orderInfo": lambda _: yes([told(name, next(answers))]), "/fills": yes([]),
    }  # fmt: skip
    async with speaking(clock, replies) as (client, server):
        await advancing(clock, client.cancel_order(KEYS, SYMBOL, name))
        assert server.count(f"{ORDER}/orderInfo") == 3
        assert server.count(f"{ORDER}/cancel-order") == 1


async def test_an_order_older_than_two_hours_is_found_in_the_lists(clock: ManualClock) -> None:
    name = new_id()
    nothing = {"nextFlag": False, "idLessThan": None, "orderList": None}

    def history(asked: Asked) -> Answer:
        start = int(asked.query.get("idLessThan", "1000"))
        page = [
            told(name if number == 850 else "other", "filled", orderId=str(number))
            for number in range(start - 1, start - 101, -1)
        ]
        return yes(page)

    replies: dict[str, Reply | Answer] = {
        "/orderInfo": yes([]), "/current-plan-order": yes(nothing), "/history-plan-order": yes(nothing), "/unfilled-orders": yes([]),
        "/history-orders": history,
    }  # fmt: skip
    async with speaking(clock, replies) as (client, server):
        found = await client.find_order(KEYS, SYMBOL, name)
        assert found is not None
        assert (found.exchange_order_id, found.status) == ("850", OrderStatus.FILLED)
        assert server.count(f"{ORDER}/history-orders") == 2


async def test_a_failing_list_never_means_that_there_is_no_order(clock: ManualClock) -> None:
    async with speaking(clock, {"/orderInfo": yes([]), "/current-plan-order": Say(b"<html>", 502)}) as (client, _):
        with pytest.raises(TryAgain):
            await advancing(clock, client.find_order(KEYS, SYMBOL, new_id()))


async def test_a_triggered_stop_without_an_order_yet_is_open(clock: ManualClock) -> None:
    asked = stop()
    plan = {
        "orderId": "9", "clientOid": asked.client_order_id, "symbol": "BTCUSDT", "size": "0.1", "executePrice": "0", "triggerPrice": "90",
        "status": "executed", "orderType": "market", "side": "sell", "planType": "amount", "cTime": "1767225600000", "uTime": "1767225600000",
    }  # fmt: skip
    replies: dict[str, Reply | Answer] = {
        "/orderInfo": yes([]), "/current-plan-order": yes({"orderList": [plan]}), "/plan-sub-order": yes([]),
    }  # fmt: skip
    async with speaking(clock, replies) as (client, _):
        found = await client.find_order(KEYS, SYMBOL, asked.client_order_id)
        assert found is not None
        assert (found.status, found.type, found.side, found.filled) == (OrderStatus.OPEN, OrderType.STOP_LOSS, Side.SELL, D(0))


async def test_a_stop_that_could_not_be_executed_is_rejected(clock: ManualClock) -> None:
    plan = {
        "orderId": "9", "clientOid": "mine", "symbol": "BTCUSDT", "size": "0.1", "executePrice": "0", "triggerPrice": "90",
        "status": "fail_execute", "orderType": "market", "side": "sell", "cTime": "1767225600000", "uTime": "1767225600000",
    }  # fmt: skip
    async with speaking(clock, {"/orderInfo": no("40109"), "/current-plan-order": yes({"orderList": [plan]})}) as (client, _):
        found = await client.find_order(KEYS, SYMBOL, "mine")
        assert found is not None
        assert (found.status, found.reason) == (OrderStatus.REJECTED, "fail_execute")


async def test_a_unified_key_that_may_not_order_over_its_socket_orders_over_rest(clock: ManualClock) -> None:
    async def talk(socket: ServerConnection) -> None:
        async for frame in socket:
            if frame == "ping":
                continue
            asked = json.loads(frame)
            if asked["op"] == "login":
                await socket.send(json.dumps({"event": "login", "code": 0}))
            else:
                await socket.send(json.dumps({"event": "error", "id": asked["id"], "code": "40014", "msg": "permission"}))

    async with speaking(clock, {"/place-order": yes({"orderId": "5"})}, "unified") as (client, server):
        server.talk = talk
        for _ in range(2):
            assert (await client.place_order(KEYS, limit("90"))).exchange_order_id == "5"
        assert server.count("/api/v3/trade/place-order") == 2


async def test_an_order_says_until_when_it_may_be_executed(clock: ManualClock) -> None:
    bodies: list[bytes] = []

    def take(asked: Asked) -> Answer:
        bodies.append(asked.body)
        return yes({"orderId": "5"})

    async with speaking(clock, {"/place-order": take}) as (client, _):
        await client.place_order(KEYS, limit("90.10"))
        (sent,) = (json.loads(one) for one in bodies)
        assert sent["receiveWindow"] == "5000"
        assert abs(int(sent["requestTime"]) - 1767225600000) < 2000
        assert (sent["price"], sent["size"], sent["force"], sent["side"]) == ("90.1", "0.1", "gtc", "buy")


async def test_a_socket_order_without_an_answer_is_a_doubt_and_not_sent_over_rest(clock: ManualClock) -> None:
    async def talk(socket: ServerConnection) -> None:
        async for frame in socket:
            if frame != "ping" and json.loads(frame)["op"] == "login":
                await socket.send(json.dumps({"event": "login", "code": 0}))

    async with speaking(clock, {"/place-order": yes({"orderId": "5"})}, "unified") as (client, server):
        server.talk = talk
        with pytest.raises(OutcomeUnknown):
            await client.place_order(KEYS, limit("90"))
        assert server.count("/api/v3/trade/place-order") == 0
