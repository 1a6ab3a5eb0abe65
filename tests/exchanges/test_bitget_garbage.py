"""Whatever Bitget, or somebody in its place, may say: a value or a DataError, never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.errors import DataError, ExchangeError
from aristobot.market import Candle, Timeframe
from services.exchanges import bitget_v2 as v2
from services.exchanges import bitget_v2_wire as v2_wire
from services.exchanges import bitget_v3 as v3
from services.exchanges import bitget_v3_wire as v3_wire
from services.exchanges.bitget import OFFICIAL
from services.exchanges.bitget_calls import BitgetCalls
from services.exchanges.bitget_candles import candles_of, pushed_candles
from services.exchanges.bitget_catalogue import read_catalogue, read_symbols
from services.exchanges.bitget_errors import accepts, judge
from services.exchanges.bitget_placed import placed
from services.exchanges.bitget_socket import read_frame
from services.exchanges.bitget_tickers import TICKERS, ticker_of
from services.exchanges.bitget_wire import NAMED, SERVER_TIME, decoded
from tests.exchanges.bitget_house import limit
from tests.exchanges.bitget_messages import body, files, received

CALLS = BitgetCalls(ManualClock(), OFFICIAL, None)
CLASSIC, UNIFIED = v2.Classic(CALLS), v3.Unified(CALLS)

PAIR = msgspec.json.encode(
    {"data": [{"symbol": "ETHBTC", "baseCoin": "ETH", "quoteCoin": "BTC", "pricePrecision": "6", "quantityPrecision": "4",
               "status": "online", "minTradeUSDT": "1"}]}
)  # fmt: skip


def looked_at(candles: list[Candle]) -> list[Candle]:
    """Candles whose figures somebody has read."""
    for one in candles:
        one.check()
    return candles


READERS: dict[str, Callable[[bytes], object]] = {
    "placed": lambda text: placed(decoded(NAMED, text), limit("1")),
    "replaced": lambda text: placed(decoded(v2_wire.REPLACED, text), limit("1")),
    "v2 orders": lambda text: [v2_wire.report_of(one, str, resting=True) for one in decoded(v2_wire.ORDERS, text).data or []],
    "v2 plans": lambda text: [v2_wire.plan_of(one) for one in decoded(v2_wire.PLANS, text).data.order_list or []],
    "v2 sub-orders": lambda text: decoded(v2_wire.SUB_ORDERS, text).data,
    "v2 fills": lambda text: [v2_wire.fill_of(one, str) for one in decoded(v2_wire.FILLS, text).data or []],
    "v2 holdings": lambda text: v2_wire.balances_of(decoded(v2_wire.HOLDINGS, text).data),
    "v2 rights": lambda text: v2_wire.rights_of(decoded(v2_wire.ACCOUNT, text).data),
    "v3 order": lambda text: [v3_wire.report_of(one, str) for one in [decoded(v3_wire.ORDER, text).data] if one is not None],
    "v3 orders": lambda text: [v3_wire.report_of(one, str) for one in decoded(v3_wire.ORDERS, text).data.entries or []],
    "v3 strategies": lambda text: [v3_wire.plan_of(one) for one in v3_wire.strategies_in(text)[0]],
    "v3 fills": lambda text: [v3_wire.fill_of(one, str) for one in decoded(v3_wire.FILLS, text).data.entries or []],
    "v3 holdings": lambda text: v3_wire.balances_of(decoded(v3_wire.HOLDINGS, text).data.assets),
    "v3 rights": lambda text: v3_wire.rights_of(decoded(v3_wire.ACCOUNT, text).data),
    "time": lambda text: decoded(SERVER_TIME, text),
    "tickers": lambda text: [ticker_of(one, "A/B") for one in decoded(TICKERS, text).data],
    "candles": lambda text: looked_at(candles_of(text, "A/B", Timeframe.M1, 0)),
    "catalogue": lambda text: read_catalogue(read_symbols(text)),
    "prices": lambda text: read_catalogue(read_symbols(PAIR), text),
    "candle push": lambda text: pushed_candles(text, "BTCUSDT", "BTC/USDT"),
    "v2 push": lambda text: CLASSIC.pushed(read_frame(text), str),
    "v3 push": lambda text: UNIFIED.pushed(read_frame(text), str),
    "frame": lambda text: (read_frame(text).id, read_frame(text).refusal),
}


def messages_at_hand() -> list[bytes]:
    """Every answer and every push, to be damaged in one place."""
    dialogues = [path for path in files() if path.startswith("ws-") or path.endswith(("ws-messages.json", "private.json"))]
    return [body(path) for path in files() if path not in dialogues] + [one for path in dialogues for one in received(path)]


TRUE = messages_at_hand()

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


def survives(text: bytes) -> None:
    """Each reader makes a value of it, or a DataError; anything else falls through and fails the test."""
    for read in READERS.values():
        with suppress(DataError):
            read(text)
    for order in (True, False):
        assert isinstance(judge(400, text, order=order), ExchangeError)
    assert accepts(text) in (True, False)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_value_or_a_data_error(text: bytes) -> None:
    survives(text)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_any_document_is_a_value_or_a_data_error(document: object) -> None:
    with suppress(msgspec.MsgspecError, OverflowError):
        survives(msgspec.json.encode(document))
        survives(msgspec.json.encode({"code": "00000", "data": document, "arg": {"channel": "orders", "topic": "order"}}))


def places_in(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [path, *(place for key, inner in items for place in places_in(inner, (*path, key)))]


def damaged(document: Any, place: tuple[Any, ...], by: object) -> Any:
    """The document with something else in one place."""
    if not place:
        return by
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[place[0]] = damaged(document[place[0]], place[1:], by)
    return copy


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_true_message_damaged_in_one_place_is_a_value_or_a_data_error(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(TRUE)))
    place = data.draw(st.sampled_from(places_in(document)))
    with suppress(msgspec.MsgspecError, OverflowError):
        survives(msgspec.json.encode(damaged(document, place, data.draw(scalars))))


@pytest.mark.parametrize("text", [b"", b"pong", b"[" * 5000, b'{"data":' + b"[" * 5000, b'{"a":' * 3000, b"\xff" * 10])
def test_what_is_no_document_at_all_is_a_data_error(text: bytes) -> None:
    survives(text)
