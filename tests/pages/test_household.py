"""The account page of a household: users, tokens, the AI provider, costs, and what somebody who only looks cannot press."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied
from aristobot.kinds import CostMethod, Role, TokenScope
from aristobot.orders import OrderStatus, OrderType
from services.app import App
from services.household import NewUser
from services.sign_in import LoginForm
from tests.builders import a_position, an_order
from tests.pages.visitors import a_known_broker, a_resident, come_in, open_account, until
from tests.services.entrance import HAND, HERE
from tests.services.oracle import KEY, an_oracle

OWN = "sept lapins dans le pré"


def field(screen: User, marker: str) -> Any:
    """The element with this mark."""
    return next(iter(screen.find(marker=marker).elements))


def _all(screen: User, marker: str) -> list[Any]:
    return [one for one in screen.current_layout.descendants() if marker in one._markers]


async def test_somebody_added_gets_a_password_that_is_shown_once_and_chooses_their_own(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await open_account(screen)
    await screen.should_see("Actifs\u00a0: 1 sur 5")
    screen.find(marker="add-user").click()
    await screen.should_see(marker="user-name")
    screen.find(marker="user-name").type("Bob")
    screen.find(marker="save-user").click()
    await screen.should_see(marker="shown-once")
    once = field(screen, "shown-once").text
    screen.find(marker="kept-once").click()
    await screen.should_see("Doit choisir un mot de passe")
    await screen.should_see("Actifs\u00a0: 2 sur 5")
    with pytest.raises(AccessDenied, match="choose_password"):
        await app.accounts.sign_in.log_in(LoginForm("Bob", once), HERE)


async def test_who_has_a_one_time_password_is_asked_for_their_own_at_the_login(screen: User, app: App) -> None:
    _, once = await app.accounts.household.invite(NewUser("Bob", ""), HAND)
    await screen.open("/login")
    screen.find(marker="name").type("Bob")
    screen.find(marker="password").type(once)
    assert not _all(screen, "chosen")
    screen.find(marker="submit").click()
    await until(lambda: _all(screen, "chosen"))
    screen.find(marker="chosen").type(OWN)
    screen.find(marker="again").type(OWN + "!")
    screen.find(marker="submit").click()
    await screen.should_see("Les deux mots de passe")
    screen.find(marker="again").clear().type(OWN)
    screen.find(marker="submit").click()
    await until(lambda: _all(screen, "person"))
    assert await app.accounts.sign_in.log_in(LoginForm("Bob", OWN), HERE)


async def test_a_one_time_password_whose_time_is_over_is_told_to_both_sides(screen: User, app: App, clock: ManualClock) -> None:
    alice = await a_resident(app)
    _, once = await app.accounts.household.invite(NewUser("Bob", ""), HAND)
    await clock.advance(72 * 3600)
    await screen.open("/login")
    screen.find(marker="name").type("Bob")
    screen.find(marker="password").type(once)
    screen.find(marker="submit").click()
    await screen.should_see("n’était valable que 72 heures")
    assert not _all(screen, "chosen")
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Mot de passe provisoire expiré")


async def test_a_role_changes_after_a_yes_and_the_last_administrator_keeps_theirs(screen: User, app: App) -> None:
    alice = await a_resident(app)
    bob = await a_resident(app, "bob", role=Role.TRADER)
    opened = await app.accounts.sessions.open(bob)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Actifs\u00a0: 2 sur 5")
    roles = _all(screen, "user-role")
    assert [one.enabled for one in roles] == [False, True]
    roles[1].set_value("viewer")
    await screen.should_see(marker="confirm")
    await screen.should_see("ne peut ensuite que regarder")
    screen.find(marker="confirm").click()
    await screen.should_see("bob est modifié")
    assert (await app.accounts.household.get(bob.id)).role is Role.VIEWER
    assert not app.accounts.sessions.alive(opened.who.session_id)


async def test_a_role_stays_when_the_question_is_answered_with_no(screen: User, app: App) -> None:
    alice = await a_resident(app)
    bob = await a_resident(app, "bob", role=Role.TRADER)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Actifs\u00a0: 2 sur 5")
    _all(screen, "user-role")[1].set_value("administrator")
    await screen.should_see(marker="confirm")
    screen.find("Annuler").click()
    await until(lambda: len(_all(screen, "user-role")) == 2 and _all(screen, "user-role")[1].value == "trader")
    assert (await app.accounts.household.get(bob.id)).role is Role.TRADER


async def test_a_user_is_disabled_and_enabled_again_and_gets_a_new_password(screen: User, app: App) -> None:
    alice = await a_resident(app)
    bob = await a_resident(app, "bob", role=Role.TRADER)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Actifs\u00a0: 2 sur 5")
    for button, words in ((0, "Actifs\u00a0: 1 sur 5"), (1, "Actifs\u00a0: 2 sur 5")):
        switch = _all(screen, "switch-user")[1]
        _press(switch)
        if not button:
            await screen.should_see(marker="confirm")
            screen.find(marker="confirm").click()
        await screen.should_see(words)
    _press(_all(screen, "reset-password")[1])
    await screen.should_see(marker="confirm")
    screen.find(marker="confirm").click()
    await screen.should_see(marker="shown-once")
    assert (await app.accounts.household.get(bob.id)).must_choose_password


def _press(button: ui.button) -> None:
    for listener in button._event_listeners.values():
        if listener.type == "click":
            button._handle_event({"listener_id": listener.id, "args": {}})


async def test_a_token_is_made_shown_once_listed_and_revoked(screen: User, app: App) -> None:
    bob = await a_resident(app, "bob", role=Role.TRADER)
    await come_in(screen, app, bob)
    await open_account(screen)
    await screen.should_see("Pas encore de jeton")
    await screen.should_not_see("Foyer")
    screen.find(marker="add-token").click()
    await screen.should_see(marker="token-name")
    assert list(field(screen, "token-scope").options) == ["read", "trade"]
    screen.find(marker="token-name").type("mon tableur")
    screen.find(marker="save-token").click()
    await screen.should_see(marker="shown-once")
    token = field(screen, "shown-once").text
    assert (await app.accounts.tokens.holder(token)).scope is TokenScope.READ
    screen.find(marker="kept-once").click()
    await screen.should_see("mon tableur")
    await screen.should_see(f"…{token[-4:]}")
    await screen.should_not_see(token)
    screen.find(marker="revoke-token").click()
    await screen.should_see(marker="confirm")
    screen.find(marker="confirm").click()
    await screen.should_see("Pas encore de jeton")


async def test_the_ai_provider_is_tried_before_it_is_saved_and_its_key_never_comes_back(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    async with an_oracle() as oracle:
        await until(lambda: _all(screen, "set-up-telegram"))
        field(screen, "ai-provider").set_value("compatible")
        screen.find(marker="ai-url").type(oracle.url)
        screen.find(marker="ai-model").type("tiny")
        screen.find(marker="ai-key").type("sk-wrong")
        screen.find(marker="test-ai").click()
        await screen.should_see("refuse la clé")
        screen.find(marker="ai-key").clear().type(KEY)
        screen.find(marker="test-ai").click()
        await screen.should_see("Le modèle répond")
        screen.find(marker="save-ai").click()
        await until(lambda: not field(screen, "ai-key").value)
    kept = await app.accounts.household.get(alice.id)
    assert (kept.ai_provider, kept.ai_url, kept.ai_model) == ("compatible", oracle.url, "tiny")
    assert "enregistrée" in field(screen, "ai-key").props["hint"]
    screen.find(marker="ai-url").clear().type("http://169.254.169.254/")
    screen.find(marker="save-ai").click()
    await until(lambda: field(screen, "ai-url").error)
    screen.find(marker="forget-ai-key").click()
    await until(lambda: not any(one.visible for one in _all(screen, "forget-ai-key")))
    assert (await app.accounts.household.get(alice.id)).ai_key_sealed is None


async def test_costs_and_the_default_broker_are_chosen_in_the_profile(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice, name="Un", is_default=True)
    two = await a_known_broker(app, alice, name="Deux")
    await come_in(screen, app, alice)
    await open_account(screen)
    await until(lambda: field(screen, "cost-method").value == "average")
    field(screen, "cost-method").set_value("fifo")
    field(screen, "default-broker").set_value(str(two.id))
    screen.find(marker="save-profile").click()
    profile = _all(screen, "cost-method")[0]
    await until(lambda: _all(screen, "cost-method") and _all(screen, "cost-method")[0] is not profile)  # loaded anew
    await until(lambda: field(screen, "cost-method").value == "fifo")
    assert field(screen, "default-broker").value == str(two.id)
    assert (await app.accounts.household.get(alice.id)).cost_method is CostMethod.FIFO
    assert [one.name for one in await app.brokers.mine(alice.id) if one.is_default] == ["Deux"]


async def test_every_other_browser_is_logged_out_with_one_button(screen: User, app: App) -> None:
    alice = await a_resident(app)
    others = [await app.accounts.sessions.open(alice, address=one) for one in ("192.168.1.20", "2001:db8::7")]
    mine = await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Réseau de la maison (192.168.1.20)")
    screen.find(marker="end-others").click()
    await screen.should_see(marker="confirm")
    screen.find(marker="confirm").click()
    await screen.should_not_see("192.168.1.20")
    assert [app.accounts.sessions.alive(one.who.session_id) for one in [*others, mine]] == [False, False, True]


async def test_somebody_who_only_looks_sees_every_button_and_can_press_none(screen: User, app: App, clock: ManualClock) -> None:
    vera = await a_resident(app, "vera", role=Role.VIEWER)
    await a_known_broker(app, vera)
    await come_in(screen, app, vera)
    await open_account(screen)
    await screen.should_see("Main")
    await screen.should_see("Silence de Main")
    closed = ["add-broker", "webhook-address", "build-alert", "test-broker", "edit-broker", "delete-broker", "load-markets"]
    closed += ["access", "save-ai", "ai-provider", "default-broker", "cost-method", "set-up-telegram", "change-silence"]
    closed += ["examine", "kill-switch"]
    for marker in closed:
        element = field(screen, marker)
        assert not element.enabled, marker
        assert "observateur" in element.props.get("title", "observateur" if marker == "examine" else ""), marker
    for marker in ("save-profile", "save-password", "totp-on", "add-token"):
        assert field(screen, marker).enabled, marker
    await screen.should_see("Observateur")


def _asks_for(screen: User, fields: list[str]) -> bool:
    return [one for one in ("api_key", "api_secret", "passphrase") if _all(screen, one)] == fields


async def test_the_form_of_a_broker_asks_for_what_its_exchange_asks_and_says_what_it_can(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await open_account(screen)
    await screen.should_see("Pas encore de broker")
    screen.find(marker="add-broker").click()
    await screen.should_see(marker="broker-exchange")
    for exchange, fields, native in (
        ("kraken", ["api_key", "api_secret"], [False, False, True, True, True]),
        ("bitget", ["api_key", "api_secret", "passphrase"], [False, False, True, True, True]),
        ("binance", ["api_key", "api_secret"], [True, True, True, False, True]),
    ):
        choice = field(screen, "broker-exchange")
        choice.set_value(next(key for key in choice.options if key == exchange))
        await until(partial(_asks_for, screen, fields))
        badges = [one for one in screen.current_layout.descendants() if one.props.get("role") == "listitem"]
        assert ["good" in one.classes for one in badges if "tag" in one.classes] == native, exchange


async def test_somebody_who_only_looks_neither_cancels_nor_closes(screen: User, app: App) -> None:
    vera = await a_resident(app, "vera", role=Role.VIEWER)
    broker = await a_known_broker(app, vera)
    order = an_order(broker, status=OrderStatus.OPEN, type=OrderType.LIMIT, price=Decimal(40_000))
    await app.db.write(vera.id, lambda s: s.add_all([order, a_position(broker)]))
    await come_in(screen, app, vera)
    await screen.open("/manual-trading")
    await until(lambda: {"close", "edit"} <= {one.props.get("icon") for one in _buttons(screen)})
    await until(lambda: any("close-out" in one.classes for one in _buttons(screen)))
    acts = [one for one in _buttons(screen) if one.props.get("icon") in ("close", "edit") and "symbol" not in one._markers]
    acts += [*_all(screen, "cancel-all"), *_all(screen, "close-all")]
    acts += [one for one in _buttons(screen) if "close-out" in one.classes]
    assert len(acts) >= 5
    assert [one.enabled for one in acts] == [False] * len(acts)
    with pytest.raises(AccessDenied, match="viewer_only_looks"):
        await app.hand.resting.cancel(vera.id, order.id)


def _buttons(screen: User) -> list[ui.button]:
    return [one for one in screen.current_layout.descendants() if isinstance(one, ui.button)]
