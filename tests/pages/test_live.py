"""The bridge from the bus to a page: whom it hears, how often, and when it lets go."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.testing import User

from aristobot.events import PricesUpdated, WebhookUpdated
from components.guard import viewer_of
from components.live import Live
from services.app import App
from tests.pages.visitors import a_resident, come_in, until


async def a_live(screen: User, app: App) -> Live:
    """A bridge on an open page, in a place of its own."""
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    await screen.should_see("En préparation")
    viewer = viewer_of(client)
    assert viewer is not None
    with client, ui.element("div"):
        return Live(app.bus, viewer)


def price(app: App, exchange: str = "binance") -> PricesUpdated:
    """News for everybody."""
    return PricesUpdated(at=app.clock.now(), exchange=exchange)


def news(app: App, user_id: Any) -> WebhookUpdated:
    """News for one user."""
    return WebhookUpdated(
        at=app.clock.now(), user_id=user_id, webhook_id=user_id, broker_id=user_id, status="received", outcome=None
    )


async def test_it_hears_its_user_and_what_concerns_everybody(screen: User, app: App) -> None:
    live = await a_live(screen, app)
    heard: list[type] = []
    live.each(WebhookUpdated, PricesUpdated, do=lambda event: heard.append(type(event)))
    [alice] = await app.accounts.household.everyone()
    stranger = await a_resident(app, name="bob")
    for event in (news(app, alice.id), news(app, stranger.id), price(app)):
        app.bus.publish(event)
    assert heard == [WebhookUpdated, PricesUpdated]


async def test_it_shows_the_newest_of_each_key_and_not_every_one(screen: User, app: App) -> None:
    live = await a_live(screen, app)
    heard: list[PricesUpdated] = []
    live.latest(PricesUpdated, do=heard.append, max_fps=20)
    old, new, other = price(app), price(app), price(app, "kraken")
    for event in (old, new, other):
        app.bus.publish(event)
    await until(lambda: len(heard) == 2)
    assert heard[0] is new
    assert heard[1] is other


async def test_asynchronous_handlers_keep_the_order_of_their_events(screen: User, app: App) -> None:
    live, heard = await a_live(screen, app), []

    async def slowly(event: PricesUpdated) -> None:
        await app.db.read(live._viewer.id, lambda _s: None)
        heard.append(event.exchange)

    live.each(PricesUpdated, do=slowly)
    for number in range(10):
        app.bus.publish(price(app, str(number)))
    await until(lambda: len(heard) == 10)
    assert heard == [str(number) for number in range(10)]


async def test_a_handler_that_fails_does_not_keep_the_next_event_away(screen: User, app: App) -> None:
    live, heard = await a_live(screen, app), []

    def fails(event: PricesUpdated) -> None:
        heard.append(event)
        raise ZeroDivisionError

    async def fails_too(event: PricesUpdated) -> None:
        heard.append(event)
        raise ZeroDivisionError

    live.each(PricesUpdated, do=fails)
    live.each(PricesUpdated, do=fails_too)
    app.bus.publish(price(app))
    app.bus.publish(price(app))
    await until(lambda: len(heard) == 4)


async def test_it_speaks_the_users_language_and_may_draw(screen: User, app: App) -> None:
    live = await a_live(screen, app)

    def draw(_event: PricesUpdated) -> None:
        ui.label("drawn by an event")

    live.each(PricesUpdated, do=draw)
    app.bus.publish(price(app))
    await screen.should_see("drawn by an event")


async def test_it_lets_go_when_its_place_is_drawn_anew(screen: User, app: App) -> None:
    before = len(app.bus._readers)
    live = await a_live(screen, app)
    heard: list[PricesUpdated] = []
    opened = len(app.bus._readers)
    live.each(PricesUpdated, do=heard.append).latest(PricesUpdated, do=heard.append)
    assert len(app.bus._readers) == opened + 2 > before
    place = live.parent_slot
    assert place is not None
    app.bus.publish(price(app))
    place.parent.clear()
    app.bus.publish(price(app))
    assert len(app.bus._readers) == opened
    assert len(heard) == 1
