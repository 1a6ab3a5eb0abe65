"""The account's channels: orders completed message by message, money that is free, candles that are over."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import DataError
from aristobot.exchange import AccountUpdate, BalanceChanged
from aristobot.market import Candle, Timeframe
from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from services.exchanges.kraken_account_feed import AccountFeed, Frame
from services.exchanges.kraken_candles import Closing
from tests.exchanges.kraken_house import heard, money_in

D = Decimal
S = OrderStatus
FRAMES = msgspec.json.Decoder(Frame)
MESSAGES = [FRAMES.decode(text) for text in heard("composed/ws-v2-private.json")]
MINE, STOP = "ari-7f3k2m9q-x1", "ari-7f3k2m9q-s1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def told(feed: AccountFeed, frames: list[Frame]) -> list[AccountUpdate]:
    """The news in frames that follow one another without a gap."""
    found: list[AccountUpdate] = []
    for frame in frames:
        news = feed.heard(frame)
        assert news is not None
        found += news
    return found


def reports(updates: list[AccountUpdate], client_order_id: str) -> list[OrderReport]:
    """What was said of one order."""
    return [one for one in updates if isinstance(one, OrderReport) and one.client_order_id == client_order_id]


def frame(channel: str, data: list[dict[str, Any]], kind: str = "update", sequence: int | None = None) -> Frame:
    """A message on a channel."""
    return Frame(channel=channel, kind=kind, sequence=sequence, data=msgspec.Raw(json.dumps(data).encode()))


def executed(**differences: Any) -> dict[str, Any]:
    """An execution of a coin at 100, of a buy of two."""
    return {
        "order_id": "O1", "cl_ord_id": "mine", "symbol": "BTC/USDT", "side": "buy", "order_type": "limit", "order_qty": 2,
        "limit_price": 100, "timestamp": "2026-01-01T00:00:00.000000Z", **differences,
    }  # fmt: skip


def trade(number: int, **differences: Any) -> dict[str, Any]:
    """One execution of the order above: half of it."""
    filled = {"cum_qty": number, "cum_cost": 100 * number, "order_status": "filled" if number == 2 else "partially_filled"}
    this = {"exec_id": f"T{number}", "last_qty": 1, "last_price": 100, "fees": [{"asset": "USDT", "qty": 0.4}]}
    return executed(exec_type="trade", **filled, **this, **differences)


def booked(number: int, asset: str, balance: str) -> dict[str, Any]:
    """The ledger entry of that execution."""
    return {"asset": asset, "balance": float(balance), "ref_id": f"T{number}", "wallet_type": "spot", "type": "trade"}


def test_a_dialogue_of_the_documentation_is_followed_to_its_end() -> None:
    updates = told(AccountFeed(), MESSAGES)
    target = reports(updates, MINE)
    assert [one.status for one in target] == [S.PARTIALLY_FILLED, S.FILLED, S.FILLED]
    assert (target[0].filled, target[0].price, target[0].symbol, target[0].side) == (D("0.4"), D(158), "SOL/USD", Side.SELL)
    assert (target[-1].filled, target[-1].quote_filled) == (D("1.25"), D("197.5"))
    (fill,) = target[-1].fills
    assert (fill.trade_id, fill.quantity, fill.fee, fill.fee_asset, fill.maker) == (
        "TAAAAA-BBBBB-DDDDDD", D("0.85"), D("0.3358"), "USD", True,
    )  # fmt: skip
    stop = reports(updates, STOP)
    assert [one.status for one in stop] == [S.OPEN, S.OPEN, S.OPEN, S.CANCELED]
    assert {(one.type, one.stop_price, one.exchange_order_id) for one in stop} == {
        (OrderType.STOP_LOSS, D(144), "ODDDDD-EEEEE-FFFFFF")
    }
    assert [one.quantity for one in stop] == [D("0.85"), D("0.85"), D("0.5"), D("0.5")]
    assert (stop[-1].reason, stop[-1].at.minute) == ("User requested", 3)


def test_balances_come_with_a_snapshot_and_with_every_booking() -> None:
    updates = told(AccountFeed(), MESSAGES)
    assert money_in(updates, "SOL")[-2:] == [(D("0.85"), D(0)), (D(0), D(0))]
    assert money_in(updates, "USD")[-1] == (D("1063.05"), D(0))


def test_an_order_that_ended_is_whole_only_with_all_its_executions() -> None:
    feed = AccountFeed()
    told(feed, MESSAGES)
    partly, stop = feed.known(MINE), feed.known(STOP)
    assert partly is not None
    assert stop is not None
    assert not partly.is_whole, "0.4 of it were filled before anybody listened"
    assert stop.is_whole
    assert feed.known("never-heard-of") is None


def test_a_missing_message_is_noticed_and_one_told_twice_is_not_believed_twice() -> None:
    feed = AccountFeed()
    assert feed.heard(frame("executions", [], "snapshot", 1)) == []
    assert feed.heard(frame("executions", [trade(1)], sequence=2))
    assert feed.heard(frame("executions", [trade(1)], sequence=2)) == []
    assert feed.heard(frame("executions", [trade(2)], sequence=4)) is None
    feed.begin()
    assert feed.heard(frame("executions", [], "snapshot", 1)) == []


def test_what_rested_and_is_not_in_the_next_snapshot_holds_nothing_any_more() -> None:
    feed = AccountFeed()
    told(feed, [frame("executions", [executed(exec_type="new", order_status="new")], "snapshot", 1)])
    assert money_in(told(feed, [frame("balances", [{"asset": "USDT", "balance": 1000}], "snapshot", 1)]), "USDT") == [
        (D("799.2"), D("200.8"))
    ]
    told(feed, [frame("executions", [], "snapshot", 1)])
    assert feed.known("mine") is None
    again = told(feed, [frame("balances", [{"asset": "USDT", "balance": 1000}], "snapshot", 1)])
    assert money_in(again, "USDT") == [(D(1000), D(0))]


def test_a_word_about_an_order_never_introduced_is_passed_over() -> None:
    update = {"order_id": "O9", "exec_type": "filled", "order_status": "filled", "timestamp": "2026-01-01T00:00:00Z"}
    assert AccountFeed().heard(frame("executions", [update])) == []


def test_an_impossible_word_changes_nothing() -> None:
    feed = AccountFeed()
    told(feed, [frame("executions", [executed(exec_type="new", order_status="new")])])
    for wrong in (
        {"cum_qty": -1},
        {"order_status": "dancing"},
        {"limit_price": 1e300},
        {"last_qty": -1, "exec_id": "T", "last_price": 1},
    ):
        with pytest.raises(DataError):
            feed.heard(frame("executions", [executed(**wrong)]))
    order = feed.known("mine")
    assert order is not None
    assert (order.filled, order.limit, order.status, order.fills) == (D(0), D(100), S.OPEN, {})


@given(st.permutations(range(6)))
def test_executions_and_their_bookings_add_up_in_whatever_order_the_two_channels_come(order: list[int]) -> None:
    """The channels keep their own order; between them anything may happen."""
    channels = {
        "executions": [executed(exec_type="new", order_status="new"), trade(1), trade(2)],
        "balances": [booked(1, "USDT", "899.6"), booked(1, "BTC", "1"), booked(2, "USDT", "799.2"), booked(2, "BTC", "2")],
    }
    turns = ["executions" if one < 3 else "balances" for one in order] + ["balances"]
    feed = AccountFeed()
    updates = told(feed, [frame("balances", [{"asset": "USDT", "balance": 1000}, {"asset": "BTC", "balance": 0}], "snapshot")])
    for channel in turns:
        updates += told(feed, [frame(channel, [channels[channel].pop(0)])])
    assert money_in(updates, "USDT")[-1] == (D("799.2"), D(0))
    assert money_in(updates, "BTC")[-1] == (D(2), D(0))
    whole = reports(updates, "mine")[-1]
    assert (whole.status, whole.filled, [one.trade_id for one in whole.fills]) == (S.FILLED, D(2), ["T1", "T2"])
    assert all(free >= 0 for free, _ in money_in(updates, "USDT"))


def test_of_an_execution_the_money_moves_with_its_first_messenger_and_only_once() -> None:
    feed = AccountFeed()
    told(feed, [frame("balances", [{"asset": "USDT", "balance": 1000}, {"asset": "BTC", "balance": 0}], "snapshot")])
    told(feed, [frame("executions", [executed(exec_type="new", order_status="new")])])
    first = told(feed, [frame("executions", [trade(1)])])
    assert (money_in(first, "BTC"), money_in(first, "USDT")) == ([(D(1), D(0))], [(D("799.2"), D("100.4"))])
    assert told(feed, [frame("balances", [booked(1, "BTC", "1"), booked(1, "USDT", "899.6")])]) == []


def test_what_lies_in_another_wallet_cannot_be_spent() -> None:
    held = [{"asset": "SOL", "balance": 3, "wallets": [{"type": "spot", "balance": 1}, {"type": "earn", "balance": 2}]}]
    feed = AccountFeed()
    assert money_in(told(feed, [frame("balances", held, "snapshot")]), "SOL") == [(D(1), D(0))]
    elsewhere = {"asset": "SOL", "balance": 5, "wallet_type": "earn"}
    assert told(feed, [frame("balances", [elsewhere])]) == []


def test_the_same_money_is_not_told_twice() -> None:
    feed = AccountFeed()
    news = told(feed, [frame("executions", [executed(exec_type=kind, order_status=kind)]) for kind in ("pending_new", "new")])
    assert len([one for one in news if isinstance(one, BalanceChanged)]) == 1


def candle(minute: int, close: str = "100") -> Candle:
    """A minute that is still forming."""
    figures = [D(100), D(200), D(50), D(close), D(1)]
    return Candle.of("BTC/USDT", Timeframe.M1, NOON + timedelta(minutes=minute), figures, closed=False)


def shown(candles: list[Candle]) -> list[tuple[int, int, bool]]:
    """Minute, last price, and whether it is over."""
    return [((one.open_time - NOON) // timedelta(minutes=1), int(one.close), one.closed) for one in candles]


def test_a_candle_is_over_when_the_next_one_begins() -> None:
    closing, now = Closing(), NOON + timedelta(seconds=30)
    assert shown(closing.heard(candle(0, "101"), now)) == [(0, 101, False)]
    assert shown(closing.heard(candle(0, "102"), now)) == [(0, 102, False)]
    assert shown(closing.heard(candle(1), NOON + timedelta(seconds=61))) == [(0, 102, True), (1, 100, False)]
    assert closing.heard(candle(0, "103"), NOON + timedelta(seconds=61)) == [], "what was over is told once"


def test_a_candle_after_which_nothing_comes_is_over_two_seconds_after_its_end() -> None:
    closing = Closing()
    closing.heard(candle(0, "101"), NOON)
    assert closing.due(NOON + timedelta(seconds=61)) == []
    assert shown(closing.due(NOON + timedelta(seconds=62))) == [(0, 101, True)]
    assert closing.due(NOON + timedelta(seconds=90)) == []
    assert closing.heard(candle(0, "105"), NOON + timedelta(seconds=90)) == []
    assert shown(closing.heard(candle(3), NOON + timedelta(seconds=190))) == [(3, 100, False)], "minutes at rest have no candle"


def test_the_first_snapshot_is_no_news_and_a_later_one_fills_the_gap() -> None:
    closing, now = Closing(), NOON + timedelta(seconds=130)
    history = [candle(0), candle(1), candle(2, "102")]
    closing.begin(history)
    assert shown([one for each in history for one in closing.heard(each, now)]) == [(2, 102, False)]
    later = [candle(1), candle(2, "103"), candle(3, "104"), candle(4, "105")]
    closing.begin(later)
    heard_later = [one for each in later for one in closing.heard(each, NOON + timedelta(seconds=250))]
    assert shown(heard_later) == [(2, 103, True), (3, 104, True), (4, 105, False)]
