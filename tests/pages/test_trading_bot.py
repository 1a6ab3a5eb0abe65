"""The page of strategies at work: the list, why nothing happens, the inside of one, and what may be pressed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nicegui.testing import User

from aristobot.events import PricesUpdated
from aristobot.kinds import ActivationStatus, Role
from aristobot.store import activations
from aristobot.store.strategy_tables import Activation, ActivationLine
from aristobot.store.tables import User as Resident
from aristobot.strategy_events import ActivationUpdated
from services.app import App
from tests.builders import MIDNIGHT, a_broker, a_position, an_activation
from tests.pages.visitors import a_resident, come_in
from tests.street import HAND

D = Decimal


async def an_active_one(app: App, who: Resident, **differences: Any) -> Activation:
    """A strategy of theirs on a broker's market."""
    strategy = await app.strategies.create(who.id, "Croisement", "class S(Strategy):\n    pass\n")
    version = await app.strategies.version(who.id, strategy.id, 1)
    broker = a_broker(who, mode="STRATEGIES", name="Robots")
    row = an_activation(broker, version.id, **differences)
    await app.db.write(who.id, lambda s: s.add(broker))
    await app.db.write(who.id, lambda s: s.add(row))
    return row


@pytest.fixture
async def alice(app: App) -> Resident:
    """Somebody."""
    return await a_resident(app)


async def test_an_empty_list_says_what_comes_first(screen: User, app: App, alice: Resident) -> None:
    await come_in(screen, app, alice)
    await screen.open("/trading-bot")
    await screen.should_see("Aucune stratégie au travail pour l’instant")
    screen.find(marker="new-bot").click()
    await screen.should_see("Enregistrez d’abord une stratégie")
    await screen.should_see("Aucun de vos brokers n’est en mode Stratégies")


async def test_it_says_why_there_is_no_entry_and_shows_the_inside(screen: User, app: App, alice: Resident) -> None:
    view = {
        "at": MIDNIGHT.isoformat(),
        "watch": [["rsi", "41.2"]],
        "filters": [["above_the_average", False]],
        "blocks": [["reason.run_held_back", {"why": "above_the_average"}], ["error.halted", {"level": "halt"}]],
    }
    row = await an_active_one(app, alice, status=ActivationStatus.RUNNING, view=view, parameters={"fast": 9})
    line = ActivationLine(user_id=alice.id, activation_id=row.id, at=MIDNIGHT, code="reason.run_missed", facts={"count": 3})
    await app.db.write(alice.id, lambda s: activations.say(s, [line]))
    await come_in(screen, app, alice)
    await screen.open("/trading-bot")
    await screen.should_see("Au travail")
    await screen.should_see("Robots · BTC/USDT · 1m")
    await screen.should_see("Entrée retenue par above_the_average.")
    await screen.should_see("retient")
    await screen.should_see("41,2")
    await screen.should_see("3 bougies closes sans elle")
    await screen.should_not_see(marker="bot-start")
    await screen.should_not_see(marker="bot-delete")


async def test_what_happens_comes_by_itself(screen: User, app: App, alice: Resident) -> None:
    row = await an_active_one(app, alice, status=ActivationStatus.RUNNING)
    await come_in(screen, app, alice)
    await screen.open("/trading-bot")
    await screen.should_see("Elle attend sa première bougie close.")
    broker = await app.brokers.get(alice.id, row.broker_id)
    held = a_position(broker, owner=activations.owner_of(row.id), current_price=D(42000))
    await app.db.write(alice.id, lambda s: s.add(held))
    app.bus.publish(ActivationUpdated(at=app.clock.now(), user_id=alice.id, activation_id=row.id))
    await screen.should_see("0,001")
    app.bus.publish(PricesUpdated(at=app.clock.now(), exchange="binance", prices={"BTC/USDT": D(52000)}))
    await screen.should_see("+10,00")
    changes = {"status": ActivationStatus.PAUSED, "reason": "strategy_homeless", "reason_facts": {"what": "broker"}}
    await app.db.write(alice.id, lambda s: activations.change(s, row.id, **changes))
    app.bus.publish(ActivationUpdated(at=app.clock.now(), user_id=alice.id, activation_id=row.id))
    await screen.should_see("Le broker ou le marché de cette activation n’existe plus")
    await screen.should_see(marker="bot-start")


async def test_who_only_looks_presses_nothing(screen: User, app: App) -> None:
    await a_resident(app)  # an administrator must remain
    vera = await a_resident(app, "vera")
    await an_active_one(app, vera, status=ActivationStatus.RUNNING)
    await app.accounts.household.change(vera.id, HAND, role=Role.VIEWER)
    await come_in(screen, app, vera)
    await screen.open("/trading-bot")
    await screen.should_see(marker="bot-stop")
    for mark in ("bot-stop", "new-bot"):
        button: Any = next(iter(screen.find(marker=mark).elements))
        assert not button.enabled, mark


async def test_a_foreign_activation_is_nowhere(screen: User, app: App, alice: Resident) -> None:
    bob = await a_resident(app, "bob")
    row = await an_active_one(app, bob)
    await come_in(screen, app, alice)
    await screen.open("/trading-bot")
    await screen.should_see("Aucune stratégie au travail pour l’instant")
    app.bus.publish(ActivationUpdated(at=app.clock.now(), user_id=bob.id, activation_id=row.id))
    await screen.should_not_see("Croisement")
