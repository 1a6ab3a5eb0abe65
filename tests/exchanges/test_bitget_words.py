"""The words, numbers and names of Bitget: how they are read where no sample shows it, and what is never guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aristobot.errors import DataError
from aristobot.market import Timeframe
from aristobot.orders import OrderReport, OrderStatus
from services.exchanges import bitget_v2_wire as v2_wire
from services.exchanges import bitget_v3_wire as v3_wire
from services.exchanges.bitget_candles import subscription
from services.exchanges.bitget_catalogue import needs_prices, read_catalogue, read_symbols
from services.exchanges.bitget_plans import Stage
from services.exchanges.bitget_wire import decoded, number
from tests.exchanges.bitget_messages import body

D = Decimal


def raw(document: Any) -> bytes:
    """JSON of a document."""
    return msgspec.json.encode(document)


def v2_order(path: str) -> OrderReport:
    """The one order in an answer."""
    (native,) = decoded(v2_wire.ORDERS, body(path)).data or []
    return v2_wire.report_of(native, str)


def test_candle_channels_have_the_sockets_spelling() -> None:
    (hour, day) = json.loads(subscription("BTCUSDT", [Timeframe.H1, Timeframe.D1], unified=False))["args"]
    assert hour == {"instType": "SPOT", "channel": "candle1H", "instId": "BTCUSDT"}
    assert day["channel"] == "candle1Dutc"
    (kline,) = json.loads(subscription("BTCUSDT", [Timeframe.M1], unified=True))["args"]
    assert kline == {"instType": "spot", "topic": "kline", "symbol": "BTCUSDT", "interval": "1m"}


def test_a_smallest_value_in_dollars_is_converted_for_other_quotes() -> None:
    pair = {"symbol": "ETHBTC", "baseCoin": "ETH", "quoteCoin": "BTC", "pricePrecision": "6", "quantityPrecision": "4",
            "status": "online", "minTradeUSDT": "1"}  # fmt: skip
    listed = read_symbols(raw({"data": [pair]}))
    assert needs_prices(listed)
    prices = raw({"data": [{"symbol": "BTCUSDT", "lastPr": "100000"}]})
    assert read_catalogue(listed, prices).instruments[0].min_notional == D("0.000011")
    assert read_catalogue(listed).instruments[0].min_notional == D(0)
    assert not needs_prices(read_symbols(body("catalogue-v2.json")))


@pytest.mark.parametrize("spelling", ["cancelled", "canceled"])
def test_both_spellings_of_cancelled_are_known(spelling: str) -> None:
    for path, wire in (("rest-v2/get-order.json", v2_wire.STAGES), ("rest-v3/get-order.json", v3_wire.STAGES)):
        assert wire[spelling] is Stage.CANCELLED, path
    said = json.loads(body("rest-v2/get-order.json"))["data"][0] | {"status": spelling}
    report = v2_wire.report_of(msgspec.convert(said, v2_wire.NativeOrder), str)
    assert (report.status, report.filled) == (OrderStatus.CANCELED, D("142.9015"))


def test_a_plan_in_quote_is_read_in_base() -> None:
    said = json.loads(body("rest-v2/get-open-trigger-orders.json"))["data"]["orderList"][0]
    plan = v2_wire.plan_of(msgspec.convert(said | {"planType": "total", "size": "41.572"}, v2_wire.NativePlan))
    assert plan.quantity == D(1000)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1e40", "abc"])
def test_an_amount_that_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(DataError):
        number(value)
    assert number("") == number(None) == D(0)


@pytest.mark.parametrize(("field", "value"), [("status", "sleeping"), ("side", "hold"), ("orderType", "guess")])
def test_a_word_we_do_not_know_is_never_guessed(field: str, value: str) -> None:
    said = json.loads(body("rest-v2/get-order.json"))["data"][0] | {field: value}
    with pytest.raises(DataError):
        v2_wire.report_of(msgspec.convert(said, v2_wire.NativeOrder), str)


def test_rights_to_move_coins_count_as_a_right_to_withdraw() -> None:
    for codes, trades, withdraws in (
        (["stor"], False, False),
        (["stow", "stor"], True, False),
        (["stow", "wtow"], True, True),
        (["wwow"], False, True),
    ):
        rights = v2_wire.rights_of(v2_wire.AccountInfo(codes, ""))
        assert (rights.can_trade, rights.can_withdraw, rights.ip_restricted) == (trades, withdraws, False)
    read_only = v3_wire.rights_of(v3_wire.AccountInfo("read-only", ["uta_trade"], None))
    assert (read_only.can_read, read_only.can_trade) == (True, False)


def test_times_are_in_utc() -> None:
    assert v2_order("rest-v2/get-order.json").at == datetime(2023, 7, 24, 10, 55, 41, 868000, tzinfo=UTC)
