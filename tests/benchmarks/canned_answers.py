"""What three exchanges answer, cut to the size of the real thing: the same bytes for our client and for CCXT's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads"
ASSETS = 500
#: One page of candles and the number of pairs that each lists (Kraken's and Bitget's as counted in September 2026).
CANDLES = {"binance": 1000, "kraken": 720, "bitget": 1000}
SYMBOLS = {"binance": 1700, "kraken": 1451, "bitget": 3169}
#: What Binance's rows say since the catalogue at hand was recorded: fields and rules that its documentation names today.
TODAY: dict[str, Any] = {
    "otoAllowed": True,
    "opoAllowed": True,
    "allowTrailingStop": True,
    "cancelReplaceAllowed": True,
    "amendAllowed": True,
    "permissions": [],
    "permissionSets": [["SPOT", "MARGIN", "TRD_GRP_004"]],
    "defaultSelfTradePreventionMode": "NONE",
    "allowedSelfTradePreventionModes": ["NONE"],
}
RULES_TODAY = [
    {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
     "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000},
    {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
     "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
     "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
]  # fmt: skip
#: The beginning of 2026, and what all clocks show: every candle is over.
START = 1_767_225_600
NOW = START + 86_400


@dataclass(frozen=True)
class Canned:
    """The answer of each path, the head that all carry, and what is said to a frame."""

    rest: dict[str, bytes]
    reply: Callable[[bytes], list[bytes]]
    head: str = ""


def canned(exchange: str) -> Canned:
    """Everything that one exchange says."""
    return {"binance": _binance, "kraken": _kraken, "bitget": _bitget}[exchange]()


def _binance() -> Canned:
    order = _payload("binance/rest/place-order.json")  # the documentation's own: filled in five executions
    account = _payload("binance/rest/get-account-info.json")
    account["balances"] = [
        {"asset": f"C{n}", "free": f"4723{n}.89208129", "locked": f"{n}.08600000"} for n in range(1, ASSETS + 1)
    ]
    candles = [
        [n * 1000, "50000.01", "50100.02", "49900.03", "50050.04", "12.34567", n * 1000 + 59999,
         "617283.5", 308, "6.1", "305000.0", "0"]
        for n in _minutes("binance")
    ]  # fmt: skip
    listed = _payload("binance/catalogue.json")
    listed["symbols"] = [
        _of_today(one, n) for n, one in enumerate(_as_many("binance", listed["symbols"], "baseAsset", "quoteAsset"))
    ]
    filled = _written(order)
    return Canned(
        {
            "/api/v3/order": filled,
            "/api/v3/ticker/24hr": _written(_payload("binance/rest/get-ticker.json") | {"symbol": "BTCUSDT"}),
            "/api/v3/account": _written(account),
            "/api/v3/klines": _written(candles),
            "/api/v3/exchangeInfo": _written(listed),
            "/api/v3/time": _written({"serverTime": NOW * 1000}),
        },
        lambda asked: [b'{"id":%b,"status":200,"result":%b}' % (asked[6 : asked.index(b",")], filled)],
        "X-MBX-USED-WEIGHT-1M: 10\r\n",
    )


def _of_today(row: dict[str, Any], n: int) -> dict[str, Any]:
    """A row of Binance's as it looks now. The most that one market order may ask for is another for every symbol."""
    most = {
        "filterType": "MARKET_LOT_SIZE",
        "minQty": "0.00000000",
        "maxQty": f"{873 + 7 * n}.90727776",
        "stepSize": "0.00000000",
    }
    renewed = {one["filterType"] for one in RULES_TODAY} | {"PERCENT_PRICE", "MIN_NOTIONAL", "MARKET_LOT_SIZE"}
    return {**row, **TODAY, "filters": [one for one in row["filters"] if one["filterType"] not in renewed] + [most, *RULES_TODAY]}


