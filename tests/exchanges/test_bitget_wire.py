"""Every message of Bitget, classic and unified, is read to the right values, and every file at hand is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from aristobot.clock import ManualClock, from_milliseconds
from aristobot.exchange import BalanceChanged, KeyRights
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges import bitget_v2 as v2
from services.exchanges import bitget_v2_wire as v2_wire
from services.exchanges import bitget_v3 as v3
from services.exchanges import bitget_v3_wire as v3_wire
from services.exchanges.bitget import OFFICIAL
from services.exchanges.bitget_calls import BitgetCalls
from services.exchanges.bitget_placed import placed
from services.exchanges.bitget_plans import Stage
from services.exchanges.bitget_socket import Frame, read_frame
from services.exchanges.bitget_way import Push
from services.exchanges.bitget_wire import NAMED, Reply, decoded
from tests.exchanges.bitget_house import limit
from tests.exchanges.bitget_messages import body, files, received, sent
from tests.exchanges.bitget_public import check_catalogue, check_market, check_public_pushes

D = Decimal
DONE = msgspec.json.Decoder(Reply[msgspec.Raw])
CALLS = BitgetCalls(ManualClock(), OFFICIAL, None)
CLASSIC, UNIFIED = v2.Classic(CALLS), v3.Unified(CALLS)


def v2_order(path: str, *, resting: bool = False) -> OrderReport:
    """The one order in an answer."""
    (native,) = decoded(v2_wire.ORDERS, body(path)).data or []
    return v2_wire.report_of(native, str, resting=resting)


def facts(report: OrderReport) -> tuple[object, ...]:
    """What counts of a report."""
    return (
        report.client_order_id, report.exchange_order_id, report.symbol, report.side, report.type, report.status,
        str(report.quantity.normalize()), str(report.filled.normalize()), str(report.quote_filled.normalize()), str(report.price.normalize()),
    )  # fmt: skip


def pushes(path: str) -> list[Push]:
    """What the last frame of a private dialogue says, read as its protocol reads it."""
    frame = read_frame(received(path)[-1])
    return (CLASSIC if path.startswith("ws-v2") or path.startswith("composed") else UNIFIED).pushed(frame, str)


def check_v2_orders() -> None:
    market_buy = (
        "1-2-1-2-1",
        "121211212122",
        "TRXUSDT",
        Side.BUY,
        OrderType.MARKET,
        OrderStatus.FILLED,
        "142.9015",
        "142.9015",
        "9.999997279",
        "0",
    )
    assert facts(v2_order("rest-v2/get-order.json")) == market_buy
    ended = v2_order("rest-v2/get-closed-orders.json")
    assert (ended.symbol, ended.quantity, ended.filled, ended.average_price) == ("ETHUSDT", D("0.0125"), D("0.0125"), D("1598.1"))
    resting = v2_order("rest-v2/get-open-orders.json", resting=True)
    assert facts(resting) == (
        "xxxxxxx",
        "2222222",
        "BTCUSDT",
        Side.BUY,
        OrderType.LIMIT,
        OrderStatus.OPEN,
        "1",
        "0",
        "0",
        "34829.12",
    )


def check_v2_plans() -> None:
    for path in ("rest-v2/get-open-trigger-orders.json", "rest-v2/get-closed-trigger-orders.json"):
        page = decoded(v2_wire.PLANS, body(path)).data
        plan = v2_wire.plan_of((page.order_list or [])[0])
        assert (plan.order_id, plan.client_id, plan.native, plan.side) == ("121211212122", "121211212122", "TRXUSDT", Side.BUY)
        assert (plan.stage, plan.type, plan.may_rest) == (Stage.WAITING, OrderType.STOP_LOSS_LIMIT, True)
        assert (plan.quantity, plan.stop_price, plan.price) == (D(151), D("0.041572"), D("0.041572"))
        assert plan.at == from_milliseconds(1668134576563)
    assert [one.order_id for one in decoded(v2_wire.SUB_ORDERS, body("rest-v2/get-trigger-sub-orders.json")).data or []] == [
        "xxxxxxxxxxxxx"
    ]


def check_v2_placed() -> None:
    request = limit("1")
    for path, order_id in (
        ("place-order", "1001"), ("place-trigger-order", "121211212122"), ("edit-trigger-order", "121211212122"),
    ):  # fmt: skip
        report = placed(decoded(NAMED, body(f"rest-v2/{path}.json")), request)
        assert (report.exchange_order_id, report.client_order_id, report.status) == (
            order_id,
            request.client_order_id,
            OrderStatus.OPEN,
        )
        assert report.at.year in (2022, 2023)
    replaced = decoded(v2_wire.REPLACED, body("rest-v2/cancel-replace-order.json"))
    assert (replaced.data.success, placed(replaced, request).exchange_order_id) == ("success", "xxxxxxxxxxxxxxx")
    for path in ("cancel-order", "cancel-trigger-order"):
        decoded(DONE, body(f"rest-v2/{path}.json"))


def check_v2_account() -> None:
    assert v2_wire.balances_of(decoded(v2_wire.HOLDINGS, body("rest-v2/get-spot-balances.json")).data) == []
    held = {"coin": "usdt", "available": "1", "frozen": "2", "locked": "3"}
    assert v2_wire.balances_of([msgspec.convert(held, v2_wire.NativeHolding)]) == [Balance("USDT", "1", "5")]
    rights = v2_wire.rights_of(decoded(v2_wire.ACCOUNT, body("rest-v2/get-account-info.json")).data)
    assert rights == KeyRights(can_read=True, can_trade=True, can_withdraw=False, ip_restricted=True)
    (native,) = decoded(v2_wire.FILLS, body("rest-v2/get-user-trades.json")).data or []
    assert v2_wire.fill_of(native, str, "mine") == Fill(
        trade_id="12345678910", symbol="BTCUSDT", side=Side.BUY, price=D(13000), quantity=D("0.0007"), fee=D("0.0000007"),
        fee_asset="BTC", at=from_milliseconds(1695865232579), exchange_order_id="12345678910", client_order_id="mine",
    )  # fmt: skip


def check_v3_orders() -> None:
    order = decoded(v3_wire.ORDER, body("rest-v3/get-order.json")).data
    assert order is not None
    ids = ("111111111111111111", "111111111111111111")
    assert facts(v3_wire.report_of(order, str)) == (
        *ids,
        "ETHUSDT",
        Side.BUY,
        OrderType.MARKET,
        OrderStatus.FILLED,
        "0.0372",
        "0.0372",
        "99.853356",
        "0",
    )
    for path, expected in (
        ("get-open-orders", (*ids, "BTCUSDT", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, "0.01", "0", "0", "4.5E+4")),
        (
            "get-closed-orders",
            (*ids, "BTCUSDT", Side.SELL, OrderType.LIMIT, OrderStatus.FILLED, "0.429", "0.429", "21250.2929", "49534.4"),
        ),
    ):
        page = decoded(v3_wire.ORDERS, body(f"rest-v3/{path}.json")).data
        (one,) = page.entries or []
        assert facts(v3_wire.report_of(one, str)) == expected
        assert page.cursor


def check_v3_strategies() -> None:
    for path, stage, cursor in (
        ("get-open-strategy-orders", Stage.WAITING, ""), ("get-closed-strategy-orders", Stage.TRIGGERED, "1233319323918499840"),
    ):  # fmt: skip
        (one,), mark = v3_wire.strategies_in(body(f"rest-v3/{path}.json"))
        plan = v3_wire.plan_of(one)
        assert (plan.stage, mark, plan.native, plan.quantity, plan.type) == (
            stage,
            cursor,
            "BTCUSDT",
            D("0.01"),
            OrderType.STOP_LOSS_LIMIT,
        )
        assert (plan.stop_price, plan.price) == (D(100000), D(100500))


def check_v3_placed() -> None:
    request = limit("1")
    for path in ("place-order", "place-strategy-order", "edit-order", "edit-strategy-order"):
        report = placed(decoded(NAMED, body(f"rest-v3/{path}.json")), request)
        assert report.exchange_order_id in ("111111111111111111", "121211212122", "121212121212")
    for path in ("cancel-order", "cancel-strategy-order"):
        decoded(DONE, body(f"rest-v3/{path}.json"))


def check_v3_account() -> None:
    assets = decoded(v3_wire.HOLDINGS, body("rest-v3/get-balances.json")).data.assets
    assert v3_wire.balances_of(assets) == [Balance("USDT", "6.19300826"), Balance("BGB", "1.15582129")]
    rights = v3_wire.rights_of(decoded(v3_wire.ACCOUNT, body("rest-v3/get-account-info.json")).data)
    assert rights == KeyRights(can_read=True, can_trade=True, can_withdraw=True, ip_restricted=True)
    assert decoded(v3_wire.SETTINGS, body("rest-v3/get-account-config.json")).data.account_mode == "hybrid"
    (native,) = decoded(v3_wire.FILLS, body("rest-v3/get-user-trades.json")).data.entries or []
    fill = v3_wire.fill_of(native, str)
    assert (fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset) == (
        "131111111111111111", D("106950.1"), D("0.01"), D("0.6417006"), "USDT",
    )  # fmt: skip


def check_v2_pushes() -> None:
    (order,) = pushes("ws-v2/order.json")
    assert isinstance(order, OrderReport)
    assert (order.status, order.filled, order.quantity, order.type) == (
        OrderStatus.PARTIALLY_FILLED,
        D("0.0003"),
        D("0.0003"),
        OrderType.MARKET,
    )
    (fill,) = order.fills
    assert (fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset) == (
        "1",
        D(26256),
        D("0.0003"),
        D("0.00000018"),
        "BTC",
    )
    (plan,) = pushes("ws-v2/trigger-order.json")
    assert getattr(plan, "stage", None) is Stage.WAITING
    assert getattr(plan, "stop_price", None) == D(27000)
    assert pushes("ws-v2/balance.json") == [BalanceChanged((Balance("USDT", "100000", "0"),))]
    told = pushes("ws-v2/user-trade.json")
    assert [(one.trade_id, one.fee) for one in told if isinstance(one, Fill)] == [
        ("111", D("0.01538655")),
        ("222", D("0.01538693")),
    ]


def check_v3_pushes() -> None:
    assert pushes("ws-v3/order.json") == []  # of futures
    assert pushes("ws-v3/strategy-order.json") == []
    assert pushes("ws-v3/user-trade.json") == []
    (changed,) = pushes("ws-v3/account.json")
    assert isinstance(changed, BalanceChanged)
    assert changed.balances[0] == Balance("ETH", "0.9992")
    assert [one.asset for one in changed.balances] == ["ETH", "BTC", "USDT"]
    (order,) = UNIFIED.pushed(of_spot("ws-v3/order.json"), str)
    assert isinstance(order, OrderReport)
    assert (order.status, order.filled, order.quote_filled, order.quantity) == (
        OrderStatus.FILLED,
        D("0.001"),
        D("83.1315"),
        D("0.001"),
    )
    (plan,) = UNIFIED.pushed(of_spot("ws-v3/strategy-order.json"), str)
    assert (getattr(plan, "side", None), getattr(plan, "stop_price", None), getattr(plan, "type", None)) == (
        Side.BUY,
        D(90000),
        OrderType.STOP_LOSS,
    )
    (fill,) = UNIFIED.pushed(of_spot("ws-v3/user-trade.json"), str)
    assert isinstance(fill, Fill)
    assert (fill.client_order_id, fill.price, fill.fee) == ("1288888888888888889", D(94993), D("0.569958"))


def of_spot(path: str) -> Frame:
    """The push of a dialogue, as if it were about spot."""
    return read_frame(received(path)[-1].replace(b'"usdt-futures"', b'"spot"'))


def check_composed() -> None:
    accepted, refused, *rest = (read_frame(one) for one in received("composed/ws-v2-private.json"))
    assert (accepted.id, accepted.refusal) == (0, None)
    assert refused.id == 0
    assert refused.refusal is not None
    assert refused.refusal.code == "30005"
    resting, filled, bought, balances = (CLASSIC.pushed(one, str)[0] for one in rest)
    assert isinstance(resting, OrderReport)
    assert facts(resting) == (
        "ari-7f3k2m9q-x1",
        "1330000000000000001",
        "SOLUSDT",
        Side.SELL,
        OrderType.LIMIT,
        OrderStatus.OPEN,
        "1.25",
        "0",
        "0",
        "158",
    )
    assert isinstance(filled, OrderReport)
    assert (filled.status, filled.filled, filled.fills[0].quantity, filled.fills[0].maker) == (
        OrderStatus.FILLED,
        D("1.25"),
        D("0.85"),
        True,
    )
    assert (filled.fills[0].fee, filled.fills[0].fee_asset, filled.fills[0].at) == (
        D("0.1343"),
        "USDT",
        from_milliseconds(1790000100410),
    )
    assert isinstance(bought, OrderReport)
    assert (bought.type, bought.quantity, bought.filled, bought.fills[0].fee_asset) == (
        OrderType.MARKET,
        D("1.3216"),
        D("1.3216"),
        "SOL",
    )
    assert balances == BalanceChanged((Balance("USDT", "863.05", "197.5"),))


#: What reads which files; each is run, and between them they account for every file.
READERS: dict[Callable[[], None], set[str]] = {
    check_v2_orders: {"rest-v2/get-order.json", "rest-v2/get-closed-orders.json", "rest-v2/get-open-orders.json"},
    check_v2_plans: {
        "rest-v2/get-open-trigger-orders.json", "rest-v2/get-closed-trigger-orders.json", "rest-v2/get-trigger-sub-orders.json",
    },
    check_v2_placed: {
        "rest-v2/place-order.json", "rest-v2/place-trigger-order.json", "rest-v2/edit-trigger-order.json",
        "rest-v2/cancel-replace-order.json", "rest-v2/cancel-order.json", "rest-v2/cancel-trigger-order.json",
    },
    check_v2_account: {"rest-v2/get-spot-balances.json", "rest-v2/get-account-info.json", "rest-v2/get-user-trades.json"},
    check_v3_orders: {"rest-v3/get-order.json", "rest-v3/get-open-orders.json", "rest-v3/get-closed-orders.json"},
    check_v3_strategies: {"rest-v3/get-open-strategy-orders.json", "rest-v3/get-closed-strategy-orders.json"},
    check_v3_placed: {
        "rest-v3/place-order.json", "rest-v3/place-strategy-order.json", "rest-v3/edit-order.json",
        "rest-v3/edit-strategy-order.json", "rest-v3/cancel-order.json", "rest-v3/cancel-strategy-order.json",
    },
    check_v3_account: {
        "rest-v3/get-balances.json", "rest-v3/get-account-info.json", "rest-v3/get-account-config.json", "rest-v3/get-user-trades.json",
    },
    check_market: {
        "rest-v2/get-server-time.json", "rest-v2/get-tickers.json", "rest-v2/get-klines.json", "rest-v2/get-historical-klines.json",
        "rest-v3/get-klines.json", "rest-v3/get-kline-history.json", "live-2026-09/history-candles-1min.json",
    },
    check_catalogue: {"rest-v2/get-symbols.json", "live-2026-09/symbols.json", "catalogue-v2.json", "catalogue-v3.json"},
    check_v2_pushes: {"ws-v2/order.json", "ws-v2/trigger-order.json", "ws-v2/balance.json", "ws-v2/user-trade.json"},
    check_v3_pushes: {"ws-v3/order.json", "ws-v3/strategy-order.json", "ws-v3/account.json", "ws-v3/user-trade.json"},
    check_public_pushes: {
        "ws-v2/klines.json", "ws-v2/ticker.json", "ws-v2/trades.json", "ws-v3/kline.json", "ws-v3/ticker.json", "ws-v3/trades.json",
        "live-2026-09/ws-messages.json",
    },
    check_composed: {"composed/ws-v2-private.json"},
}  # fmt: skip

#: Calls the client never makes: many orders at once, coins and their chains, fees by symbol, other people's trades.
NEVER_ASKED = {
    "rest-v2/cancel-all-trigger-orders.json", "rest-v2/cancel-multiple-orders.json", "rest-v2/cancel-orders-by-symbol.json",
    "rest-v2/cancel-replace-multiple-orders.json", "rest-v2/place-multiple-orders.json", "rest-v2/get-assets.json",
    "rest-v2/get-trade-fee.json", "rest-v2/get-recent-trades.json", "rest-v2/get-trades.json",
    "rest-v3/cancel-all-orders.json", "rest-v3/get-fee.json", "rest-v3/get-recent-trades.json",
}  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__.removeprefix("check_"))
def test_messages_are_read_to_the_right_values(read: Callable[[], None]) -> None:
    read()


@pytest.mark.parametrize("path", files())
def test_every_file_is_read_or_known_never_to_be_asked_for(path: str) -> None:
    readers = [read for read, read_by_it in READERS.items() if path in read_by_it]
    assert len(readers) + (path in NEVER_ASKED) == 1


def test_answers_never_asked_for_are_still_a_yes_of_bitget() -> None:
    for path in NEVER_ASKED:
        decoded(DONE, body(path))


@pytest.mark.parametrize("path", [path for path in files() if path.startswith("ws-")])
def test_what_we_say_on_a_socket_is_what_the_dialogues_say(path: str) -> None:
    said = [one["args"][0] for one in sent(path) if one["op"] == "subscribe"]
    ours = {tuple(sorted(one.items())) for one in (*CLASSIC.subscriptions, *UNIFIED.subscriptions)}
    public = path.rpartition("/")[2] in ("klines.json", "kline.json", "ticker.json", "trades.json")
    assert public or tuple(sorted(said[0].items())) in ours
    for frame in received(path):
        read_frame(frame)
