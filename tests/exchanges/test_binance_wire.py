"""Every message of Binance that we use is read to the right values, and every file at hand is accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import BalanceChanged, KeyRights
from aristobot.market import Candle, InstrumentState, Timeframe
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges import binance_orders as orders
from services.exchanges import binance_wire as wire
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.binance_candles import candles_of, pushed_candle
from services.exchanges.binance_catalogue import read_catalogue
from services.exchanges.binance_events import kind_of, update_of
from services.exchanges.binance_socket import Answer
from tests.exchanges import messages
from tests.exchanges.messages import body, composed, event, received, result

D = Decimal
CATALOGUE = read_catalogue(body("catalogue.json"))

#: File → client id, exchange id, side, type, status, quantity, filled, quote spent or received, price.
ORDERS: dict[str, tuple[str, str, Side, OrderType, OrderStatus, str, str, str, str]] = {
    "rest/place-order.json": (
        "6gCrw2kRUAF9CvJDGP16IP", "28", Side.SELL, OrderType.LIMIT, OrderStatus.FILLED, "10", "10", "10", "0",
    ),
    "rest/get-order.json": ("myOrder1", "1", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, "1", "0", "0", "0.1"),
    "rest/cancel-order.json": ("myOrder1", "4", Side.BUY, OrderType.LIMIT, OrderStatus.CANCELED, "1", "0", "0", "2"),
    "ws-api/place-order.json": (
        "4d96324ff9d44481926157ec08158a40", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.FILLED,
        "0.00847", "0.00847", "198.335215", "23416.1",
    ),
    "ws-api/get-order.json": (
        "4d96324ff9d44481926157", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.FILLED,
        "0.00847", "0.00847", "198.335215", "23416.1",
    ),
    "ws-api/cancel-order.json": (
        "4d96324ff9d44481926157", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.FILLED,
        "0.00847", "0.00847", "198.335215", "23416.1",
    ),
    "rest/amend-order.json": (
        "4d96324ff9d44481926157", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.PARTIALLY_FILLED,
        "0.00847", "0.00847", "198.335215", "23416.1",
    ),
    "ws-api/amend-order.json": (
        "4d96324ff9d44481926157", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.PARTIALLY_FILLED,
        "0.00847", "0.00847", "198.335215", "23416.1",
    ),
    "rest/replace-order.json": ("wOceeeOzNORyLiQfw7jd8S", "10", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, "0.04", "0", "0", "0.02"),
    "ws-api/replace-order.json": (
        "bX5wROblo6YeDwa9iTLeyY", "12569099453", Side.SELL, OrderType.LIMIT, OrderStatus.OPEN, "0.00847", "0", "0", "23416.1",
    ),
}  # fmt: skip

#: File → client ids of the legs in the exchange's order, their types, their status, the list's client id.
LISTS: dict[str, tuple[list[str], list[OrderType], OrderStatus, str]] = {
    "rest/place-oco-order-list.json": (
        ["44nZvqpemY7sVYgPYbvPih", "NuMp0nVYnciDiFmVqfpBqK"],
        [OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER], OrderStatus.OPEN, "lH1YDkuQKWiXVXHPSKYEIp",
    ),
    "rest/place-oto-order-list.json": (
        ["Bq17mn9fP6vyCn75Jw1xya", "arLFo0zGJVDE69cvGBaU0d"],
        [OrderType.LIMIT, OrderType.MARKET], OrderStatus.OPEN, "yl2ERtcar1o25zcWtqVBTC",
    ),
    "rest/place-otoco-order-list.json": (
        ["fM9Y4m23IFJVCQmIrlUmMK", "6pcQbFIzTXGZQ1e2MkGDq4", "r4JMv9cwAYYUwwBZfbussx"],
        [OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER], OrderStatus.OPEN, "RumwQpBaDctlUu5jyG5rs0",
    ),
    "rest/cancel-oco-order.json": (
        ["pO9ufTiFGg3nw2fOdgeOXa", "TXOvglzXuaubXAaENpaRCB"],
        [OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER], OrderStatus.CANCELED, "C3wyj4WVEktd7u9aVBRXcN",
    ),
    "ws-api/place-oco-order.json": (
        ["0m6I4wfxvTUrOBSMUl0OPU", "Z2IMlR79XNY5LU0tOxrWyW"],
        [OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER], OrderStatus.OPEN, "cKPMnDCbcLQILtDYM4f4fX",
    ),
    "ws-api/cancel-oco-order.json": (
        ["BqtFCj5odMoWtSqGk2X9tU", "jLnZpj5enfMXTuhKB1d0us"],
        [OrderType.STOP_LOSS_LIMIT, OrderType.LIMIT_MAKER], OrderStatus.CANCELED, "6023531d7edaad348f5aff",
    ),
}  # fmt: skip

#: Read by a test of its own below.
READ_ONE_BY_ONE = {
    "catalogue.json", "composed/user-stream.json", "market-stream/klines.json", "recorded-2021-10/combined-stream.jsonl",
    "rest/get-exchange-info.json", "rest/get-klines.json", "ws-api/get-klines.json", "rest/get-ticker.json", "ws-api/get-tickers.json",
    "rest/get-account-info.json", "ws-api/get-account-info.json", "rest/get-api-key-permissions.json", "rest/get-server-time.json",
    "rest/get-open-orders.json", "rest/get-orders.json", "ws-api/get-open-orders.json", "rest/cancel-all-orders.json",
    "rest/get-user-trades.json", "ws-api/get-user-trades.json", "user-stream/order.json", "user-stream/account-position.json",
    "user-stream/balance.json", "user-stream/oco-order.json", "ws-api/get-exchange-info.json",
}  # fmt: skip

#: Calls the client never makes: other prices, other people's trades, list states without their legs, tests, fees by symbol.
NEVER_ASKED = {
    "index.json", "market-stream/aggregated-trades.json", "market-stream/book-ticker.json", "market-stream/mini-ticker.json",
    "market-stream/rolling-window-ticker.json", "market-stream/ticker.json", "market-stream/trades.json",
    "rest/get-aggregated-trade-history.json", "rest/get-avg-price.json", "rest/get-book-price.json",
    "rest/get-commission-rates.json", "rest/get-execution-rules.json", "rest/get-oco-order.json", "rest/get-oco-orders.json",
    "rest/get-open-oco-orders.json", "rest/get-order-rate-limit-status.json", "rest/get-price.json", "rest/get-recent-trades.json",
    "rest/get-rolling-window-ticker.json", "rest/get-system-status.json", "rest/get-trade-fee.json", "rest/get-trade-history.json",
    "rest/get-trading-day-ticker.json", "rest/get-ui-klines.json", "rest/place-test-order.json",
    "ws-api/cancel-all-orders.json", "ws-api/get-aggregated-trade-history.json", "ws-api/get-book-tickers.json",
    "ws-api/get-current-avg-price.json", "ws-api/get-oco-order.json", "ws-api/get-open-oco-orders.json",
    "ws-api/get-order-rate-limits.json", "ws-api/get-recent-trades.json", "ws-api/get-rolling-window-tickers.json",
    "ws-api/get-trade-history.json", "ws-api/get-ui-klines.json", "ws-api/place-test-order.json",
}  # fmt: skip


def report_in(path: str) -> OrderReport:
    """The report a file holds, read as the call that brings it does."""
    text = result(path) if path.startswith("ws-api") else body(path)
    if "amend" in path:
        return orders.amended(text, "A/B")
    if "replace" in path:
        return orders.replaced(text, "A/B")
    if "cancel" in path:
        return wire.cancelled(text, "A/B", ORDERS[path][0])
    return wire.report_of(wire.decoded(wire.ORDER, text), "A/B")


def naming(native: str) -> str:
    """Names for the samples, whose symbols are not all in the catalogue at hand."""
    return {"ETHBTC": "ETH/BTC", "SOLUSDT": "SOL/USDT"}[native]


def test_no_message_at_hand_is_forgotten() -> None:
    files = {str(path.relative_to(messages.BINANCE)) for path in messages.BINANCE.rglob("*") if path.is_file()}
    assert files - {"witness.json"} == ORDERS.keys() | LISTS.keys() | READ_ONE_BY_ONE | NEVER_ASKED


@pytest.mark.parametrize("path", ORDERS)
def test_an_order_is_read_as_the_exchange_means_it(path: str) -> None:
    report = report_in(path)
    client_id, exchange_id, side, kind, status, quantity, filled, quote, price = ORDERS[path]
    assert (report.client_order_id, report.exchange_order_id) == (client_id, exchange_id)
    assert (report.side, report.type, report.status, report.symbol) == (side, kind, status, "A/B")
    assert (report.quantity, report.filled, report.quote_filled, report.price) == (D(quantity), D(filled), D(quote), D(price))
    assert report.list_id == ""


@pytest.mark.parametrize("path", LISTS)
def test_the_legs_of_a_list_carry_their_own_names_and_the_lists(path: str) -> None:
    legs = wire.legs_of(result(path) if path.startswith("ws-api") else body(path), "A/B")
    names, kinds, status, list_name = LISTS[path]
    assert [leg.client_order_id for leg in legs] == names
    assert [leg.type for leg in legs] == kinds
    assert {leg.status for leg in legs} == {status}
    assert {leg.list_client_id for leg in legs} == {list_name}
    assert all(leg.list_id for leg in legs)


def test_cancelling_one_leg_reports_that_leg_of_the_list() -> None:
    leg = wire.cancelled(body("rest/cancel-oco-order.json"), "LTC/BTC", "TXOvglzXuaubXAaENpaRCB")
    assert (leg.exchange_order_id, leg.status, leg.list_client_id) == ("3", OrderStatus.CANCELED, "C3wyj4WVEktd7u9aVBRXcN")


def test_a_placed_order_brings_its_fills_with_fees_in_the_asset_they_were_paid_in() -> None:
    report = wire.report_of(wire.decoded(wire.ORDER, body("rest/place-order.json")), "BTC/USDT")
    assert [fill.trade_id for fill in report.fills] == ["56", "57", "58", "59", "60"]
    assert sum(fill.quantity for fill in report.fills) == report.filled
    assert report.fills[1] == Fill(
        "57", "BTC/USDT", Side.SELL, D("3999"), D("5"), D("19.995"), "USDT", from_milliseconds(1507725176595),
        exchange_order_id="28", client_order_id="6gCrw2kRUAF9CvJDGP16IP",
    )  # fmt: skip


@pytest.mark.parametrize(
    "path", ["rest/get-open-orders.json", "rest/get-orders.json", "ws-api/get-open-orders.json", "rest/cancel-all-orders.json"]
)
def test_lists_of_orders_are_read_whole(path: str) -> None:
    found = wire.decoded(wire.ORDERS, result(path) if path.startswith("ws-api") else body(path))
    reports = [wire.report_of(one, "A/B") for one in found]
    expected = {
        "rest/get-open-orders.json": [("myOrder1", OrderStatus.OPEN, False)],
        "rest/get-orders.json": [("myOrder1", OrderStatus.OPEN, False)],
        "ws-api/get-open-orders.json": [("4d96324ff9d44481926157", OrderStatus.PARTIALLY_FILLED, False)],
        "rest/cancel-all-orders.json": [
            ("E6APeyTJvkMvLMYMqu1KQ4", OrderStatus.CANCELED, True),
            ("A3EF2HCwxgZPFMrfwbgrhv", OrderStatus.CANCELED, True),
        ],
    }[path]
    assert [(r.client_order_id, r.status, wire.has_ended(o)) for r, o in zip(reports, found, strict=True)] == expected


def test_own_executions_say_side_fee_and_whether_they_made_the_price() -> None:
    first = wire.fill_of(wire.decoded(wire.OWN_FILLS, body("rest/get-user-trades.json"))[0], "BNB/BTC", "mine")
    assert first == Fill(
        "28457", "BNB/BTC", Side.BUY, D("4.000001"), D("12"), D("10.1"), "BNB", from_milliseconds(1499865549590),
        exchange_order_id="100234", client_order_id="mine",
    )  # fmt: skip
    sold = [wire.fill_of(one, "BTC/USDT") for one in wire.decoded(wire.OWN_FILLS, result("ws-api/get-user-trades.json"))]
    assert [(fill.side, fill.maker, fill.trade_id) for fill in sold] == [
        (Side.SELL, True, "1650422481"),
        (Side.SELL, True, "1650422482"),
    ]


def test_balances_leave_out_what_is_empty() -> None:
    rest = wire.balances_of(wire.decoded(wire.ACCOUNT, body("rest/get-account-info.json")))
    assert rest == [Balance.of("BTC", D("4723846.89208129"), D(0)), Balance.of("LTC", D("4763368.68006011"), D(0))]
    socket = wire.balances_of(wire.decoded(wire.ACCOUNT, result("ws-api/get-account-info.json")))
    assert [one.asset for one in socket] == ["BTC", "USDT"]
    assert socket[0].total == D("1.4307112")


def test_a_key_says_what_it_may_do() -> None:
    account = wire.decoded(wire.ACCOUNT, body("rest/get-account-info.json"))
    rights = wire.rights_of(wire.decoded(wire.RESTRICTIONS, body("rest/get-api-key-permissions.json")), account)
    made = datetime(2023, 10, 30, 5, 53, 39, tzinfo=UTC)
    assert rights == KeyRights(can_read=True, can_trade=False, can_withdraw=False, ip_restricted=False, created_at=made)


@pytest.mark.parametrize("right", ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"])
def test_a_right_to_move_coins_counts_as_one_to_withdraw(right: str) -> None:
    said = {**json.loads(body("rest/get-api-key-permissions.json")), right: True}
    account = wire.decoded(wire.ACCOUNT, body("rest/get-account-info.json"))
    assert wire.rights_of(wire.decoded(wire.RESTRICTIONS, msgspec.json.encode(said)), account).can_withdraw


def test_the_servers_time_is_milliseconds() -> None:
    assert wire.decoded(wire.SERVER_TIME, body("rest/get-server-time.json")).server_time == 1499827319559


def test_a_ticker_shows_the_last_price_and_its_day() -> None:
    one = wire.ticker_of(wire.decoded(wire.TICKER, body("rest/get-ticker.json")), "BNB/BTC")
    assert (one.last, one.bid, one.ask, one.change_percent) == (D("4.000002"), D("4"), D("4.000002"), D("-95.960"))
    assert one.at == from_milliseconds(1499869899040)
    many = wire.decoded(wire.TICKERS, result("ws-api/get-tickers.json"))
    assert {native.symbol: wire.ticker_of(native, "x").last for native in many} == {
        "BNBBTC": D("0.01377200"),
        "BTCUSDT": D("22880.91"),
    }


def test_a_candle_is_closed_when_its_time_is_over_by_the_exchanges_clock() -> None:
    text = body("rest/get-klines.json")
    end = 1499644799999
    assert [one.closed for one in candles_of(text, "A/B", Timeframe.W1, end)] == [False]
    assert candles_of(text, "A/B", Timeframe.W1, end + 1) == [
        Candle.of(
            "A/B", Timeframe.W1, datetime(2017, 7, 3, tzinfo=UTC),
            [D("0.0163479"), D("0.8"), D("0.015758"), D("0.015771"), D("148976.11427815")], closed=True,
        )
    ]  # fmt: skip
    assert candles_of(result("ws-api/get-klines.json"), "A/B", Timeframe.H1, end)[0].high == D("0.010866")


def test_a_pushed_kline_is_one_of_those_asked_for_or_nothing() -> None:
    acknowledged, pushed = received("market-stream/klines.json")
    wanted = {"1m": Timeframe.M1}
    assert pushed_candle(acknowledged, {"BNBBTC": "BNB/BTC"}, wanted) is None
    candle = pushed_candle(pushed, {"BNBBTC": "BNB/BTC"}, wanted)
    assert candle is not None
    assert (candle.symbol, candle.open, candle.high, candle.low, candle.close) == (
        "BNB/BTC",
        D("0.001"),
        D("0.0025"),
        D("0.0015"),
        D("0.002"),
    )


def test_recorded_frames_give_candles_in_order_and_pass_over_everything_else() -> None:
    frames = messages.recorded()
    names = {json.loads(frame)["data"]["s"]: json.loads(frame)["data"]["s"] for frame in frames}
    candles = [candle for frame in frames if (candle := pushed_candle(frame, names, {"1m": Timeframe.M1}))]
    assert len(candles) == sum(b"@kline" in frame for frame in frames) > 0
    assert all(candle.low <= candle.close <= candle.high for candle in candles)
    by_symbol = [[one.open_time for one in candles if one.symbol == name] for name in names]
    assert all(earlier <= later for times in by_symbol for earlier, later in pairwise(times))


def test_the_catalogue_gives_steps_minimums_and_what_lists_it_knows() -> None:
    bitcoin = next(one for one in CATALOGUE.instruments if one.symbol == "BTC/USDT")
    assert (bitcoin.base, bitcoin.quote, bitcoin.exchange, bitcoin.state) == ("BTC", "USDT", "binance", InstrumentState.TRADING)
    assert (bitcoin.tick, bitcoin.lot, bitcoin.min_quantity) == (D("0.01"), D("0.00001"), D("0.00001"))
    assert (bitcoin.market_lot, bitcoin.min_notional, bitcoin.quote_step) == (D(0), D("10"), D("0.00000001"))
    assert bitcoin.oco_allowed
    assert "stop_loss_limit" in bitcoin.order_types


def test_names_are_split_by_the_catalogue_alone() -> None:
    assert CATALOGUE.symbol_of("BTCUSDT") == "BTC/USDT"
    assert CATALOGUE.native_of("SHIB/USDT") == "SHIBUSDT"
    assert CATALOGUE.native_of("NEW/USDT") == "NEWUSDT"
    with pytest.raises(UnlistedSymbol):
        CATALOGUE.symbol_of("BTCUSDTX")


def test_a_catalogue_without_rules_means_no_rules() -> None:
    bare = read_catalogue(body("rest/get-exchange-info.json")).instruments[0]
    assert (bare.symbol, bare.tick, bare.lot, bare.min_notional, bare.max_quantity) == ("ETH/BTC", D(0), D(0), D(0), D(0))
    socket = read_catalogue(result("ws-api/get-exchange-info.json")).instruments[0]
    assert socket.quote
    assert socket.lot > 0


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("TRADING", InstrumentState.TRADING),
        ("CANCEL_ONLY", InstrumentState.CANCEL_ONLY),
        ("BREAK", InstrumentState.HALTED),
        ("HALT", InstrumentState.HALTED),
        ("SOMETHING_NEW", InstrumentState.HALTED),
    ],
)
def test_only_what_is_said_to_trade_trades(status: str, state: InstrumentState) -> None:
    native = {"symbol": "AB", "status": status, "baseAsset": "A", "quoteAsset": "B"}
    assert read_catalogue(msgspec.json.encode({"symbols": [native]})).instruments[0].state is state


def test_a_new_order_on_the_user_stream_is_open() -> None:
    update = update_of(event("user-stream/order.json"), naming)
    assert isinstance(update, OrderReport)
    assert (update.client_order_id, update.symbol, update.status, update.fills) == (
        "mUvoqJxFIILMdfAW5iGSOW",
        "ETH/BTC",
        OrderStatus.OPEN,
        (),
    )


def test_a_balance_event_carries_only_what_changed_and_others_say_nothing_new() -> None:
    assert update_of(event("user-stream/account-position.json"), naming) == BalanceChanged((Balance.of("ETH", D("10000"), D(0)),))
    assert update_of(event("user-stream/balance.json"), naming) is None
    assert update_of(event("user-stream/oco-order.json"), naming) is None


def test_the_private_events_of_a_position_tell_its_whole_life() -> None:
    events = [msgspec.json.encode(one["event"]) for one in composed() if "event" in one]
    updates = [update_of(one, naming) for one in events]
    bought, partly, stopped, cancelled = (one for one in updates if isinstance(one, OrderReport))
    assert (bought.status, bought.fills[0].fee, bought.fills[0].fee_asset) == (OrderStatus.FILLED, D("0.00125"), "SOL")
    assert bought.average_price == D("151.32")
    assert (partly.status, partly.list_id, partly.fills[0].maker) == (OrderStatus.PARTIALLY_FILLED, "77123", True)
    assert (stopped.status, stopped.client_order_id, stopped.fills) == (OrderStatus.EXPIRED, "ari-7f3k2m9q-s1", ())
    assert (cancelled.status, cancelled.client_order_id) == (OrderStatus.CANCELED, "ari-7f3k2m9q-x2")
    assert kind_of(events[-1]) == "eventStreamTerminated"


def test_an_order_that_rests_with_fills_is_partly_filled_whatever_it_is_called() -> None:
    said = {**json.loads(body("rest/get-order.json")), "executedQty": "0.4"}
    assert wire.report_of(wire.decoded(wire.ORDER, msgspec.json.encode(said)), "A/B").status is OrderStatus.PARTIALLY_FILLED


@pytest.mark.parametrize("nothing", ["0", "0.0", "0.00000000"])
def test_an_asset_of_which_nothing_is_held_is_left_out_and_a_speck_is_not(nothing: str) -> None:
    held = [("A", nothing, nothing), ("B", "0.00000001", nothing), ("C", nothing, "0.00000001"), ("D", "10", nothing)]
    said = {"balances": [{"asset": asset, "free": free, "locked": locked} for asset, free, locked in held]}
    found = wire.balances_of(wire.decoded(wire.ACCOUNT, msgspec.json.encode(said)))
    assert [one.asset for one in found] == ["B", "C", "D"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1e40", "abc", ""])
def test_an_amount_that_cannot_be_is_refused(value: str) -> None:
    said = msgspec.json.encode({**json.loads(body("rest/get-order.json")), "executedQty": value})
    with pytest.raises(DataError):
        wire.report_of(wire.decoded(wire.ORDER, said), "A/B")
    account = msgspec.json.encode({"balances": [{"asset": "A", "free": value, "locked": "0"}]})
    if value not in ("-1", "1e40"):
        with pytest.raises(DataError):
            sum(one.free for one in wire.balances_of(wire.decoded(wire.ACCOUNT, account)))


@pytest.mark.parametrize(("field", "value"), [("status", "SLEEPING"), ("side", "HOLD"), ("type", "GUESS")])
def test_a_word_we_do_not_know_is_never_guessed(field: str, value: str) -> None:
    said = msgspec.json.encode({**json.loads(body("rest/get-order.json")), field: value})
    with pytest.raises(DataError):
        wire.report_of(wire.decoded(wire.ORDER, said), "A/B")


def test_a_frame_of_the_trading_socket_shows_id_status_and_result() -> None:
    read: Callable[[bytes], Answer] = msgspec.json.Decoder(Answer).decode
    answer = read(received("ws-api/place-order.json")[0])
    assert (answer.id, answer.status, bytes(answer.error), bytes(answer.event)) == (1, 200, b"", b"")
    pushed = read(received("user-stream/order.json")[-1])
    assert (pushed.id, kind_of(pushed.event)) == (None, "executionReport")
