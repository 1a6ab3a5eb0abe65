"""The trading page as NiceGUI draws it: its form, its window, its lists, and of whom they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from aristobot.events import OrderUpdated, PricesUpdated
from aristobot.kinds import OrderOrigin, Role
from aristobot.language import use_language
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import favourites
from aristobot.store.trading_tables import Order
from components.order_line import OrderLine
from components.order_rows import csv_of, row_of
from components.pair_list import PairList
from components.trading_fields import AmountField, written
from components.trading_toasts import toast_of
from services.app import App
from services.execution_window import OPEN_FOR, ExecutionWindows
from tests.builders import an_order
from tests.pages.test_webhooks import keep
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

D = Decimal


async def test_without_a_broker_the_page_says_what_to_do(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/manual-trading")
    await screen.should_see("Aucun broker avec des clés")


async def test_the_page_stands_while_the_exchange_does_not_answer(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see("Aucun ordre ouvert")
    await screen.should_see("Aucun ordre terminé")
    await screen.should_see("Valider")


async def test_resting_orders_are_one_s_own_and_come_and_go_by_themselves(screen: User, app: App) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob")
    mine, theirs = await a_known_broker(app, alice), await a_known_broker(app, bob)
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see("Aucun ordre ouvert")
    await keep(app, an_order(theirs, status=OrderStatus.OPEN, symbol="DOGE/USDT", quantity=D(7)))
    row = await keep(app, an_order(mine, status=OrderStatus.OPEN, quantity=D("0.25"), origin=OrderOrigin.MANUAL))
    facts: dict[str, Any] = {"order_id": row.id, "broker_id": mine.id, "symbol": row.symbol}
    app.bus.publish(OrderUpdated(at=app.clock.now(), user_id=alice.id, status="OPEN", **facts))
    await screen.should_see("0,25 BTC")
    await screen.should_not_see("DOGE/USDT")

    def finish(session: Any) -> None:
        session.get(type(row), row.id).status = OrderStatus.CANCELED

    await app.db.write(alice.id, finish)
    app.bus.publish(OrderUpdated(at=app.clock.now(), user_id=alice.id, status="CANCELED", **facts))
    await screen.should_see("Aucun ordre ouvert")


async def test_favourites_come_first_and_stay(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await app.db.write(alice.id, lambda s: favourites.add(s, broker.exchange, "SOL/USDT", app.clock.now()))
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    pairs = await _pairs(screen)
    assert pairs.symbols[0] == "SOL/USDT"
    assert [one["symbol"] for one in pairs.props["pairs"] if one["starred"]] == ["SOL/USDT"]


async def test_the_price_beside_a_pair_follows_the_market_and_an_old_one_is_not_shown(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await app.db.write(alice.id, lambda s: favourites.add(s, broker.exchange, "SOL/USDT", app.clock.now()))
    app.prices.note(broker.exchange, "SOL/USDT", D("149.5"))
    await app.clock.advance(11)  # type: ignore[attr-defined] # the test's clock
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    pairs = await _pairs(screen)
    assert pairs.prices["SOL/USDT"] == ""

    def told(price: str) -> Callable[[], bool]:
        return lambda: pairs.prices["SOL/USDT"] == price

    app.bus.publish(PricesUpdated(at=app.clock.now(), exchange=broker.exchange, prices={"SOL/USDT": D("150.25")}))
    await until(told("150,25"))
    app.bus.publish(PricesUpdated(at=app.clock.now(), exchange=broker.exchange, prices={}))
    await until(told(""))  # nobody follows it any more


async def test_the_form_writes_nothing_where_somebody_types_and_shows_what_counts_when_they_leave(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see(marker="quantity")
    quantity: Any = next(iter(screen.find(marker="quantity").elements))
    screen.find(marker="quantity").trigger("focus")
    quantity.set_value("0,05")
    quantity.write(D("0.12034"))  # the market moved, and another figure had been given
    assert quantity.value == "0,05"
    screen.find(marker="quantity").trigger("blur")
    assert quantity.id in quantity.client.outbox.updates  # in case the browser still shows another one
    quantity.write(D("0.12034"))
    assert quantity.value == "0,12034"
    screen.find(marker="quantity").trigger("focus")
    quantity.wipe()  # what was sent must not be sent again by a slip
    assert quantity.value == ""


class Edits:
    """Notes what the line of an order asks for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Decimal, Decimal]] = []

    async def edit(self, row: Order, price: Decimal, quantity: Decimal) -> None:
        self.asked.append((price, quantity))

    async def cancel(self, row: Order) -> None:
        self.asked.clear()


