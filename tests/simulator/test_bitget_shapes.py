"""The simulated Bitget answers in the shape of the samples: the same names, the same JSON types, message for message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.simulator.bitget import BitgetDialect
from services.simulator.server import SimulatorServer
from tests.simulator.bitget_speaker import V2, V3, BitgetSocket, BitgetSpeaker

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads" / "bitget"
#: Shown by a sample that was taken from another answer, or from another product.
STRANGE = {"message"}
V2_SPOT = "/api/v2/spot"


def sample(name: str) -> Any:
    """A documented message; of a dialogue, the last one received."""
    body = json.loads((PAYLOADS / name).read_text("utf-8"))
    return body[-1]["message"] if isinstance(body, list) else body


def kind(value: object) -> str:
    """A JSON type. Any number is a number; null stands for whatever may be missing."""
    if value is None:
        return "null"
    return {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}[type(value)]


def differences(documented: Any, ours: Any, where: str = "") -> Iterator[str]:
    """What the sample shows and we do not, or otherwise."""
    if kind(documented) != kind(ours):
        if "null" not in (kind(documented), kind(ours)):
            yield f"{where}: {kind(ours)} for {kind(documented)}"
    elif isinstance(documented, dict):
        for name in sorted(documented.keys() - STRANGE):
            if name in ours:
                yield from differences(documented[name], ours[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is missing"
    elif isinstance(documented, list) and documented:
        if ours:
            yield from differences(documented[0], ours[0], f"{where}[0]")
        else:
            yield f"{where} is empty"


def check(name: str, ours: Any) -> None:
    """Fail where our message has not the shape of the sample."""
    assert list(differences(sample(name), ours)) == []


PUBLIC: list[tuple[str, str, dict[str, str]]] = [
    ("rest-v2/get-server-time.json", "/api/v2/public/time", {}),
    ("rest-v2/get-symbols.json", f"{V2_SPOT}/public/symbols", {"symbol": "BTCUSDT"}),
    ("live-2026-09/symbols.json", f"{V2_SPOT}/public/symbols", {}),
    ("rest-v2/get-assets.json", f"{V2_SPOT}/public/coins", {"coin": "BTC"}),
    ("rest-v2/get-tickers.json", f"{V2_SPOT}/market/tickers", {}),
    ("rest-v2/get-klines.json", f"{V2_SPOT}/market/candles", {"symbol": "BTCUSDT", "granularity": "1day"}),
    (
        "rest-v2/get-historical-klines.json",
        f"{V2_SPOT}/market/history-candles",
        {"symbol": "BTCUSDT", "granularity": "1week", "endTime": "1767225600000"},
    ),
    (
        "live-2026-09/history-candles-1min.json",
        f"{V2_SPOT}/market/history-candles",
        {"symbol": "BTCUSDT", "granularity": "1min", "endTime": "1767225600000"},
    ),
    ("rest-v2/get-recent-trades.json", f"{V2_SPOT}/market/fills", {"symbol": "BTCUSDT"}),
    ("rest-v2/get-trades.json", f"{V2_SPOT}/market/fills-history", {"symbol": "BTCUSDT"}),
    ("rest-v3/get-klines.json", "/api/v3/market/candles", {"category": "SPOT", "symbol": "BTCUSDT", "interval": "1D"}),
    (
        "rest-v3/get-kline-history.json",
        "/api/v3/market/history-candles",
        {"category": "SPOT", "symbol": "BTCUSDT", "interval": "1H"},
    ),
    ("rest-v3/get-recent-trades.json", "/api/v3/market/fills", {"category": "SPOT", "symbol": "BTCUSDT"}),
    ("catalogue-v2.json", f"{V2_SPOT}/public/symbols", {}),
    ("catalogue-v3.json", "/api/v3/market/instruments", {"category": "SPOT"}),
]


@pytest.mark.parametrize(("name", "path", "params"), PUBLIC, ids=[row[0] for row in PUBLIC])
async def test_public_answers_look_like_the_samples(classic: BitgetSpeaker, name: str, path: str, params: dict[str, str]) -> None:
    answer = await classic.public(path, **params)
    assert answer.status_code == 200
    check(name, answer.json())


LIMIT = {"symbol": "BTCUSDT", "side": "sell", "orderType": "limit", "force": "gtc", "price": "65000", "size": "0.1"}
PLAN = {
    "symbol": "BTCUSDT",
    "side": "sell",
    "orderType": "limit",
    "triggerPrice": "55000",
    "executePrice": "54900",
    "triggerType": "fill_price",
    "planType": "amount",
    "size": "0.1",
}


async def classic_history(owner: BitgetSpeaker) -> str:
    """A market buy, an open order, a plan that sleeps, one that was triggered; return the id of the latter."""
    await owner.do(f"{V2}/place-order", symbol="BTCUSDT", side="buy", orderType="market", size="100", clientOid="bought")
    await owner.do(f"{V2}/place-order", **LIMIT, clientOid="open")
    triggered = await owner.do(f"{V2}/place-plan-order", **PLAN | {"triggerPrice": "61000", "executePrice": "60500"})
    await owner.do(f"{V2}/place-plan-order", **PLAN, clientOid="sleeping")
    await owner.move("61500")
    return str(triggered["orderId"])


CLASSIC_READS: list[tuple[str, str, dict[str, str]]] = [
    ("rest-v2/get-account-info.json", f"{V2_SPOT}/account/info", {}),
    ("rest-v2/get-spot-balances.json", f"{V2_SPOT}/account/assets", {"assetType": "hold_only"}),
    ("rest-v2/get-trade-fee.json", "/api/v2/common/trade-rate", {"symbol": "BTCUSDT", "businessType": "spot"}),
    ("rest-v2/get-order.json", f"{V2}/orderInfo", {"clientOid": "bought"}),
    ("rest-v2/get-open-orders.json", f"{V2}/unfilled-orders", {"symbol": "BTCUSDT"}),
    ("rest-v2/get-closed-orders.json", f"{V2}/history-orders", {"symbol": "BTCUSDT"}),
    ("rest-v2/get-user-trades.json", f"{V2}/fills", {"symbol": "BTCUSDT"}),
    ("rest-v2/get-open-trigger-orders.json", f"{V2}/current-plan-order", {"symbol": "BTCUSDT"}),
    ("rest-v2/get-closed-trigger-orders.json", f"{V2}/history-plan-order", {"startTime": "0", "endTime": "1767225600000"}),
    ("rest-v2/get-trigger-sub-orders.json", f"{V2}/plan-sub-order", {"planOrderId": "triggered"}),
]


@pytest.mark.parametrize(("name", "path", "params"), CLASSIC_READS, ids=[row[0] for row in CLASSIC_READS])
async def test_classic_answers_look_like_the_samples(
    classic: BitgetSpeaker, name: str, path: str, params: dict[str, str]
) -> None:
    triggered = await classic_history(classic)
    params = {key: triggered if value == "triggered" else value for key, value in params.items()}
    answer = await classic.get(path, **params)
    assert answer.status_code == 200
    check(name, answer.json())


async def test_answers_to_classic_orders_look_like_the_samples(classic: BitgetSpeaker) -> None:
    async def asked(name: str, path: str, **body: Any) -> Any:
        answer = (await classic.post(f"{V2}/{path}", **body)).json()
        check(f"rest-v2/{name}.json", answer)
        return answer["data"]

    placed = await asked("place-order", "place-order", **LIMIT)
    await asked(
        "cancel-replace-order",
        "cancel-replace-order",
        symbol="BTCUSDT",
        orderId=placed["orderId"],
        price="66000",
        size="0.1",
        newClientOid="x",
    )
    await asked("cancel-order", "cancel-order", symbol="BTCUSDT", clientOid="x")
    both = [LIMIT | {"clientOid": "good"}, LIMIT | {"clientOid": "bad", "price": "0.001"}]
    several = await asked("place-multiple-orders", "batch-orders", symbol="BTCUSDT", orderList=both)
    assert [one["clientOid"] for one in several["failureList"]] == ["bad"]
    replaced = [{"symbol": "BTCUSDT", "clientOid": "nobody", "price": "66000", "size": "0.1"}]
    await asked("cancel-replace-multiple-orders", "batch-cancel-replace-order", orderList=replaced)
    names = [{"clientOid": "good"}, {"clientOid": "nobody"}]
    await asked("cancel-multiple-orders", "batch-cancel-order", symbol="BTCUSDT", orderList=names)
    await asked("cancel-orders-by-symbol", "cancel-symbol-order", symbol="BTCUSDT")
    plan = await asked("place-trigger-order", "place-plan-order", **PLAN)
    await asked(
        "edit-trigger-order",
        "modify-plan-order",
        orderId=plan["orderId"],
        triggerPrice="56000",
        executePrice="55900",
        orderType="limit",
        size="0.2",
    )
    await asked("cancel-trigger-order", "cancel-plan-order", orderId=plan["orderId"])
    await classic.do(f"{V2}/place-plan-order", **PLAN)
    cancelled = (await classic.post(f"{V2}/batch-cancel-plan-order", symbolList=["BTCUSDT"])).json()
    failed = sample("rest-v2/cancel-all-trigger-orders.json")
    cancelled["data"]["failureList"] = failed["data"]["failureList"]  # here none fails
    check("rest-v2/cancel-all-trigger-orders.json", cancelled)


STRATEGY = {"category": "SPOT", "symbol": "BTCUSDT", "side": "sell", "qty": "0.1"}
TPSL = STRATEGY | {"type": "tpsl", "takeProfit": "65000", "stopLoss": "55000", "tpOrderType": "market", "slOrderType": "market"}
UNIFIED_LIMIT = STRATEGY | {"orderType": "limit", "price": "65000", "timeInForce": "gtc"}
UNIFIED_READS: list[tuple[str, str, dict[str, str]]] = [
    ("rest-v3/get-account-config.json", "/api/v3/account/settings", {}),
    ("rest-v3/get-account-info.json", "/api/v3/account/info", {}),
    ("rest-v3/get-balances.json", "/api/v3/account/assets", {}),
    ("rest-v3/get-fee.json", "/api/v3/account/fee-rate", {"category": "SPOT", "symbol": "BTCUSDT"}),
    ("rest-v3/get-order.json", f"{V3}/order-info", {"clientOid": "bought"}),
    ("rest-v3/get-open-orders.json", f"{V3}/unfilled-orders", {"category": "SPOT"}),
    ("rest-v3/get-closed-orders.json", f"{V3}/history-orders", {"category": "SPOT"}),
    ("rest-v3/get-user-trades.json", f"{V3}/fills", {"category": "SPOT"}),
    ("rest-v3/get-open-strategy-orders.json", f"{V3}/unfilled-strategy-orders", {"category": "SPOT"}),
    ("rest-v3/get-closed-strategy-orders.json", f"{V3}/history-strategy-orders", {"category": "SPOT"}),
]


@pytest.mark.parametrize(("name", "path", "params"), UNIFIED_READS, ids=[row[0] for row in UNIFIED_READS])
async def test_unified_answers_look_like_the_samples(
    unified: BitgetSpeaker, name: str, path: str, params: dict[str, str]
) -> None:
    bought = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "qty": "100"}
    await unified.do(f"{V3}/place-order", **bought, clientOid="bought")
    await unified.do(f"{V3}/place-order", **UNIFIED_LIMIT)
    await unified.do(f"{V3}/place-strategy-order", **TPSL)
    await unified.do(f"{V3}/place-strategy-order", **TPSL | {"takeProfit": "61000"})
    await unified.move("61500")
    answer = await unified.get(path, **params)
    assert answer.status_code == 200
    check(name, answer.json())


async def test_answers_to_unified_orders_look_like_the_samples(unified: BitgetSpeaker) -> None:
    async def asked(name: str, path: str, **body: Any) -> Any:
        answer = (await unified.post(f"{V3}/{path}", **body)).json()
        check(f"rest-v3/{name}.json", answer)
        return answer["data"]

    await asked("place-order", "place-order", **UNIFIED_LIMIT, clientOid="open")
    await asked("edit-order", "modify-order", clientOid="open", price="66000", qty="0.2")
    await asked("cancel-order", "cancel-order", clientOid="open")
    await unified.do(f"{V3}/place-order", **UNIFIED_LIMIT)
    await asked("cancel-all-orders", "cancel-symbol-order", category="SPOT", symbol="BTCUSDT")
    await asked("place-strategy-order", "place-strategy-order", **TPSL, clientOid="exits")
    await asked("edit-strategy-order", "modify-strategy-order", clientOid="exits", stopLoss="56000")
    await asked("cancel-strategy-order", "cancel-strategy-order", clientOid="exits")


async def pushed(socket: BitgetSocket, channel: str, wanted: str = "") -> Any:
    """The next push of a channel (of which a row has this status)."""
    while True:
        message = await socket.hear()
        if "data" in message and channel in (message["arg"].get("channel"), message["arg"].get("topic")):
            row = message["data"][0]
            if not wanted or wanted in (row.get("status"), row.get("orderStatus")):
                return message


async def test_classic_pushes_look_like_the_samples(classic: BitgetSpeaker) -> None:
    spot = {"instType": "SPOT"}
    async with classic.socket("v2", "private") as socket:
        check_dialogue("ws-v2/order.json", 1, await socket.login())
        every = [spot | {"channel": name, "instId": "default"} for name in ("orders", "orders-algo", "fill")]
        check_dialogue("ws-v2/order.json", 3, (await socket.subscribe(*every))[0])
        await socket.subscribe(spot | {"channel": "account", "coin": "default"})
        check("ws-v2/balance.json", await pushed(socket, "account"))
        await classic.do(f"{V2}/place-order", symbol="BTCUSDT", side="buy", orderType="market", size="100")
        filled = await pushed(socket, "orders", "filled")
        check("ws-v2/order.json", filled)
        check("ws-v2/user-trade.json", await pushed(socket, "fill"))
        composed = [one["message"] for one in json.loads((PAYLOADS / "composed/ws-v2-private.json").read_text("utf-8"))]
        assert list(differences(composed[4], filled)) == [".data[0].price is missing"] or not list(
            differences(composed[4], filled)
        )
        await classic.do(f"{V2}/place-order", **LIMIT)
        assert list(differences(composed[2], await pushed(socket, "orders", "live"))) == []
        await classic.move("65000")
        assert list(differences(composed[3], await pushed(socket, "orders", "filled"))) == []
        await classic.do(f"{V2}/place-plan-order", **PLAN)
        check("ws-v2/trigger-order.json", await pushed(socket, "orders-algo"))
        refused = await socket.login(sign="nonsense")
        assert list(differences(composed[1], refused)) == []


def check_dialogue(name: str, index: int, ours: Any) -> None:
    """Compare an answer in the middle of a dialogue; the code of a login is a number or a text."""
    documented = json.loads((PAYLOADS / name).read_text("utf-8"))[index]["message"]
    assert list(differences(documented | {"code": 0} if "code" in documented else documented, ours)) == []


async def test_unified_pushes_look_like_the_samples(unified: BitgetSpeaker) -> None:
    async with unified.socket("v3", "private") as socket:
        check_dialogue("ws-v3/order.json", 1, await socket.login())
        topics = ("order", "strategy-order", "fill", "account")
        check_dialogue(
            "ws-v3/order.json", 3, (await socket.subscribe(*({"instType": "UTA", "topic": name} for name in topics)))[0]
        )
        check("ws-v3/account.json", await pushed(socket, "account"))
        await unified.do(f"{V3}/place-order", category="SPOT", symbol="BTCUSDT", side="buy", orderType="market", qty="100")
        check("ws-v3/order.json", await pushed(socket, "order", "filled"))
        check("ws-v3/user-trade.json", await pushed(socket, "fill"))
        await unified.do(f"{V3}/place-strategy-order", **TPSL)
        check(
            "ws-v3/strategy-order.json",
            await pushed(socket, "strategy-order") | {"arg": sample("ws-v3/strategy-order.json")["arg"]},
        )


@pytest.mark.parametrize(
    ("version", "name", "arg"),
    [
        ("v2", "ws-v2/ticker.json", {"channel": "ticker", "instId": "BTCUSDT"}),
        ("v2", "ws-v2/klines.json", {"channel": "candle1W", "instId": "BTCUSDT"}),
        ("v2", "ws-v2/trades.json", {"channel": "trade", "instId": "BTCUSDT"}),
        ("v3", "ws-v3/ticker.json", {"topic": "ticker", "instId": "BTCUSDT"}),
        ("v3", "ws-v3/kline.json", {"topic": "kline", "instId": "BTCUSDT", "interval": "1D"}),
        ("v3", "ws-v3/trades.json", {"topic": "publicTrade", "instId": "BTCUSDT"}),
    ],
)
async def test_public_pushes_look_like_the_samples(classic: BitgetSpeaker, version: str, name: str, arg: dict[str, str]) -> None:
    async with classic.socket(version, "public") as socket:
        (acknowledged,) = await socket.subscribe({"instType": "SPOT" if version == "v2" else "spot", **arg})
        check_dialogue(name, 1, acknowledged)
        check(name, await socket.hear())


async def test_public_messages_look_like_the_recorded_ones(classic: BitgetSpeaker) -> None:
    recorded = [one["message"] for one in json.loads((PAYLOADS / "live-2026-09/ws-messages.json").read_text("utf-8"))]
    async with classic.socket("v2", "public") as socket:
        ours = []
        for channel in ("ticker", "candle1h", "trade", "candle1m"):
            ours += await socket.subscribe({"instType": "SPOT", "channel": channel, "instId": "BTCUSDT"})
            if channel != "candle1h":
                ours.append(await socket.hear())
    acknowledged, ticker, refused, _, executed, _, candles = ours
    for theirs, mine in zip(recorded, (acknowledged, refused, ticker, executed, candles), strict=True):
        assert list(differences(theirs, mine)) == []
    assert (refused["code"], refused["msg"]) == (recorded[1]["code"], recorded[1]["msg"])


def test_every_sample_is_compared() -> None:
    compared = Path(__file__).read_text("utf-8")
    listed = [one["file"] for one in json.loads((PAYLOADS / "index.json").read_text("utf-8"))]
    assert [name for name in listed if Path(name).stem not in compared] == []


async def test_a_catalogue_of_samples_is_listed(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    dialect = simulator.dialects["bitget"]
    assert isinstance(dialect, BitgetDialect)
    for name in ("catalogue-v2.json", "catalogue-v3.json", "live-2026-09/symbols.json", "rest-v2/get-symbols.json"):
        dialect.load(sample(name)["data"])
    listed = (await classic.public(f"{V2_SPOT}/public/symbols")).json()["data"]
    told = (await classic.public("/api/v3/market/instruments", category="SPOT")).json()["data"]
    assert {"BTCUSDT", "BTCEUR", "TRXUSDT", "LINKUSDT"} <= {one["symbol"] for one in listed} == {one["symbol"] for one in told}
    placed = await classic.do(f"{V2}/place-order", symbol="TRXUSDT", side="buy", orderType="market", size="10")
    assert placed["orderId"]
