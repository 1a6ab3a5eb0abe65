"""The window of fifteen seconds on the page: what it says while the order is on its way, and after it has closed."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.errors import ExchangeOffline
from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side
from components.guard import viewer_of
from components.sold_words import tell_sold
from components.trading_window import TradingWindow
from services.app import App
from services.execution_window import OPEN_FOR
from services.order_ticket import Plan, Ticket, TicketKind, Way
from services.resting_orders import Outcome
from tests.builders import an_instrument, an_order
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

D = Decimal
NOTHING_WAS_SENT = "La fenêtre est fermée\u00a0: rien n’est parti."


def a_plan() -> Plan:
    """A hundredth of a bitcoin, at the market."""
    instrument = an_instrument()
    ticket = Ticket(uuid.uuid4(), instrument.symbol, Side.BUY, TicketKind.MARKET, D("0.01"))
    request = OrderRequest("by-hand", instrument.symbol, Side.BUY, OrderType.MARKET, D("0.01"))
    return Plan(ticket, instrument, request, Way.ALONE, D(60000), D(600), D("0.6"), own_fees=True)


class Exchange:
    """Takes an order at once and answers when it is told to."""

    def __init__(self) -> None:
        self.taken = 0
        self.answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    async def send(self, cause: uuid.UUID) -> list[Any]:
        """What the window holds."""
        self.taken += 1
        return await self.answer


class OpenWindow:
    """A page with a window on an order that is about to be sent."""

    def __init__(self, screen: User, app: App) -> None:
        self.exchange, self.ended = Exchange(), list[bool]()
        assert screen.client is not None
        viewer = viewer_of(screen.client)
        assert viewer is not None
        with screen:
            self.window = TradingWindow(app, viewer, self._end)
            self.window.open(app.hand.windows.open(viewer.id, self.exchange.send), a_plan())

    async def _end(self, done: bool) -> None:
        self.ended.append(done)

    def press(self, screen: User) -> asyncio.Task[None]:
        """Press Execute, as the page does."""

        async def executed() -> None:
            with screen:
                await self.window.execute()

        return asyncio.create_task(executed())


async def an_open_window(screen: User, app: App) -> OpenWindow:
    """On a page of somebody who may trade."""
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    return OpenWindow(screen, app)


async def test_while_the_answer_is_awaited_nobody_reads_that_nothing_was_sent(screen: User, app: App, clock: ManualClock) -> None:
    one = await an_open_window(screen, app)
    await screen.should_see("Rien ne part avant que vous n’exécutiez.")
    assert one.window._box.props["aria-label"] == one.window._headline.text  # it takes the focus, and says for what
    pressed = one.press(screen)
    await until(lambda: one.exchange.taken)
    await clock.advance(OPEN_FOR + 1)
    one.window._tick()
    await screen.should_see("la réponse de l’exchange est attendue")
    await screen.should_not_see(NOTHING_WAS_SENT)
    one.exchange.answer.set_result([object()])
    await pressed
    assert one.ended == [True]


async def test_an_order_that_has_left_is_not_said_to_be_taken_back(screen: User, app: App) -> None:
    one = await an_open_window(screen, app)
    pressed = one.press(screen)
    await until(lambda: one.exchange.taken)
    with screen:
        await one.window.cancel()
    await screen.should_see("Cet ordre est déjà parti.")
    assert one.ended == [True]  # the form is emptied: the same order is not sent again by a slip
    one.exchange.answer.set_result([object()])
    await pressed
    assert (one.exchange.taken, one.ended) == (1, [True])


async def test_after_a_fault_on_the_way_the_window_says_no_more_than_is_known(screen: User, app: App) -> None:
    one = await an_open_window(screen, app)
    pressed = one.press(screen)
    await until(lambda: one.exchange.taken)
    one.exchange.answer.set_exception(ExchangeOffline())
    await pressed
    await screen.should_see("Cette fenêtre a servi.")
    await screen.should_not_see(NOTHING_WAS_SENT)
    assert one.ended == []


async def test_of_all_positions_only_those_that_are_sold_are_counted(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    sold, lost, no = (
        Outcome(status.value, an_order(broker, status=status))
        for status in (OrderStatus.FILLED, OrderStatus.UNKNOWN, OrderStatus.REJECTED)
    )
    with screen:
        tell_sold([sold, lost, no, Outcome("XRP/USDT", error=ExchangeOffline())])
        await screen.should_see("Positions vendues\u00a0: 1 sur 4.")
        tell_sold([sold, sold])
        await screen.should_see("Positions vendues\u00a0: 2")


async def test_a_window_that_was_away_longer_than_it_is_open_shows_itself_closed(
    screen: User, app: App, clock: ManualClock
) -> None:
    one = await an_open_window(screen, app)
    await clock.advance(OPEN_FOR + 1)
    await one.press(screen)
    await screen.should_see("La fenêtre de 15 s est fermée")
    await screen.should_see(NOTHING_WAS_SENT)
    assert (one.exchange.taken, one.ended) == (0, [])
