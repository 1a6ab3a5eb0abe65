"""The bell on every page, and the panel where a user says what they want to hear and where."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.clock import SystemClock
from aristobot.kinds import BrokerMode, RhythmMode
from aristobot.notices import Notice, NoticeKind, Outlet
from components.notification_bell import NotificationBell
from components.switch_table import SwitchTable
from services.app import App
from services.notifiers.email import EmailByServer
from tests.pages.visitors import a_known_broker, a_resident, come_in, open_account, until
from tests.services.outside import MailServer, mail_server

BACKUP = "reason.told_backup_failed"


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    """A mail server."""
    async with mail_server() as server:
        yield server


def _badge(screen: User) -> ui.badge:
    assert screen.client is not None
    bell = next(one for one in screen.client.elements.values() if isinstance(one, NotificationBell))
    return next(one for one in bell.descendants() if isinstance(one, ui.badge))


async def test_news_ring_the_bell_of_their_owner_and_reading_them_empties_it(screen: User, app: App) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob")
    await app.news.book.tell(alice.id, Notice(NoticeKind.BACKUP, BACKUP, {"detail": "avant"}))
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    badge = _badge(screen)
    await until(lambda: badge.visible and badge.text == "1")
    await app.news.book.tell(alice.id, Notice(NoticeKind.BACKUP, BACKUP, {"detail": "pendant"}))
    await app.news.book.tell(bob.id, Notice(NoticeKind.BACKUP, BACKUP, {"detail": "chez Bob"}))
    await until(lambda: badge.text == "2")
    await screen.should_see("pendant")
    screen.find("bell").click()
    await screen.should_see("Aucune sauvegarde n’a pu être faite\u00a0: avant")
    await screen.should_not_see("chez Bob")
    screen.find("read-all").click()
    await until(lambda: not badge.visible)
    assert await app.news.book.unread(bob.id) == 1


async def test_a_chosen_line_is_read_and_leads_where_more_is_to_be_seen(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await app.news.book.tell(alice.id, Notice(NoticeKind.HALT, BACKUP, {"detail": "x"}, page="/account"))
    await screen.open("/statistics")
    screen.find("bell").click()
    await screen.should_see("news-line")
    screen.find("news-line").click()
    await screen.should_see("Fuseau horaire")
    assert await app.news.book.unread(alice.id) == 0


async def test_an_empty_list_says_what_will_stand_in_it(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    screen.find("bell").click()
    await screen.should_see("Rien de nouveau")


async def test_a_switch_is_kept_at_once(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("ways")
    (table,) = screen.find(SwitchTable).elements
    await until(lambda: bool(table.props["rows"]))
    (row,) = [one for one in table.props["rows"] if one["name"] == "order_filled"]
    places = [one["name"] for one in table.props["columns"]]
    assert [place for place, on in zip(places, row["on"], strict=True) if on] == ["sound"]
    screen.find(SwitchTable).trigger("flipped", {"row": "order_filled", "column": "telegram", "on": True})
    screen.find(SwitchTable).trigger("flipped", {"row": "nothing", "column": "telegram", "on": True})

    async def kept() -> frozenset[Outlet]:
        return (await app.news.settings.switches(alice.id))[NoticeKind.ORDER_FILLED]

    for _look in range(500):
        if (chosen := await kept()) == {Outlet.SOUND, Outlet.TELEGRAM}:
            break
        await SystemClock().sleep(0.02)
    assert chosen == {Outlet.SOUND, Outlet.TELEGRAM}


async def test_mail_is_set_up_tried_and_its_failure_is_said_in_words(screen: User, app: App, mail: MailServer) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("set-up-email")
    screen.find("set-up-email").click()
    await screen.should_see("channel-host")
    form = {"host": "127.0.0.1", "sender": "bot@example.org", "recipient": "nobody"}
    for name, text in form.items():
        screen.find(f"channel-{name}").type(text)
    port = next(iter(screen.find("channel-port").elements))
    assert isinstance(port, ui.input)
    port.set_value(str(mail.port))
    security = next(iter(screen.find("channel-security").elements))
    assert isinstance(security, ui.select)
    security.set_value("plain")
    screen.find("save-channel").click()
    await screen.should_see("Indiquez une seule adresse e-mail.")
    recipient = next(iter(screen.find("channel-recipient").elements))
    assert isinstance(recipient, ui.input)
    recipient.set_value("alice@example.org")
    screen.find("save-channel").click()
    await screen.should_see("Prêt")
    screen.find("test-email").click()
    await until(lambda: mail.mails)
    assert mail.mails[0]["To"] == "alice@example.org"
    assert isinstance(app.news.post._channels[Outlet.EMAIL], EmailByServer)
    mail.refuses = "alice"
    screen.find("test-email").click()
    await screen.should_see("Le serveur refuse l’expéditeur ou le destinataire alice@example.org.")


async def test_the_silence_of_a_broker_is_set_in_its_dialog(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice, name="Principal", mode=BrokerMode.WEBHOOKS)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Aucun rythme de PING n’est encore connu.")
    screen.find("change-silence").click()
    await screen.should_see("ping-mode")
    mode = next(iter(screen.find("ping-mode").elements))
    assert isinstance(mode, ui.radio)
    mode.set_value(RhythmMode.FIXED.value)
    minutes = next(iter(screen.find("ping-minutes").elements))
    assert isinstance(minutes, ui.input)
    minutes.set_value("15")
    screen.find("expected-alerts").type("BTCUSDT 60, ETHUSDT")
    screen.find("save-silence").click()
    await screen.should_see("écrivez un symbole et un intervalle")
    expected = next(iter(screen.find("expected-alerts").elements))
    assert isinstance(expected, ui.input)
    expected.set_value("BTCUSDT 60, ETHUSDT 4h")
    screen.find("save-silence").click()
    await screen.should_see("Alertes attendues après chaque bougie\u00a0: 2.")
    watch = (await app.news.watchdog.settings(alice.id))[broker.id]
    assert (watch.pings, watch.ping_seconds) == (RhythmMode.FIXED, 900)
    assert watch.expected == [["BTCUSDT", 3600], ["ETHUSDT", 14400]]
