"""The frame: the way in, the menu, the bar; and that a closed session closes everything."""

from __future__ import annotations

from pathlib import Path

from nicegui.testing import User

import pages
from aristobot.events import CandleUpdated
from components import shell
from components.entrance import Entrance
from components.lamps import AgeLamp
from services.app import App
from tests.builders import a_candle
from tests.pages.visitors import COOKIE, a_resident, come_in, until

NINE = ["Webhooks", "Heartbeat", "Trading manuel", "Trading bot", "Stratégies", "Backtest", "Statistiques", "Journal", "Compte"]


async def test_the_menu_offers_the_nine_pages(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    for title in NINE:
        await screen.should_see(title)
    await screen.should_see("En préparation")


async def test_a_page_that_is_not_built_says_what_it_will_do(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    await screen.should_see("En préparation")


async def test_the_front_page_is_the_webhooks_page(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/")
    await screen.should_see("Positions ouvertes")


async def test_somebody_who_reads_english_is_spoken_to_in_english(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app, language="en"))
    await screen.open("/account")
    await screen.should_see("Time zone")
    await screen.should_not_see("Fuseau horaire")


async def test_a_page_nobody_knows_is_said_so(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    answer = await screen.http_client.get("/nowhere")
    assert answer.status_code == 404


async def test_leaving_a_page_lets_its_subscriptions_go(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    listening = len(app.bus._readers)
    for _visit in range(5):
        screen.navigate.to("/webhooks")
        await screen.should_see("Aucune alerte")
        assert len(app.bus._readers) > listening
        screen.navigate.to("/statistics")
        await screen.should_see("En préparation")
    assert screen.client is client
    assert len(app.bus._readers) == listening


async def test_the_bar_tells_the_age_of_the_last_candle(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/trading-bot")
    lamp = next(one for one in client.elements.values() if isinstance(one, AgeLamp))
    assert lamp.props["seconds"] == -1
    app.bus.publish(CandleUpdated(at=app.clock.now(), exchange="binance", candle=a_candle(), received_at=app.clock.now()))
    await until(lambda: lamp.props["seconds"] == 0)


async def test_a_users_own_page_joins_the_menu_and_a_broken_one_is_red(user: User, app: App, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from nicegui import ui\nfrom components.shell import page\n\n"
        '@page("/my-risk", title="My risk", icon="shield")\n'
        "def my_risk(app, user, live):\n    ui.label(f'Bonjour {user.name}')\n"
    )
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    pages.load(tmp_path)
    shell.mount(app, Entrance(app.clock, app.accounts.sign_in, COOKIE), hosts={"test"})
    await come_in(user, app, await a_resident(app))
    await user.open("/my-risk")
    await user.should_see("Bonjour alice")
    await user.open("/broken/broken")
    await user.should_see("nothing_of_that_name")
    await user.should_see("Webhooks")


async def test_an_address_that_leads_nowhere_shows_the_menu_and_says_so(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    answer = await screen.http_client.get("/nobody-thought-of-this")
    assert answer.status_code == 404
    assert "HTTPException" not in answer.text
    assert "Trading manuel" in answer.text
