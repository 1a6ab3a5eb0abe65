"""The alert builder and the doctor on the account page: what is chosen stands in the message, what is wrong is said."""

from __future__ import annotations

from typing import Any

import pytest
from nicegui import ElementFilter
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.signals import Action
from services.app import App
from tests.pages.visitors import a_known_broker, a_resident, come_in, open_account, until


def every(screen: User, marker: str) -> list[Any]:
    """The elements with this mark, hidden ones too, in the order in which they were made."""
    with screen:
        return [*ElementFilter(marker=marker)]


def one(screen: User, marker: str) -> Any:
    """The first element with this mark."""
    return every(screen, marker)[0]


@pytest.fixture
async def builder(screen: User, app: App) -> User:
    """The dialog of Alice's broker, open."""
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see(marker="build-alert")
    screen.find(marker="build-alert").click()
    await screen.should_see(marker="alert-message")
    return screen


async def test_the_first_message_is_ready_to_use(builder: User) -> None:
    text = one(builder, "alert-message").value
    assert '"stop_loss": "-2%"' in text
    assert one(builder, "copy-message").props["data-copy"] == text
    assert "alertcondition(" in one(builder, "copy-pine").props["data-copy"]
    await builder.should_see("La maison comprend ce message.")
    await builder.should_see("Acheter au marché")
    await builder.should_see("pas encore d’adresse de webhook")


async def test_a_choice_changes_message_and_script(builder: User) -> None:
    one(builder, "alert-action").set_value(Action.SELL_LIMIT.value)
    one(builder, "alert-price").set_value("70000")
    one(builder, "alert-percent").set_value("40")
    text = one(builder, "alert-message").value
    assert '"price": "70000"' in text
    assert '"percent": "40"' in text
    assert "stop_loss" not in text
    assert not one(builder, "alert-stop").visible
    await builder.should_see("40\u00a0% de ce qui est détenu")


async def test_a_strategy_says_itself_whether_it_buys(builder: User) -> None:
    one(builder, "alert-sender").set_value("strategy")
    assert "{{strategy.order.action}}" in one(builder, "alert-message").value
    assert not one(builder, "alert-action").visible
    assert "alert_message" in one(builder, "copy-pine").props["data-copy"]
    await builder.should_see("Vendre au marché")


async def test_a_wrong_level_is_said_at_its_field_and_the_message_stays(builder: User) -> None:
    before = one(builder, "alert-message").value
    one(builder, "alert-stop").set_value("2x")
    assert "ni un cours" in one(builder, "alert-stop").error
    one(builder, "alert-stop").set_value("-3%")
    one(builder, "alert-percent").set_value("400")
    assert one(builder, "alert-percent").error
    assert one(builder, "alert-message").value in (before, before.replace("-2%", "-3%"))
    assert not one(builder, "builder-test").enabled


async def test_targets_are_added_with_what_is_left_and_taken_out(builder: User) -> None:
    one(builder, "target-share").set_value("60")
    builder.find(marker="add-target").click()
    assert [field.value for field in every(builder, "target-share")] == ["60", "40"]
    every(builder, "target-level")[1].set_value("Objectif")
    text = one(builder, "alert-message").value
    assert '["60%","+3%"]' in text
    assert '["40%","{{plot("Objectif")}}"]' in text
    await builder.should_see("peut valoir NaN")


async def test_a_message_changed_by_hand_is_checked_too(builder: User) -> None:
    one(builder, "alert-message").set_value('{"action":"buy","symbol":{{ticker}}}')
    await builder.should_see("entre guillemets")
    await builder.should_not_see("La maison comprend ce message.")
    one(builder, "alert-message").set_value('{"action":"buy","symbol":"BTCUSDT.P"}')
    await builder.should_see("perpétuel")


async def test_a_pair_that_nobody_can_look_up_is_said_so(builder: User, clock: ManualClock) -> None:
    one(builder, "alert-symbol").set_value("BTCUSDT")

    def said() -> bool:
        with builder:
            return bool([*ElementFilter(content="Impossible de savoir")])

    await until(said, clock)
    await builder.should_see("Impossible de savoir maintenant si Binance négocie BTCUSDT")


async def test_a_symbol_written_into_the_message_by_hand_is_looked_up_and_that_of_the_chart_is_not(
    builder: User, clock: ManualClock
) -> None:
    def said(symbol: str) -> bool:
        with builder:
            return bool([*ElementFilter(content=f"Binance négocie {symbol}")])

    assert not said("BTCUSDT")
    two = '[{"action":"buy","symbol":"DOGEXYZ"},{"action":"buy","symbol":"ETHXYZ"}]'
    one(builder, "alert-message").set_value(two)
    await until(lambda: said("DOGEXYZ") and said("ETHXYZ"), clock)


async def test_the_test_button_says_when_nobody_answers(builder: User) -> None:
    builder.find(marker="builder-test").click()
    await until(lambda: "loading" not in one(builder, "builder-test").props)
    await builder.should_see("webhooks")


async def test_the_doctor_tells_each_thing_with_its_cure(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await open_account(screen)
    await screen.should_see("Huit points sont examinés")
    await until(lambda: one(screen, "examine").enabled)
    screen.find(marker="examine").click()
    await screen.should_see("ARISTOBOT_WEBHOOK_PUBLIC_URL")
    await screen.should_see("Aucun pour l’instant")
    await screen.should_see("Quelque chose ne marche pas")


async def test_without_a_broker_there_is_nothing_to_examine(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await open_account(screen)
    await screen.should_see("Ajoutez d’abord un broker")
    assert not one(screen, "examine").enabled
