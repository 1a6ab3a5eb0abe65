"""Kraken's ticker channel: what it says is read digit by digit, and who is followed is known in spite of everything."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import DataError
from aristobot.market import Ticker
from services.exchanges.kraken_prices import ASK_AGAIN, MOST, REFUSED_FOR, Following, Prices
from services.exchanges.kraken_push import PUSH, Push
from services.exchanges.kraken_wire import read
from tests.exchanges.kraken_house import heard

D = Decimal
NOW = datetime(2026, 9, 25, 17, 48, 30, tzinfo=UTC)


def prices_in(path: str) -> list[Ticker]:
    """What the ticker channel says in a list of messages."""
    pushes = [read(PUSH, text) for text in heard(path)]
    return [one for push in pushes if push.channel == "ticker" for one in Prices().heard(push.data, NOW)]


def a_push(last: object, at: datetime | None = NOW, symbol: str = "BTC/USD", **more: object) -> msgspec.Raw:
    """A price as it is pushed."""
    day: dict[str, object] = {"bid": 1, "ask": 1, "volume": 1, "vwap": 1, "low": 0, "high": 0}
    when = {} if at is None else {"timestamp": at.isoformat()}
    return msgspec.Raw(json.dumps([day | {"symbol": symbol, "last": last} | when | more]).encode())


def answer(symbol: str, error: str = "") -> Push:
    """What is said of a subscription."""
    said: dict[str, Any] = {"method": "subscribe", "success": not error}
    said |= {"error": error, "symbol": symbol} if error else {"result": {"channel": "ticker", "symbol": symbol}}
    return read(PUSH, json.dumps(said).encode())


def asked(frames: list[bytes]) -> list[tuple[str, list[str]]]:
    """What was asked for: method and symbols."""
    found = [json.loads(one) for one in frames]
    assert all(one["params"]["channel"] == "ticker" for one in found)
    return [(one["method"], one["params"]["symbol"]) for one in found]


def test_recorded_prices_are_read_to_the_last_digit() -> None:
    (live,) = prices_in("live-2026-09/ws-v2-messages.json")
    assert (live.symbol, live.last, live.bid, live.ask) == ("BTC/USD", D("83744.3"), D("83744.2"), D("83744.3"))
    assert (live.volume, live.change_percent) == (D("3156.8478211"), D("-0.51"))
    assert live.at == datetime(2026, 9, 25, 17, 48, 26, 844359, tzinfo=UTC)
    (old,) = prices_in("ws-v2-public/ticker.json")
    assert (old.symbol, old.last, old.at) == ("ETH/USDT", D("0.10035"), NOW)
    (exact,) = Prices().heard(msgspec.Raw(bytes(a_push(1)).replace(b'"last": 1', b'"last": 0.30000000000000000001')), NOW)
    assert str(exact.last) == "0.30000000000000000001"


def test_a_price_in_the_old_spelling_is_one_of_ours() -> None:
    (told,) = Prices().heard(a_push(5, symbol="XBT/USD"), NOW)
    assert told.symbol == "BTC/USD"


@pytest.mark.parametrize(
    "push",
    [
        a_push(0),
        a_push(-5),
        a_push(None),
        a_push("5,1"),
        a_push("NaN"),
        a_push("Infinity"),
        a_push(5, low=6, high=9),
        a_push(10, low=6, high=9),
        a_push(5, bid=-1),
        a_push(5, timestamp="2026-09-25T17:48:26"),
        a_push(5, timestamp="yesterday"),
        msgspec.Raw(b'{"symbol":"BTC/USD"}'),
        msgspec.Raw(b"[7]"),
    ],
)
def test_what_cannot_be_a_price_is_none(push: msgspec.Raw) -> None:
    with pytest.raises(DataError):
        Prices().heard(push, NOW)


def test_a_price_that_comes_late_or_from_the_future_undoes_none() -> None:
    prices = Prices()
    assert [one.last for one in prices.heard(a_push(5), NOW)] == [D(5)]
    assert prices.heard(a_push(4, NOW - timedelta(milliseconds=1)), NOW) == []
    assert prices.heard(a_push(9, NOW + timedelta(hours=1)), NOW) == []
    assert [one.last for one in prices.heard(a_push(6, NOW + timedelta(milliseconds=1)), NOW)] == [D(6)]
    assert [one.last for one in prices.heard(a_push(3, NOW - timedelta(hours=1), "ETH/USD"), NOW)] == [D(3)]


def test_what_is_wanted_is_asked_for_once_and_what_is_not_any_more_is_left() -> None:
    following = Following()
    assert following.requests({"A/B"}, 0.0) == [], "nobody has spoken yet: the greeting asks"
    assert asked(following.greeting({"A/B"})) == [("subscribe", ["A/B"])]
    following.begin({"A/B"}, 0.0)
    following.answered(answer("A/B"), 0.1)
    assert asked(following.requests({"A/B", "C/D"}, 0.5)) == [("subscribe", ["C/D"])]
    assert following.requests({"A/B", "C/D"}, 1.0) == []
    following.answered(answer("C/D"), 1.1)
    assert asked(following.requests({"C/D"}, 1.5)) == [("unsubscribe", ["A/B"])]
    assert following.requests({"C/D"}, 2.0) == []
    assert asked(following.requests({"A/B", "C/D"}, 2.5)) == [("subscribe", ["A/B"])]


def test_a_request_that_nobody_answered_is_made_again() -> None:
    following = Following()
    following.begin({"A/B"}, 0.0)
    assert following.requests({"A/B"}, ASK_AGAIN - 0.1) == []
    assert asked(following.requests({"A/B"}, ASK_AGAIN)) == [("subscribe", ["A/B"])]


def test_one_unknown_symbol_among_many_is_let_be_for_an_hour_and_the_others_follow() -> None:
    following = Following()
    following.begin({"A/B", "NOPE/B"}, 0.0)
    following.answered(answer("NOPE/B", "Currency pair not supported NOPE/B"), 0.1)
    following.answered(answer("A/B"), 0.1)
    following.answered(answer("", "Exceeded msg rate"), 0.2)
    assert following.requests({"A/B", "NOPE/B"}, 60.0) == []
    assert asked(following.greeting({"A/B", "NOPE/B"})) == [("subscribe", ["A/B"])]
    assert asked(following.requests({"A/B", "NOPE/B"}, REFUSED_FOR + 1)) == [("subscribe", ["NOPE/B"])]


def test_a_new_connection_tells_nothing_until_it_was_asked() -> None:
    following = Following()
    following.begin({"A/B"}, 0.0)
    following.answered(answer("A/B"), 0.1)
    following.begin({"A/B"}, 100.0)
    assert following.requests({"A/B"}, 101.0) == [], "it was greeted with it"
    assert asked(following.requests({"A/B"}, 110.0)) == [("subscribe", ["A/B"])]
    following.answered(answer("A/B", "Already subscribed"), 110.1)
    assert following.requests({"A/B"}, 200.0) == []


@given(st.sets(st.integers(0, 300), max_size=250))
def test_never_more_than_a_hundred_symbols_are_asked_for_at_once_and_all_in_the_end(numbers: set[int]) -> None:
    wanted = {f"C{number}/USD" for number in numbers}
    following, told, now = Following(), set[str](), 0.0
    assert sorted(one for _, symbols in asked(following.greeting(wanted)) for one in symbols) == sorted(wanted)
    following.begin(set(), now)
    while requests := following.requests(wanted, now):
        ((method, symbols),) = asked(requests)
        assert (method, len(symbols) <= MOST, told & set(symbols)) == ("subscribe", True, set())
        for symbol in symbols:
            following.answered(answer(symbol), now)
        told |= set(symbols)
        now += 0.5
    assert told == wanted
