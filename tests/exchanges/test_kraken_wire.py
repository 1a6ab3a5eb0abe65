"""Every message of Kraken's at hand is read, and those that we use to the right values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from aristobot.errors import DataError, UnknownSymbol
from aristobot.exchange import KeyRights
from aristobot.market import Candle, InstrumentState, Timeframe
from aristobot.orders import Fill, OrderStatus, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges import kraken_wire as wire
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.kraken_account import balances_of, rights_of
from services.exchanges.kraken_account_feed import AccountFeed, Frame
from services.exchanges.kraken_candles import candles_of, pushed_candles
from services.exchanges.kraken_catalogue import Catalogue, read_catalogue
from services.exchanges.kraken_errors import accepted, judge
from services.exchanges.kraken_market import TICKERS, ticker_of
from services.exchanges.kraken_push import PUSH
from tests.exchanges.kraken_house import KRAKEN, body, heard

D = Decimal
LIVE = read_catalogue(body("live-2026-09/asset-pairs.json"), body("live-2026-09/assets.json"))
NOBODY = b'{"error":[],"result":{}}'
QUERIED = msgspec.json.Decoder(wire.Answer[dict[str, wire.NativeOrder]])
FRAMES = msgspec.json.Decoder(Frame)
LATE = datetime(2030, 1, 1, tzinfo=UTC)


def orders(decoder: msgspec.json.Decoder[Any], inside: str = "") -> Callable[[bytes], object]:
    """Reads the orders of an answer."""

    def read(text: bytes) -> object:
        found = wire.result_of(decoder, text)
        return [wire.report_of(key, one, "A/B") for key, one in (getattr(found, inside) if inside else found).items()]

    return read


def fills(decoder: msgspec.json.Decoder[Any], inside: str = "") -> Callable[[bytes], object]:
    """Reads the executions of an answer."""

    def read(text: bytes) -> object:
        found = wire.result_of(decoder, text)
        return [wire.fill_of(key, one, "A/B") for key, one in (getattr(found, inside) if inside else found).items()]

    return read


def taken(text: bytes) -> object:
    """Reads the answer to a change of orders."""
    return wire.read(wire.TAKEN, wire.result_of(wire.RESULT, text))


def any_answer(text: bytes) -> object:
    """Reads that an answer is a yes, of calls that are not made."""
    assert accepted(text)
    return wire.result_of(wire.RESULT, text)


def tickers(text: bytes) -> object:
    """Reads prices."""
    return [ticker_of(one, key, LATE) for key, one in wire.result_of(TICKERS, text).items()]


def candles(text: bytes) -> object:
    """Reads rows of candles."""
    return candles_of(text, "BTC/USD", Timeframe.H1, LATE)


#: Each file and what reads it; dialogues are read message by message.
READERS: dict[str, Callable[[bytes], object]] = {
    "catalogue.json": lambda text: read_catalogue(text, NOBODY),
    "live-2026-09/asset-pairs.json": lambda text: read_catalogue(text, NOBODY),
    "live-2026-09/assets.json": lambda text: read_catalogue(NOBODY, text),
    "live-2026-09/ohlc-60.json": candles,
    "live-2026-09/trades.json": any_answer,
    "live-2026-09/unknown-pair.json": lambda text: judge(200, text, order=False),
    "rest/cancel-all-orders-after.json": any_answer,
    "rest/cancel-all-orders.json": taken,
    "rest/cancel-multiple-orders.json": taken,
    "rest/cancel-order.json": taken,
    "rest/edit-order.json": taken,
    "rest/get-api-key-info.json": rights_of,
    "rest/get-assets.json": lambda text: read_catalogue(NOBODY, text),
    "rest/get-available-balances.json": lambda text: balances_of(text, Catalogue()),
    "rest/get-balances.json": any_answer,
    "rest/get-closed-orders.json": orders(wire.CLOSED_ORDERS, "closed"),
    "rest/get-klines.json": candles,
    "rest/get-open-orders.json": orders(wire.OPEN_ORDERS, "open"),
    "rest/get-orders.json": orders(QUERIED),
    "rest/get-orders2.json": orders(QUERIED),
    "rest/get-symbols.json": lambda text: read_catalogue(text, NOBODY),
    "rest/get-system-status.json": any_answer,
    "rest/get-ticker.json": tickers,
    "rest/get-trade-balance.json": any_answer,
    "rest/get-trade-history.json": any_answer,
    "rest/get-trade-volume.json": any_answer,
    "rest/get-user-trade-details.json": fills(wire.QUERIED_FILLS),
    "rest/get-user-trades.json": fills(wire.OWN_FILLS, "fills"),
    "rest/place-multiple-orders.json": any_answer,
    "rest/place-order.json": taken,
}
DIALOGUES = ("composed/", "ws-v2-public/", "ws-v2-trading/", "live-2026-09/ws-v2-messages.json")
FILES = sorted(
    str(path.relative_to(KRAKEN))
    for path in KRAKEN.rglob("*")
    if path.is_file() and path.name not in ("index.json", "witness.json")
)


@pytest.mark.parametrize("path", FILES)
def test_no_message_at_hand_is_left_unread(path: str) -> None:
    if not path.startswith(DIALOGUES):
        assert READERS[path](body(path))
        return
    for text in heard(path):
        assert wire.read(FRAMES, text)
        wire.read(PUSH, text)


@pytest.mark.parametrize(
    ("path", "order_id"),
    [
        ("rest/place-order.json", "OUF4EM-FRGI2-MQMWZD"),
        ("rest/edit-order.json", "OU22CG-KLAF2-FWUDD7"),
        ("rest/cancel-order.json", ""),
    ],
)
def test_a_change_is_answered_by_an_id_or_a_count(path: str, order_id: str) -> None:
    answer = wire.read(wire.TAKEN, wire.result_of(wire.RESULT, body(path)))
    assert (answer.exchange_id, answer.count) == (order_id, 1)


@pytest.mark.parametrize(
    ("path", "order_id"),
    [("place-order", "AA5JGQ-SBMRC-SCJ7J7"), ("cancel-orders", "OLUMT4-UTEGU-ZYM7E9"), ("edit-order", "")],
)
def test_the_socket_answers_the_question_by_its_number(path: str, order_id: str) -> None:
    frame = wire.read(FRAMES, heard(f"ws-v2-trading/{path}.json")[0])
    assert (frame.id, frame.success) == (1, True)
    assert wire.read(wire.TAKEN, frame.result).exchange_id == order_id


def test_an_order_that_rests_says_what_was_filled_and_for_what() -> None:
    first, second = wire.result_of(wire.OPEN_ORDERS, body("rest/get-open-orders.json")).open.items()
    report = wire.report_of(*first, "BTC/USD")
    assert (report.exchange_order_id, report.side, report.type) == ("OQCLML-BW3P3-BUCMWZ", Side.BUY, OrderType.LIMIT)
    assert (report.status, report.quantity, report.filled) == (OrderStatus.PARTIALLY_FILLED, D("1.25"), D("0.375"))
    assert (report.price, report.stop_price, report.quote_filled) == (D(30010), D(0), D("11253.7"))
    assert report.at == datetime(2023, 7, 6, 18, 2, 39, 897400, tzinfo=UTC)
    assert first[1].fill_ids == ["TCCCTY-WE2O6-P3NB37"]
    assert wire.report_of(*second, "BTC/USD").status is OrderStatus.OPEN


def test_an_order_that_ended_says_when_and_why() -> None:
    stop, target = (
        wire.report_of(key, one, "A/B")
        for key, one in wire.result_of(wire.CLOSED_ORDERS, body("rest/get-closed-orders.json")).closed.items()
    )
    assert (stop.type, target.type) == (OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
    assert (stop.status, stop.reason, stop.stop_price) == (OrderStatus.CANCELED, "User requested", D(23667))
    assert stop.at > datetime(2023, 6, 30, tzinfo=UTC)
    filled, market = (
        wire.report_of(key, one, "A/B") for key, one in wire.result_of(QUERIED, body("rest/get-orders.json")).items()
    )
    assert (filled.status, filled.filled, filled.quote_filled) == (OrderStatus.FILLED, D("1.25"), D("27526.2"))
    assert (market.type, market.side, market.average_price) == (OrderType.MARKET, Side.SELL, D(30000))


def test_an_order_of_a_kind_we_never_place_does_not_hide_the_others() -> None:
    ((key, native),) = wire.result_of(QUERIED, body("rest/get-orders2.json")).items()
    report = wire.report_of(key, native, "SUI/USD")
    assert (report.type, report.stop_price, report.status) == (OrderType.STOP_LOSS, D(0), OrderStatus.CANCELED)


def test_a_volume_said_in_quote_is_no_quantity_and_post_only_is_a_kind() -> None:
    ((key, native), *_) = wire.result_of(wire.OPEN_ORDERS, body("rest/get-open-orders.json")).open.items()
    native.oflags = "fciq,viqc"
    assert wire.report_of(key, native, "A/B").quantity == D("0.375")
    native.oflags = "post,fciq"
    assert wire.report_of(key, native, "A/B").type is OrderType.LIMIT_MAKER


def test_an_execution_is_paid_in_quote_and_named_by_its_id() -> None:
    (key, one), _ = wire.result_of(wire.OWN_FILLS, body("rest/get-user-trades.json")).fills.items()
    at = datetime(2023, 7, 6, 18, 23, 16, 880200, tzinfo=UTC)
    assert wire.fill_of(key, one, "BTC/USD", "mine") == Fill(
        "THVRQM-33VKH-UCI7BS",
        "BTC/USD",
        Side.BUY,
        D(30010),
        D("0.02"),
        D(0),
        "USD",
        at,
        exchange_order_id="OQCLML-BW3P3-BUCMWZ",
        client_order_id="mine",
        maker=True,
    )


def test_free_is_what_orders_do_not_hold_whether_amounts_are_texts_or_numbers() -> None:
    numbers = balances_of(body("rest/get-available-balances.json"), LIVE)
    assert numbers == [Balance.of("USD", D("17185.45"), D("8249.76")), Balance.of("BTC", D("0.4012"), D("0.8423"))]
    texts = {
        "ZUSD": {"balance": "25435.2100", "hold_trade": "8249.7600"},
        "XXBT": {"balance": "1.2435000000", "hold_trade": "0.0000000000"},
        "XXDG": {"balance": "0.00000000", "hold_trade": "0.00000000"},
        "ETH2.S": {"balance": "3", "hold_trade": "0", "credit": "2", "credit_used": "0.5"},
    }
    answer = json.dumps({"error": [], "result": texts}).encode()
    assert balances_of(answer, LIVE) == [
        Balance.of("USD", D("17185.45"), D("8249.76")),
        Balance.of("BTC", D("1.2435")),
        Balance.of("ETH2.S", D("4.5")),
    ]


def test_a_key_that_may_withdraw_says_so() -> None:
    assert rights_of(body("rest/get-api-key-info.json")) == KeyRights(
        can_read=True,
        can_trade=True,
        can_withdraw=True,
        ip_restricted=False,
        created_at=datetime(2018, 3, 27, 6, 37, 22, tzinfo=UTC),
    )
    told = json.loads(body("rest/get-api-key-info.json"))
    told["result"] |= {"permissions": ["query-funds"], "ip_allowlist": ["10.0.0.1"], "valid_until": "1767225600"}
    del told["result"]["created_time"]
    assert rights_of(json.dumps(told).encode()) == KeyRights(
        can_read=False, can_trade=False, can_withdraw=False, ip_restricted=True, expires_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_the_catalogue_has_steps_minimums_and_the_fees_of_a_new_account() -> None:
    bitcoin = next(one for one in LIVE.instruments if one.symbol == "BTC/USD")
    assert (bitcoin.exchange, bitcoin.base, bitcoin.quote, bitcoin.state) == ("kraken", "BTC", "USD", InstrumentState.TRADING)
    assert (bitcoin.tick, bitcoin.lot, bitcoin.min_quantity) == (D("0.1"), D("0.00000001"), D("0.00005"))
    assert (bitcoin.min_notional, bitcoin.quote_step) == (D("0.5"), D("0.00001"))
    assert (bitcoin.maker_fee, bitcoin.taker_fee) == (D("0.0025"), D("0.004"))
    assert OrderType.STOP_LOSS.value in bitcoin.order_types
    assert not bitcoin.oco_allowed
    closed = next(one for one in LIVE.instruments if one.symbol == "ACA/EUR")
    assert closed.state is InstrumentState.CANCEL_ONLY
    older = {one.symbol: one for one in read_catalogue(body("rest/get-symbols.json"), NOBODY).instruments}
    assert older["ETH/BTC"].taker_fee == D("0.0026")


@pytest.mark.parametrize(
    ("status", "state", "market"),
    [
        ("online", InstrumentState.TRADING, True),
        ("limit_only", InstrumentState.TRADING, False),
        ("post_only", InstrumentState.TRADING, False),
        ("cancel_only", InstrumentState.CANCEL_ONLY, True),
        ("reduce_only", InstrumentState.CANCEL_ONLY, True),
        ("something_new", InstrumentState.HALTED, True),
    ],
)
def test_only_what_is_said_to_be_open_is_open(status: str, state: InstrumentState, market: bool) -> None:
    pair = {"altname": "AB", "wsname": "A/B", "base": "A", "quote": "B", "status": status}
    (one,) = read_catalogue(json.dumps({"error": [], "result": {"AB": pair}}).encode(), NOBODY).instruments
    assert (one.state, OrderType.MARKET.value in one.order_types) == (state, market)
    assert one.tick == D("0.00000001")


@pytest.mark.parametrize("spelling", ["XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"])
def test_every_spelling_of_a_pair_is_ours_in_the_end(spelling: str) -> None:
    assert LIVE.symbol_of(spelling) == "BTC/USD"
    assert LIVE.symbol_of("XDGUSD") == "DOGE/USD"
    assert LIVE.native_of("ETH/BTC") == "ETHXBT"
    assert LIVE.native_of("NEW/USD") == "NEW/USD"
    assert [LIVE.asset_of(name) for name in ("XXBT", "XXDG", "ZUSD", "SOL", "USD.M", "XBT")] == [
        "BTC", "DOGE", "USD", "SOL", "USD.M", "BTC",
    ]  # fmt: skip
    with pytest.raises(UnlistedSymbol):
        LIVE.symbol_of("BTCUSDX")


def test_a_whole_catalogue_of_old_leaves_out_what_is_not_for_everybody() -> None:
    symbols = [one.symbol for one in read_catalogue(body("catalogue.json"), NOBODY).instruments]
    assert len(symbols) == len(set(symbols)) > 5
    assert not [one for one in symbols if "XBT" in one or "XDG" in one or not all(one.partition("/"))]


def test_a_pair_that_is_not_known_is_said_to_be_unknown() -> None:
    assert isinstance(judge(200, body("live-2026-09/unknown-pair.json"), order=False), UnknownSymbol)


def test_prices_of_the_day() -> None:
    ((key, native),) = wire.result_of(TICKERS, body("rest/get-ticker.json")).items()
    one = ticker_of(native, "BTC/USD", LATE)
    assert (key, one.last, one.bid, one.ask) == ("XXBTZUSD", D("30303.2"), D("30300"), D("30300.1"))
    assert (one.volume, one.change_percent) == (D("4412.73601799"), D("-0.6543"))


def test_the_last_row_is_still_forming_until_its_time_is_over() -> None:
    text = body("live-2026-09/ohlc-60.json")
    begins = datetime(2026, 9, 25, 18, tzinfo=UTC)
    rows = candles_of(text, "BTC/USD", Timeframe.H1, begins + timedelta(minutes=59))
    assert [one.closed for one in rows] == [True, True, True, False]
    figures = [D("83765.3"), D("84050.3"), D("83765.3"), D("84030.6"), D("53.72114923")]
    assert rows[-1] == Candle.of("BTC/USD", Timeframe.H1, begins, figures, closed=False)
    assert candles_of(text, "BTC/USD", Timeframe.H1, begins + timedelta(hours=1))[-1].closed
    assert {later.open_time - one.open_time for one, later in pairwise(rows)} == {timedelta(hours=1)}


def test_numbers_on_the_socket_are_read_digit_by_digit() -> None:
    (candle,) = pushed_candles(wire.read(PUSH, heard("live-2026-09/ws-v2-messages.json")[-1]), "BTC/USD")
    assert (candle.open, candle.volume, candle.open_time) == (
        D("83729.5"),
        D("0.21155628"),
        datetime(2026, 9, 25, 17, 48, tzinfo=UTC),
    )
    assert (candle.timeframe, candle.closed) == (Timeframe.M1, False)
    exact = b'{"channel":"ohlc","type":"update","data":[{"symbol":"A/B","open":0.10,"high":0.30000000000000000001,"low":0.1,"close":0.1,"volume":12345678901234567890.12345678,"interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1}]}'
    (precise,) = pushed_candles(wire.read(PUSH, exact), "A/B")
    assert (str(precise.high), str(precise.volume)) == ("0.30000000000000000001", "12345678901234567890.12345678")


def test_other_channels_and_other_pairs_hold_no_candles_of_ours() -> None:
    pushes = [wire.read(PUSH, text) for text in heard("live-2026-09/ws-v2-messages.json")]
    assert [len(pushed_candles(one, "BTC/USD")) for one in pushes] == [0] * 8 + [1]
    assert pushed_candles(pushes[-1], "ETH/USD") == []
    refused = pushes[2]
    assert (refused.success, refused.error) == (False, "Currency pair not supported XBT/USD")


@pytest.mark.parametrize("value", ["-1", "NaN", "1e300", "sNaN", "Infinity", "-0.1"])
def test_a_time_or_an_amount_that_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(DataError):
        wire.seconds(D(value))
    with pytest.raises(DataError):
        wire.real(D(1), D(value))


def test_heartbeats_are_no_news() -> None:
    assert AccountFeed().heard(Frame(channel="heartbeat")) == []
