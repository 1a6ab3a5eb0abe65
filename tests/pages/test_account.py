"""The account page: brokers, the webhook address, language and zone, password, codes of the phone, open sessions."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.kinds import BrokerMode
from services.app import App
from services.household import NewUser
from services.second_factor import code_at
from services.sign_in import LoginForm
from tests.pages.visitors import a_known_broker, a_resident, come_in, open_account, until
from tests.services.entrance import HAND, HERE, PASSWORD

NEW_PASSWORD = "sept lapins dans le pré"


def field(screen: User, marker: str) -> Any:
    """The element with this mark."""
    return next(iter(screen.find(marker=marker).elements))


def _sees(screen: User, marker: str) -> bool:
    return any(marker in one._markers for one in screen.current_layout.descendants())


async def test_somebody_without_a_broker_is_told_to_add_one(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await open_account(screen)
    await screen.should_see("Pas encore de broker")


async def test_a_broker_is_added_even_while_its_exchange_does_not_answer(screen: User, app: App, clock: ManualClock) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Pas encore de broker")
    screen.find(marker="add-broker").click()
    await screen.should_see(marker="broker-name")
    screen.find(marker="save-broker").click()
    await until(lambda: "« Nom »" in (field(screen, "broker-name").error or "").replace("\u00a0", " "))
    screen.find(marker="broker-name").type("Principal")
    screen.find(marker="save-broker").click()
    await until(lambda: field(screen, "api_key").error)
    screen.find(marker="api_key").type("k" * 64)
    screen.find(marker="api_secret").type("s" * 64)
    screen.find(marker="save-broker").click()
    await until(lambda: _sees(screen, "steps"), clock=clock)  # the client asks again after growing pauses
    await screen.should_see("L’exchange répond")
    [broker] = await app.brokers.mine(alice.id)
    assert (broker.name, broker.mode, broker.key_last_four, broker.is_default) == ("Principal", BrokerMode.WEBHOOKS, "kkkk", True)


async def test_a_broker_is_renamed_without_touching_its_keys(screen: User, app: App) -> None:
    alice = await a_resident(app)
    known = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Main")
    screen.find(marker="edit-broker").click()
    await screen.should_see(marker="broker-name")
    await screen.should_see("Laissez les clés vides")
    screen.find(marker="broker-name").clear().type("Épargne")
    screen.find(marker="save-broker").click()
    await screen.should_not_see(marker="broker-name")
    await screen.should_see("Épargne")
    changed = await app.brokers.get(alice.id, known.id)
    assert (changed.name, changed.api_key_sealed) == ("Épargne", known.api_key_sealed)


async def test_a_broker_is_deleted_only_after_a_yes(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Main")
    screen.find(marker="delete-broker").click()
    await screen.should_see(marker="confirm")
    assert len(await app.brokers.mine(alice.id)) == 1
    screen.find(marker="confirm").click()
    await screen.should_see("Pas encore de broker")
    await screen.should_see("est supprimé")


async def test_the_webhook_address_is_shown_once(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Main")
    screen.find(marker="webhook-address").click()
    await screen.should_see("Il n’y a pas encore d’adresse")
    await screen.should_see("{{ticker}}")
    screen.find(marker="rotate").click()
    await screen.should_see(marker="webhook-url")
    url = field(screen, "webhook-url").text
    [token] = await app.brokers.webhooks.of_broker(alice.id, broker.id)
    assert url.endswith(token.last_four)
    assert "/webhook/" in url
    assert field(screen, "copy-url").props["data-copy"] == url


async def test_a_change_of_language_and_zone_is_kept(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Fuseau horaire")
    field(screen, "language").set_value("en")
    screen.find(marker="timezone").trigger("popupShow")
    field(screen, "timezone").set_value("America/New_York")
    screen.find(marker="save-profile").click()
    await screen.should_see("Time zone")
    kept = await app.accounts.household.get(alice.id)
    assert (kept.language, kept.timezone) == ("en", "America/New_York")


async def test_grave_matters_ask_for_the_password_again(screen: User, app: App, clock: ManualClock) -> None:
    await app.accounts.household.add(NewUser("Alice", PASSWORD), HAND)
    alice = await app.accounts.household.by_name("Alice")
    assert alice is not None
    await come_in(screen, app, alice)
    await clock.advance(6 * 60)
    await open_account(screen)
    screen.find(marker="new-password").type(NEW_PASSWORD)
    screen.find(marker="new-password-again").type(NEW_PASSWORD)
    screen.find(marker="save-password").click()
    await screen.should_see(marker="reauth-password")
    screen.find(marker="reauth-password").type(PASSWORD)
    screen.find(marker="reauthenticate").click()
    await screen.should_see("Le mot de passe est changé.")
    assert await app.accounts.sign_in.log_in(LoginForm("Alice", NEW_PASSWORD), HERE)


async def test_a_session_elsewhere_is_ended_from_here(screen: User, app: App) -> None:
    alice = await a_resident(app)
    elsewhere = await app.accounts.sessions.open(alice, address="192.168.1.20", user_agent="Mozilla/5.0 (iPhone) Safari/605")
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Safari · iPhone")
    await screen.should_see("Firefox · Linux")
    screen.find(marker="end-session").click()
    await screen.should_not_see("Safari · iPhone")
    assert not app.accounts.sessions.alive(elsewhere.who.session_id)


async def test_the_codes_of_the_phone_are_switched_on_with_their_first_code(screen: User, app: App, clock: ManualClock) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Désactivés")
    screen.find(marker="totp-on").click()
    await screen.should_see(ui.html)
    secret = app.accounts.second_factor._waiting[alice.id].secret
    await screen.should_see(" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)))
    screen.find(marker="totp-code").type("000000")
    screen.find(marker="totp-complete").click()
    await until(lambda: field(screen, "totp-code").error)
    screen.find(marker="totp-code").clear().type(code_at(secret, clock.now()))
    screen.find(marker="totp-complete").click()
    await screen.should_see("Vos codes de secours")
    await screen.should_see("Activés")
    assert (await app.accounts.household.get(alice.id)).totp_sealed
