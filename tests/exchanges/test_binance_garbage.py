"""Whatever the exchange, or somebody in its place, may say: a value or a DataError, never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.errors import AristobotError, DataError
from aristobot.market import Candle, Timeframe
from services.exchanges import binance_orders as orders
from services.exchanges import binance_wire as wire
from services.exchanges.binance_candles import candles_of, pushed_candle
from services.exchanges.binance_catalogue import read_catalogue
from services.exchanges.binance_errors import judge, silence_of
from services.exchanges.binance_events import update_of
from services.exchanges.binance_socket import Answer
from tests.exchanges.messages import body, composed, event, received, result

ANSWER = msgspec.json.Decoder(Answer)


def looked_at(candles: list[Candle]) -> list[Candle]:
    """Candles whose figures somebody has read."""
    for one in candles:
        one.check()
        assert one.open_time < one.close_time
    return candles


READERS: dict[str, Callable[[bytes], object]] = {
    "order": lambda text: wire.report_of(wire.decoded(wire.ORDER, text), "A/B"),
    "orders": lambda text: [wire.report_of(one, "A/B") for one in wire.decoded(wire.ORDERS, text)],
    "legs": lambda text: wire.legs_of(text, "A/B"),
    "cancelled": lambda text: wire.cancelled(text, "A/B", "x"),
    "replaced": lambda text: orders.replaced(text, "A/B"),
    "amended": lambda text: orders.amended(text, "A/B"),
    "fills": lambda text: [wire.fill_of(one, "A/B") for one in wire.decoded(wire.OWN_FILLS, text)],
    "ticker": lambda text: wire.ticker_of(wire.decoded(wire.TICKER, text), "A/B"),
    "account": lambda text: wire.balances_of(wire.decoded(wire.ACCOUNT, text)),
    "rights": lambda text: wire.rights_of(wire.decoded(wire.RESTRICTIONS, text), wire.Account([])),
    "time": lambda text: wire.moment(wire.decoded(wire.SERVER_TIME, text).server_time),
    "candles": lambda text: looked_at(candles_of(text, "A/B", Timeframe.M1, 0)),
    "pushed": lambda text: pushed_candle(text, {"BNBBTC": "BNB/BTC"}, {"1m": Timeframe.M1}),
    "catalogue": read_catalogue,
    "event": lambda text: update_of(text, str),
    "frame": lambda text: wire.decoded(ANSWER, text),
}

#: A true message for each reader, to be damaged in one place.
TRUE: dict[str, bytes] = {
    "order": body("rest/place-order.json"),
    "orders": body("rest/get-orders.json"),
    "legs": body("rest/place-otoco-order-list.json"),
    "cancelled": body("rest/cancel-oco-order.json"),
    "replaced": body("rest/replace-order.json"),
    "amended": body("rest/amend-order.json"),
    "fills": body("rest/get-user-trades.json"),
    "ticker": body("rest/get-ticker.json"),
    "account": body("rest/get-account-info.json"),
    "rights": body("rest/get-api-key-permissions.json"),
    "time": body("rest/get-server-time.json"),
    "candles": body("rest/get-klines.json"),
    "pushed": received("market-stream/klines.json")[-1],
    "catalogue": result("ws-api/get-exchange-info.json"),
    "event": msgspec.json.encode(composed()[0]["event"]),
    "frame": received("user-stream/order.json")[-1],
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["NaN", "-1", "1e999999999", "-Infinity", "", "0x1", "１２", "1_0", 10**400, -(2**63), 2**63, 1e308])
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def survives(name: str, text: bytes) -> None:
    """A value or a DataError; anything else falls through and fails the test."""
    with suppress(DataError):
        READERS[name](text)


def test_true_messages_are_read() -> None:
    for name, text in TRUE.items():
        if name != "cancelled":
            READERS[name](text)
    assert event("user-stream/order.json")


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=200))
def test_any_bytes(name: str, text: bytes) -> None:
    survives(name, text)


@given(st.sampled_from(sorted(READERS)), documents)
def test_any_document(name: str, document: Any) -> None:
    survives(name, json.dumps(document).encode("utf-8", "surrogatepass"))


@settings(max_examples=1500)
@given(st.data(), st.sampled_from(sorted(TRUE)), documents)
def test_a_true_message_with_any_one_thing_replaced(data: st.DataObject, name: str, replacement: Any) -> None:
    document = json.loads(TRUE[name])
    place = data.draw(st.sampled_from(list(_places(document))))
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    if data.draw(st.booleans()):
        del holder[place[-1]]
    else:
        holder[place[-1]] = replacement
    survives(name, json.dumps(document).encode("utf-8", "surrogatepass"))


@given(st.sampled_from(sorted(TRUE)), st.integers(min_value=0))
def test_a_true_message_cut_off_anywhere_is_never_half_believed(name: str, length: int) -> None:
    text = TRUE[name].strip()
    cut = text[: length % len(text)]
    try:
        READERS[name](cut)
    except DataError:
        return
    raise AssertionError("a cut-off message was believed")


def test_a_bottomless_document_is_refused() -> None:
    for name in READERS:
        survives(name, b"[" * 100_000)
        survives(name, b'{"a":' * 100_000)


@given(
    st.integers(100, 599),
    st.binary(max_size=100) | documents.map(lambda one: json.dumps(one).encode("utf-8", "surrogatepass")),
    st.booleans(),
)
def test_any_refusal_is_judged(status: int, text: bytes, order: bool) -> None:
    assert isinstance(judge(status, text, order=order), AristobotError)
    assert isinstance(orders.judge_replacement(status, text, order=True), AristobotError)
    assert silence_of(text, 0) >= 1.0


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that something could be replaced at."""
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [place for key, value in inner for place in [(*path, key), *_places(value, (*path, key))]]
