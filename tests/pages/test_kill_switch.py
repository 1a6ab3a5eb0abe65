"""The kill switch on the screen: what it will do is told before, what is stopped is seen, and who may release it."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.kinds import HaltLevel, HaltScope, OrderOrigin, OrderRole, Role
from aristobot.orders import OrderStatus
from aristobot.store.tables import Halt
from services.app import App
from services.kill_switch import HALT_FILE
from tests.builders import a_position, an_order
from tests.pages.visitors import a_known_broker, a_resident, come_in, until


async def _open(screen: User, app: App, role: Role = Role.ADMINISTRATOR) -> uuid.UUID:
    resident = await a_resident(app, role=role)
    await come_in(screen, app, resident)
    await screen.open("/statistics")
    return resident.id


def _in_force(app: App) -> list[tuple[HaltScope, uuid.UUID | None, HaltLevel]]:
    return [(halt.scope, halt.scope_id, halt.level) for halt in app.kill_switch.active()]


async def _halt(app: App, scope: HaltScope, scope_id: uuid.UUID | None = None, level: HaltLevel = HaltLevel.HALT) -> Halt:
    return await app.kill_switch.set(scope, scope_id, level, by="bob", reason="the market is mad")


async def test_the_kill_switch_stops_trading_and_lets_it_go_on(screen: User, app: App) -> None:
    alice = await _open(screen, app)
    screen.find("kill-switch").click()
    await screen.should_see("kill-now")
    screen.find("kill-now").click()
    await screen.should_see("Trading arrêté")
    assert _in_force(app) == [(HaltScope.USER, alice, HaltLevel.HALT)]
    screen.find("kill-switch").click()
    await screen.should_see("Compte de alice")
    screen.find("release-halt").click()
    await screen.should_see("Reprendre le trading")
    screen.find("confirm").click()
    await screen.should_see("Arrêter le trading")
    assert app.kill_switch.active() == []


async def test_selling_out_tells_what_it_sells_and_waits_for_the_word(screen: User, app: App) -> None:
    resident = await a_resident(app)
    broker = await a_known_broker(app, resident, name="Principal")
    position = a_position(broker, current_price=Decimal(50000))
    entry = an_order(broker, status=OrderStatus.OPEN, role=OrderRole.ENTRY, origin=OrderOrigin.MANUAL)
    await app.db.write(resident.id, lambda s: s.add_all([position, entry]))
    await come_in(screen, app, resident)
    await screen.open("/statistics")
    screen.find("kill-switch").click()
    await screen.should_see("Entrées en attente\u00a0: 1")
    level = next(iter(screen.find(ui.radio).elements))
    level.set_value(HaltLevel.FLATTEN.value)
    await screen.should_see("environ 50,00\u00a0USDT")
    stop = next(iter(screen.find("kill-now").elements))
    assert isinstance(stop, ui.button)
    assert not stop.enabled
    screen.find("kill-word").type("vendre")
    await until(lambda: stop.enabled)
    screen.find("kill-now").click()
    await screen.should_see("Vente en cours")
    assert _in_force(app) == [(HaltScope.USER, resident.id, HaltLevel.FLATTEN)]


async def test_a_halt_of_everything_shows_on_an_open_page_with_who_and_why(screen: User, app: App) -> None:
    await _open(screen, app, role=Role.TRADER)
    await screen.should_see("Arrêter le trading")
    await _halt(app, HaltScope.ALL, level=HaltLevel.REDUCE)
    await screen.should_see("Réductions seulement")
    screen.find("kill-switch").click()
    for words in ("Toute la maison", "Par bob", "the market is mad"):
        await screen.should_see(words)
    await screen.should_not_see("Lever")


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (HaltLevel.HALT, "Trading arrêté"),
        (HaltLevel.REDUCE, "Réductions seulement"),
        (HaltLevel.FLATTEN, "Vente en cours"),
    ],
)
async def test_the_bar_says_how_far_trading_is_stopped(screen: User, app: App, level: HaltLevel, words: str) -> None:
    alice = await _open(screen, app)
    for scope, scope_id in ((HaltScope.ALL, None), (HaltScope.USER, alice)):
        halt = await _halt(app, scope, scope_id, level)
        await screen.should_see(words)
        await app.kill_switch.release(halt.id, by="bob")
        await screen.should_see("Arrêter le trading")
    await _halt(app, HaltScope.STRATEGY, uuid.uuid4(), level)
    await screen.should_see("Arrêt partiel")


async def test_a_halted_broker_is_a_part_and_another_users_is_not_seen(screen: User, app: App) -> None:
    alice = await _open(screen, app, role=Role.TRADER)
    bob = await a_resident(app, name="bob")
    foreign = await a_known_broker(app, bob)
    await _halt(app, HaltScope.BROKER, foreign.id)
    await _halt(app, HaltScope.USER, bob.id)
    await screen.should_see("Arrêter le trading")
    mine = await a_known_broker(app, await app.accounts.household.get(alice))
    await _halt(app, HaltScope.BROKER, mine.id)
    await screen.should_see("Arrêt partiel")


async def test_a_halt_file_shows_and_an_administrator_takes_it_away(screen: User, app: App) -> None:
    (app.settings.data_dir / HALT_FILE).touch()
    await app.kill_switch.load()
    await _open(screen, app)
    await screen.should_see("Trading arrêté")
    screen.find("kill-switch").click()
    await screen.should_see("Un fichier HALT se trouve dans le dossier de données.")
    screen.find("release-halt").click()
    await screen.should_see("Reprendre le trading")
    screen.find("confirm").click()
    await screen.should_see("Arrêter le trading")
    assert not (app.settings.data_dir / HALT_FILE).exists()


async def test_a_guest_who_may_only_look_cannot_press_the_kill_switch_but_sees_what_is_stopped(screen: User, app: App) -> None:
    await _open(screen, app, role=Role.VIEWER)
    [button] = screen.find(marker="kill-switch").elements
    assert isinstance(button, ui.button)
    assert not button.enabled
    assert "observateur" in button.props["title"]
    await _halt(app, HaltScope.ALL)
    await screen.should_see("Trading arrêté")
    screen.find("kill-switch").click()
    await screen.should_see("Toute la maison")
    await screen.should_not_see("Lever")
    [more] = screen.find(marker="halt-more").elements
    assert isinstance(more, ui.button)
    assert not more.enabled
