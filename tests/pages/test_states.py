"""What is shown when something fails: words of ours in the reader's language, and a way to try again."""

from __future__ import annotations

from datetime import timedelta

from nicegui.testing import User

from aristobot.errors import StoreError
from components.log_rows import last_words, when_exactly
from components.viewer import viewing
from services.app import App
from tests.builders import MIDNIGHT
from tests.pages.test_formats import somebody
from tests.pages.visitors import a_known_broker, a_resident, come_in

CLOSED = "La base de données est fermée"


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
    await screen.should_see("Cette page n’a pas pu être affichée", retries=20)
    await screen.should_see(CLOSED)
    await screen.should_see("Réessayer")
    await screen.should_see("Journal")


async def test_a_file_that_cannot_be_written_says_why(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/manual-trading")
    await screen.should_see("Aucun ordre terminé", retries=20)
    await app.db.close()
    screen.find(marker="csv").click()
    await screen.should_see(CLOSED, retries=20)


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
    await screen.should_see("Pas encore de broker", retries=20)


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