def _kraken() -> Canned:
    listed = dict(_payload("kraken/live-2026-09/asset-pairs.json")["result"])
    known = list(listed.values())
    for n in range(SYMBOLS["kraken"] - len(known)):
        listed[f"C{n}USD"] = {
            **known[n % len(known)],
            "altname": f"C{n}USD",
            "wsname": f"C{n}/USD",
            "base": f"C{n}",
            "quote": "ZUSD",
        }
    assets = dict(_payload("kraken/live-2026-09/assets.json")["result"])
    assets |= {f"C{n}": {**assets["XXBT"], "altname": f"C{n}"} for n in range(ASSETS)}
    candles = [[n, "50000.1", "50100.2", "49900.3", "50050.4", "50020.5", "12.34567890", 308] for n in _minutes("kraken")]
    results = {
        "/0/public/AssetPairs": listed,
        "/0/public/Assets": assets,
        "/0/public/Ticker": _payload("kraken/rest/get-ticker.json")["result"],
        "/0/public/OHLC": {"XXBTZUSD": candles, "last": START},
        "/0/public/Time": {"unixtime": NOW, "rfc1123": "Fri,  2 Jan 26 00:00:00 +0000"},
        "/0/private/AddOrder": _payload("kraken/rest/place-order.json")["result"],
        "/0/private/BalanceEx": {
            f"C{n}": {"balance": f"4723{n}.8920812900", "hold_trade": "0.0000000000"} for n in range(ASSETS)
        },
        "/0/private/GetWebSocketsToken": {"token": "0123456789", "expires": 900},
    }
    return Canned({path: _written({"error": [], "result": result}) for path, result in results.items()}, _to_kraken)


def _to_kraken(asked: bytes) -> list[bytes]:
    question = json.loads(asked)
    if question["method"] == "subscribe":
        result = {"channel": question["params"]["channel"], "snapshot": True, "maxratecount": 180}
    else:
        result = {"order_id": "OUF4EM-FRGI2-MQMWZD", "cl_ord_id": question.get("params", {}).get("cl_ord_id", "")}
    told = {"method": question["method"], "req_id": question["req_id"], "result": result, "success": True}
    return [_written(told | {"time_in": "2026-01-01T00:00:00.000000Z", "time_out": "2026-01-01T00:00:00.000100Z"})]


def _bitget() -> Canned:
    symbols = _payload("bitget/live-2026-09/symbols.json")["data"]
    named = {"orderId": "1001", "clientOid": "121211212122"}
    holding = {"frozen": "0", "locked": "0", "limitAvailable": "0", "uTime": "1767225600000"}
    candles = [
        [str(n * 1000), "50000.01", "50100.02", "49900.03", "50050.04", "12.345678", "617283.5", "617283.5"]
        for n in _minutes("bitget")
    ]
    data = {
        "/api/v2/public/time": {"serverTime": str(NOW * 1000)},
        "/api/v2/spot/public/symbols": _as_many("bitget", symbols, "baseCoin", "quoteCoin"),
        "/api/v2/margin/currencies": [],
        "/api/v2/spot/market/tickers": _payload("bitget/rest-v2/get-tickers.json")["data"],
        "/api/v2/spot/market/candles": candles,
        "/api/v2/spot/account/assets": [{"coin": f"C{n}", "available": f"4723{n}.89208129", **holding} for n in range(ASSETS)],
        "/api/v2/spot/trade/place-order": named,
        "/api/v3/trade/place-order": named,
    }
    answers = {path: _done(value) for path, value in data.items()}
    answers["/api/v3/account/settings"] = _written({"code": "40084", "msg": "You are in Classic Account mode", "data": None})
    return Canned(answers, _to_bitget)


def _to_bitget(asked: bytes) -> list[bytes]:
    if asked == b"ping":
        return [b"pong"]
    question = json.loads(asked)
    if question["op"] == "login":
        return [_written({"event": "login", "code": "0", "msg": ""})]
    args = [{"symbol": "BTCUSDT", "orderId": "1001", "clientOid": question["args"][0]["clientOid"], "cTime": "1767225600000"}]
    told = {"event": "trade", "id": question["id"], "category": "spot", "topic": question["topic"], "args": args}
    return [_written(told | {"code": "0", "msg": "Success", "ts": "1767225600000"})]


def _done(data: object) -> bytes:
    return _written({"code": "00000", "msg": "success", "requestTime": NOW * 1000, "data": data})


def _minutes(exchange: str) -> range:
    return range(START, START + 60 * CANDLES[exchange], 60)


def _as_many(exchange: str, known: list[dict[str, Any]], base: str, quote: str) -> list[dict[str, Any]]:
    """As many symbols as the real catalogue has, under names of their own."""
    others = range(SYMBOLS[exchange] - len(known))
    return known + [{**known[n % len(known)], "symbol": f"C{n}USDT", base: f"C{n}", quote: "USDT"} for n in others]


def _payload(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((PAYLOADS / name).read_text())
    return document


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
