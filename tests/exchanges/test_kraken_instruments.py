"""Kraken's instrument channel: what changes of a listed pair is told, exactly, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from aristobot.errors import DataError
from aristobot.market import Instrument, InstrumentState
from aristobot.orders import OrderType
from services.exchanges.kraken_catalogue import read_catalogue
from services.exchanges.kraken_instruments import Rules
from services.exchanges.kraken_push import PUSH
from services.exchanges.kraken_wire import read
from tests.exchanges.kraken_house import body, heard

D = Decimal


def listed() -> dict[str, Instrument]:
    """The pairs of the recorded catalogue."""
    known = read_catalogue(body("live-2026-09/asset-pairs.json"), body("live-2026-09/assets.json"))
    return {one.symbol: one for one in known.instruments}


def pushes() -> tuple[msgspec.Raw, msgspec.Raw]:
    """A snapshot, and an update after it."""
    found = [push for push in (read(PUSH, text) for text in heard("composed/ws-v2-instrument.json")) if push.channel]
    assert [one.type for one in found] == ["snapshot", "update"]
    return found[0].data, found[1].data


def pair(**words: object) -> msgspec.Raw:
    """A push about one pair."""
    return msgspec.Raw(msgspec.json.encode({"pairs": [{"symbol": "BTC/USD", "status": "online"} | words]}))


def test_what_agrees_with_the_list_is_no_news_and_what_changes_is_told_whole() -> None:
    known, rules = listed(), Rules()
    snapshot, update = pushes()
    bitcoin = known["BTC/USD"]
    assert [one.symbol for one in rules.heard(snapshot, known)] in ([], ["DOGE/USD"])
    assert rules.heard(snapshot, known) == [], "told twice"
    (told,) = rules.heard(update, known)
    assert told == replace(bitcoin, min_quantity=D("0.0001"), order_types=frozenset({OrderType.LIMIT_MAKER.value}))
    assert rules.heard(update, known) == []
    (back,) = rules.heard(snapshot, known)
    assert back == bitcoin, "what is again as the list says is news after it was not"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("cancel_only", InstrumentState.CANCEL_ONLY),
        ("reduce_only", InstrumentState.CANCEL_ONLY),
        ("delisted", InstrumentState.HALTED),
        ("maintenance", InstrumentState.HALTED),
        ("work_in_progress", InstrumentState.HALTED),
        ("something_new", InstrumentState.HALTED),
    ],
)
def test_a_pair_that_closes_is_told_closed(status: str, state: InstrumentState) -> None:
    (told,) = Rules().heard(pair(status=status), listed())
    assert told.state is state


def test_a_word_less_changes_no_rule() -> None:
    known = listed()
    (told,) = Rules().heard(pair(status="cancel_only", symbol="XBT/USD"), known)
    assert told == replace(known["BTC/USD"], state=InstrumentState.CANCEL_ONLY)


@pytest.mark.parametrize(
    "words",
    [
        {"qty_min": -1},
        {"qty_min": "NaN"},
        {"tick_size": "Infinity"},
        {"cost_precision": 99},
        {"status": None},
        {"symbol": 7},
        {"symbol": "NEW/USD", "status": "cancel_only"},
    ],
)
def test_a_pair_that_cannot_be_or_is_not_listed_is_passed_over_and_the_next_is_heard(words: dict[str, object]) -> None:
    strange = msgspec.json.decode(pair(**words))["pairs"]
    good = {"symbol": "BTC/USD", "status": "cancel_only"}
    push = msgspec.Raw(msgspec.json.encode({"assets": [], "pairs": [*strange, good]}))
    (told,) = Rules().heard(push, listed())
    assert (told.symbol, told.state) == ("BTC/USD", InstrumentState.CANCEL_ONLY)


@pytest.mark.parametrize("push", [b"[]", b'{"pairs":{}}', b"7", b'{"pairs":[', b"<html>"])
def test_a_push_that_is_none_is_said_so(push: bytes) -> None:
    with pytest.raises(DataError):
        Rules().heard(msgspec.Raw(push), listed())