async def test_what_fills_while_a_price_is_edited_is_not_ordered_once_more(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/heartbeat")
    resting: dict[str, Any] = {"type": OrderType.LIMIT, "quantity": D("0.02"), "price": D(50000)}
    row = an_order(broker, status=OrderStatus.OPEN, **resting)
    hand = Edits()
    with screen:
        line = OrderLine(row, hand)

    def press(icon: str) -> None:
        [button] = [one for one in line.descendants() if one.props.get("icon") == icon]
        UserInteraction(screen, {button}, None).click()

    for typed, wanted in (("", D(0)), ("0,01", D("0.01"))):
        line.update_row(an_order(broker, id=row.id, status=OrderStatus.OPEN, **resting))
        press("edit")
        price, quantity = [one for one in line.descendants() if isinstance(one, AmountField)]
        line.update_row(an_order(broker, id=row.id, status=OrderStatus.PARTIALLY_FILLED, filled=D("0.005"), **resting))
        price.set_value("51000")
        if typed:
            quantity.set_value(typed)
        press("check")
        await until(lambda: hand.asked)
        assert hand.asked.pop() == (D(51000), wanted)


async def test_who_may_only_look_cannot_validate(screen: User, app: App) -> None:
    viewer = await a_resident(app, role=Role.VIEWER)
    await a_known_broker(app, viewer)
    await come_in(screen, app, viewer)
    await screen.open("/manual-trading")
    await screen.should_see("Vous pouvez regarder, pas passer d’ordre.")
    button: Any = next(iter(screen.find(marker="validate").elements))
    assert not button.enabled


async def _pairs(screen: User) -> PairList:
    """The list of pairs, once there are any in it."""

    def lists() -> list[PairList]:
        assert screen.client is not None
        return [one for one in screen.client.elements.values() if isinstance(one, PairList) and one.symbols]

    await until(lists)
    return lists()[0]


async def test_a_window_is_open_for_fifteen_seconds_by_the_house_s_clock(app: App) -> None:
    windows: ExecutionWindows[str] = ExecutionWindows(app.clock)
    alice = await a_resident(app)

    async def send(cause: object) -> str:
        return f"sent {cause}"

    first, second = windows.open(alice.id, send), windows.open(alice.id, send)
    await app.clock.advance(OPEN_FOR - 0.001)  # type: ignore[attr-defined] # the test's clock
    assert await windows.execute(alice.id, first.id) == f"sent {first.id}"
    await app.clock.advance(0.001)  # type: ignore[attr-defined] # the test's clock
    assert windows.left(second.id) == 0


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (OrderStatus.OPEN, "accepté"),
        (OrderStatus.FILLED, "exécuté"),
        (OrderStatus.UNKNOWN, "vérification"),
        (OrderStatus.REJECTED, "Le compte ne contient pas assez"),
        (OrderStatus.EXPIRED, "le prix s’était éloigné"),
        (OrderStatus.CANCELED, "1 sur 2 exécutés à 100,00, le reste est annulé"),
        (OrderStatus.PENDING, None),
    ],
)
async def test_each_end_of_an_order_has_its_words(app: App, status: OrderStatus, says: str | None) -> None:
    broker = await a_known_broker(app, await a_resident(app))
    filled = D(1) if status in (OrderStatus.FILLED, OrderStatus.CANCELED) else D(0)
    row = an_order(broker, status=status, reason="insufficient_funds", quantity=D(2), filled=filled, quote_filled=filled * 100)
    with use_language("fr"):
        said = toast_of(row, status)
        assert (said is None) if says is None else (said is not None and says in said[0])
        assert row_of(row)["symbol"] == "BTC/USDT"


async def test_the_file_holds_exact_amounts(app: App) -> None:
    broker = await a_known_broker(app, await a_resident(app))
    exact = {"quantity": D("0.00000001"), "filled": D("0.5"), "quote_filled": D("30000"), "price": D("60000.10")}
    row = an_order(broker, side=Side.SELL, status=OrderStatus.FILLED, done_at=app.clock.now() + timedelta(seconds=1), **exact)
    head, line = csv_of([row]).splitlines()
    told = dict(zip(head.split(";"), line.split(";"), strict=True))
    assert (told["quantity"], told["price"], told["average_price"]) == ("0.00000001", "60000.1", "60000")
    with use_language("fr"):
        assert written(D("0.00000001")) == "0,00000001"
    await until(lambda: True)
