"""Whatever Kraken, or somebody in its place, may say: a value or a DataError, never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.errors import AristobotError, DataError
from aristobot.market import Timeframe
from services.exchanges import kraken_wire as wire
from services.exchanges.kraken_account import balances_of, rights_of
from services.exchanges.kraken_account_feed import AccountFeed, Frame
from services.exchanges.kraken_candles import Closing, candles_of, pushed_candles
from services.exchanges.kraken_catalogue import Catalogue, read_catalogue
from services.exchanges.kraken_errors import accepted, judge, verdict
from services.exchanges.kraken_market import TICKERS, ticker_of
from services.exchanges.kraken_push import PUSH
from tests.exchanges.kraken_house import body, heard

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = b'{"error":[],"result":{}}'
FRAMES = msgspec.json.Decoder(Frame)


def _open_orders(text: bytes) -> object:
    return [wire.report_of(key, one, "A/B") for key, one in wire.result_of(wire.OPEN_ORDERS, text).open.items()]


def _closed_orders(text: bytes) -> object:
    return [wire.report_of(key, one, "A/B") for key, one in wire.result_of(wire.CLOSED_ORDERS, text).closed.items()]


def _fills(text: bytes) -> object:
    return [wire.fill_of(key, one, "A/B") for key, one in wire.result_of(wire.OWN_FILLS, text).fills.items()]


def _candles(text: bytes) -> object:
    found = candles_of(text, "A/B", Timeframe.H1, NOW)
    for one in found:
        one.check()
    return found


def _push(text: bytes) -> object:
    closing = Closing()
    found = pushed_candles(wire.read(PUSH, text), "BTC/USD")
    closing.begin(found)
    return [closing.heard(one, NOW) for one in found]


def _news(text: bytes) -> object:
    return AccountFeed().heard(wire.read(FRAMES, text))


READERS: dict[str, Callable[[bytes], object]] = {
    "open orders": _open_orders,
    "closed orders": _closed_orders,
    "own fills": _fills,
    "queried fills": lambda text: [
        wire.fill_of(key, one, "A/B") for key, one in wire.result_of(wire.QUERIED_FILLS, text).items()
    ],
    "placed": lambda text: wire.read(wire.TAKEN, wire.result_of(wire.RESULT, text)),
    "balances": lambda text: [(one.free, one.locked) for one in balances_of(text, Catalogue())],
    "rights": rights_of,
    "time": lambda text: wire.result_of(wire.TIME, text).unixtime,
    "tickers": lambda text: [ticker_of(one, "A/B", NOW) for one in wire.result_of(TICKERS, text).values()],
    "candles": _candles,
    "push": _push,
    "pairs": lambda text: read_catalogue(text, NOTHING),
    "assets": lambda text: read_catalogue(NOTHING, text),
    "executions": _news,
    "ledger": _news,
    "frame": lambda text: wire.read(FRAMES, text),
}
PRIVATE = heard("composed/ws-v2-private.json")

#: A true message for each reader, to be damaged in one place.
TRUE: dict[str, bytes] = {
    "open orders": body("rest/get-open-orders.json"),
    "closed orders": body("rest/get-closed-orders.json"),
    "own fills": body("rest/get-user-trades.json"),
    "queried fills": body("rest/get-user-trade-details.json"),
    "placed": body("rest/place-order.json"),
    "balances": b'{"error":[],"result":{"ZUSD":{"balance":"2.1","hold_trade":"1","credit":"3","credit_used":"1"},"XXBT":{"balance":"1"}}}',
    "rights": body("rest/get-api-key-info.json"),
    "time": b'{"error":[],"result":{"unixtime":1767225600,"rfc1123":"Thu, 01 Jan 26 00:00:00 +0000"}}',
    "tickers": body("rest/get-ticker.json"),
    "candles": body("live-2026-09/ohlc-60.json"),
    "push": heard("live-2026-09/ws-v2-messages.json")[-1],
    "pairs": body("live-2026-09/asset-pairs.json"),
    "assets": body("live-2026-09/assets.json"),
    "executions": PRIVATE[4],
    "ledger": PRIVATE[9],
    "frame": PRIVATE[0],
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["NaN", "-1", "1e999999999", "-Infinity", "", "0x1", "１２", "1_0", 10**400, -(2**63), 2**63, 1e308, "sNaN"]
    )
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def survives(name: str, text: bytes) -> None:
    """A value or a DataError; anything else falls through and fails the test."""
    with suppress(DataError):
        READERS[name](text)


def written(document: Any) -> bytes:
    """A document as bytes, even one that no honest server would send."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def test_true_messages_are_read() -> None:
    assert TRUE.keys() == READERS.keys()
    for name, text in TRUE.items():
        READERS[name](text)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=200))
def test_any_bytes(name: str, text: bytes) -> None:
    survives(name, text)


@given(st.sampled_from(sorted(READERS)), documents)
def test_any_document_where_a_result_should_be(name: str, document: Any) -> None:
    survives(name, written(document))
    survives(name, written({"error": [], "result": document}))
    survives(name, written({"channel": "executions", "type": "update", "data": document}))


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
    survives(name, written(document))


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
        for deep in (b"[" * 100_000, b'{"a":' * 100_000, b'{"error":[],"result":' + b"[" * 100_000):
            survives(name, deep)
    assert not accepted(b'{"error":' + b"[" * 100_000)


@given(
    st.integers(100, 599),
    st.binary(max_size=100)
    | documents.map(written)
    | st.lists(st.text(max_size=30), max_size=3).map(lambda said: written({"error": said})),
    st.booleans(),
)
def test_any_refusal_is_judged(status: int, text: bytes, order: bool) -> None:
    error = judge(status, text, order=order)
    assert isinstance(error, AristobotError)
    assert str(error)
    accepted(text)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3), st.booleans())
def test_any_words_on_the_socket_are_judged(said: list[str], order: bool) -> None:
    assert isinstance(verdict(said, order=order), AristobotError)


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that something could be replaced at."""
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [place for key, value in inner for place in [(*path, key), *_places(value, (*path, key))]]
