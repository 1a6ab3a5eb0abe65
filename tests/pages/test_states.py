"""What is shown when something fails: words of ours in the reader's language, and a way to try again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from nicegui import ui
from nicegui.testing import User

from aristobot.errors import StoreError
from components.entrance import Entrance
from components.live import Live
from components.log_rows import last_words, when_exactly
from components.shell import mount, page
from components.viewer import Viewer, viewing
from services.app import App
from tests.builders import MIDNIGHT
from tests.pages.test_formats import somebody
from tests.pages.visitors import COOKIE, a_known_broker, a_resident, come_in, until

CLOSED = "La base de données est fermée"


def waiting_places(screen: User) -> list[str]:
    """What is said where a whole page is waited for."""
    assert screen.client is not None
    return [one.props["aria-label"] for one in screen.client.elements.values() if "page-waiting" in one.classes]


async def test_while_the_memory_is_away_a_page_of_ours_says_so_and_asks_again_by_itself(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await app.db.close()
    for path in ("/webhooks", "/nowhere"):
        answer = await screen.http_client.get(path, headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert CLOSED in answer.text
        assert 'http-equiv="refresh"' in answer.text
    answer = await screen.http_client.get("/picture", headers={"accept": "image/png"})
    assert (answer.status_code, answer.json()) == (503, {"error": {"code": "store_closed"}})


async def test_the_front_door_too_says_that_the_memory_is_away(screen: User, app: App) -> None:
    await a_resident(app)
    await app.db.close()
    answer = await screen.http_client.get("/login", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert CLOSED in answer.text


async def test_a_page_that_cannot_be_read_says_why_and_the_frame_stays(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/webhooks")
    await app.db.close()
    screen.navigate.to("/account")
    await screen.should_see("Cette page n’a pas pu être affichée")
    await screen.should_see(CLOSED)
    await screen.should_see("Réessayer")
    await screen.should_see("Journal")


async def test_a_page_that_takes_its_time_says_so_until_it_is_there(user: User, app: App) -> None:
    there = asyncio.Event()

    @page("/slow", title="Slow", icon="shield")
    async def slow(app: App, viewer: Viewer, live: Live) -> None:
        await there.wait()
        ui.label("There it is")

    mount(app, Entrance(app.clock, app.accounts.sign_in, COOKIE), hosts={"test"})
    await come_in(user, app, await a_resident(app))
    await user.open("/webhooks")
    user.navigate.to("/slow")
    await until(lambda: waiting_places(user) == ["Chargement…"])
    there.set()
    await user.should_see("There it is")
    assert waiting_places(user) == []


async def test_orders_that_are_not_read_yet_are_not_called_none(screen: User, app: App) -> None:
    alice = await a_resident(app)
    mine = [await a_known_broker(app, alice), await a_known_broker(app, alice, name="Autre")]
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see("Aucun ordre ouvert")
    await screen.should_see("Aucune position ouverte")
    await app.db.close()
    [choice] = screen.find(kind=ui.select, marker="broker").elements
    choice.set_value(next(str(one.id) for one in mine if str(one.id) != choice.value))
    await screen.should_see("Cette liste n’a pas pu être lue")
    await screen.should_not_see("Aucun ordre ouvert")
    await screen.should_not_see("Aucune position ouverte")


async def test_a_file_that_cannot_be_written_says_why(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see("Aucun ordre terminé")
    await app.db.close()
    screen.find(marker="csv").click()
    await screen.should_see(CLOSED)


async def test_whoever_pressed_a_button_in_vain_hears_why(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    client.handle_exception(StoreError("store_busy"))
    await screen.should_see("La base de données est occupée.")
    client.handle_exception(ValueError("of ours"))
    await screen.should_see("Cela n’a pas fonctionné.")
    await screen.should_not_see("of ours")


async def test_without_a_broker_the_trading_page_leads_to_where_one_is_added(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/manual-trading")
    await screen.should_see("Aucun broker avec des clés")
    screen.find("Ouvrir la page Compte").click()
    await screen.should_see("Pas encore de broker")


def test_the_milliseconds_of_a_log_line_are_written_as_its_reader_writes_decimals() -> None:
    moment = MIDNIGHT + timedelta(milliseconds=7)
    for language, written in (("fr", "01:00:00,007"), ("en", "01:00:00.007")):
        with viewing(somebody(language)):
            assert when_exactly(moment, moment) == written


def test_of_several_errors_at_once_the_log_names_one() -> None:
    frames = "  + Exception Group Traceback\n  | StoreError: store_busy\n  +------------------------------------\n"
    assert last_words(frames) == "StoreError: store_busy"
    assert last_words("Traceback\n  File\nValueError: no\n") == "ValueError: no"
    assert last_words("") == ""
