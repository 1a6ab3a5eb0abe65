"""The account page's exchanges: pairs read before one's eyes, how keys are, how far orders may go, how each exchange fares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.events import CatalogProgressed, ExchangeMeasured
from aristobot.exchange import KeyRights
from aristobot.kinds import BrokerAccess, Role
from aristobot.settings import Settings
from components.live_grid import LiveGrid
from services.app import App
from services.exchanges import discover
from services.key_state import KeyState
from services.simulator.server import SimulatorServer
from tests.builders import MIDNIGHT, a_broker, a_user
from tests.exchange_urls import NOWHERE, exchange_urls
from tests.pages.visitors import a_known_broker, a_resident, come_in, open_account, until


@pytest.fixture
async def simulator(clock: ManualClock) -> AsyncIterator[SimulatorServer]:
    """An exchange that answers."""
    server = SimulatorServer(clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(settings: Settings, simulator: SimulatorServer) -> Settings:
    """Binance is the simulated one; the others stay where nobody answers."""
    here = {"binance": exchange_urls(simulator.url)["binance"]}
    return settings.model_copy(update={"exchange_urls": NOWHERE | here})


def one(screen: User, marker: str) -> Any:
    """The element with this mark."""
    return next(iter(screen.find(marker=marker).elements))


def with_key(known: KeyState) -> dict[str, object]:
    """A broker's columns for a key in this state."""
    row = a_broker(a_user())
    known.keep(row)
    return {"key_rights": row.key_rights, "checked_at": row.checked_at}


async def test_the_pairs_are_read_with_their_progress_and_the_result_is_told(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    stages: list[str] = []
    app.bus.listen(CatalogProgressed, do=lambda event: stages.append(event.stage))
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Aucune paire connue")
    screen.find(marker="load-markets").click()
    await screen.should_see("dont")
    await screen.should_see("paires ·")
    total = app.catalog.state("binance").total
    await screen.should_see(f"Binance\u00a0: {total} paires, dont {total} nouvelles, 0 modifiées\u00a0; 0 retirées.")
    assert stages == ["asking", "storing", "done"]


async def test_an_exchange_that_does_not_answer_is_said_so_beside_the_button(screen: User, app: App, clock: ManualClock) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice, exchange="kraken")
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Aucune paire connue")
    screen.find(marker="load-markets").click()

    def failed() -> bool:
        progress = app.catalog.state("kraken").progress
        return progress is not None and progress.stage == "failed"

    await until(failed, clock)
    await screen.should_see("Les paires de Kraken n’ont pas pu être lues.")
    await screen.should_see("0 paires, non rafraîchies")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (KeyState(MIDNIGHT), ["Non vérifiée", "Âge 0 j"]),
        (
            KeyState(MIDNIGHT, KeyRights(True, True, False, True), clock_offset_ms=12, checked_at=MIDNIGHT),
            ["Lecture", "Ordres", "Sans retrait", "Adresse limitée", "Horloge +12 ms"],
        ),
        (
            KeyState(MIDNIGHT, KeyRights(True, False, True, False), checked_at=MIDNIGHT),
            ["Pas d’ordres", "Retraits\u00a0!", "Toute adresse"],
        ),
        (KeyState(MIDNIGHT, KeyRights(True, True, True, None), withdraw_accepted=True), ["Retraits admis", "Adresse inconnue"]),
        (KeyState(MIDNIGHT, failure="error.bad_key", refused=True, checked_at=MIDNIGHT), ["Clé refusée"]),
        (KeyState(MIDNIGHT, failure="error.unanswered", checked_at=MIDNIGHT), ["Non vérifiée"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, False, True, MIDNIGHT)), ["Clé expirée"]),
    ],
)
async def test_a_key_shows_how_it_is(screen: User, app: App, known: KeyState, words: list[str]) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice, **with_key(known))
    await come_in(screen, app, alice)
    await open_account(screen)
    for word in words:
        await screen.should_see(word)


async def test_how_far_orders_may_go_is_switched_in_the_list(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Main")
    one(screen, "access").set_value(BrokerAccess.READ_ONLY.value)
    await screen.should_see("rien n’est envoyé, pas même une sortie")
    assert (await app.brokers.get(alice.id, broker.id)).access is BrokerAccess.READ_ONLY
    one(screen, "access").set_value(BrokerAccess.REDUCE_ONLY.value)
    await screen.should_see("les sorties sont envoyées, les entrées refusées")
    assert (await app.brokers.get(alice.id, broker.id)).access is BrokerAccess.REDUCE_ONLY


async def test_who_may_only_look_switches_nothing(screen: User, app: App) -> None:
    viewer = await a_resident(app, role=Role.VIEWER)
    await a_known_broker(app, viewer)
    await come_in(screen, app, viewer)
    await open_account(screen)
    await screen.should_see("Main")
    assert not one(screen, "access").enabled


async def test_an_administrator_is_asked_to_insist_once_a_key_turned_out_to_withdraw(
    screen: User, app: App, simulator: SimulatorServer
) -> None:
    account = simulator.venue.open_account("binance", "k" * 64, "s" * 64, {})
    account.permissions = frozenset({"read", "trade", "withdraw"})
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Pas encore de broker")
    screen.find(marker="add-broker").click()
    await screen.should_see(marker="broker-name")
    screen.find(marker="broker-name").type("Principal")
    screen.find(marker="api_key").type("k" * 64)
    screen.find(marker="api_secret").type("s" * 64)
    one(screen, "broker-quote").set_value("EUR")
    screen.find(marker="broker-divergence").clear().type("0,75")
    screen.find(marker="save-broker").click()
    await screen.should_see(marker="allow-withdraw")
    assert await app.brokers.mine(alice.id) == []
    one(screen, "allow-withdraw").set_value(True)
    screen.find(marker="save-broker").click()
    await screen.should_see("Retraits admis")
    await screen.should_see("trade en EUR, écart de 0,75\u00a0% au plus")
    [broker] = await app.brokers.mine(alice.id)
    assert (broker.quote, (broker.limits or {})["remap_divergence_percent"]) == ("EUR", "0.75")


async def test_the_figures_of_an_exchange_follow_what_the_gateway_measures(screen: User, app: App, clock: ManualClock) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Exchanges")
    grid = next(found for found in screen.find(ui.aggrid).elements if isinstance(found, LiveGrid))
    first = {row["exchange"]: row["state"] for row in grid.rows}
    await app.gateway.client("binance").synchronise()
    app.bus.publish(ExchangeMeasured(at=clock.now(), exchange="binance"))
    await until(lambda: row_of(grid, "Binance")["success"] == "100\u00a0%")
    assert first == {one.title: "Pas encore" for one in discover().values()}
    assert int(row_of(grid, "Binance")["requests"]) >= 1


def row_of(grid: LiveGrid, title: str) -> dict[str, Any]:
    """What is said of an exchange."""
    return next(row for row in grid.rows if row["exchange"] == title)
