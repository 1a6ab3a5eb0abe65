"""The webhooks page: what it shows, what it hears, and of whom."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from nicegui.testing import User

from aristobot.events import PositionUpdated, PricesUpdated, SignalReceived, WebhookUpdated
from aristobot.kinds import LotStatus, WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus
from aristobot.store.tables import Broker
from aristobot.store.trading_tables import Webhook, WebhookState
from components.live_grid import LiveGrid, Row
from components.webhook_detail import LONGEST_PAYLOAD, payload_words
from services.app import App
from tests.builders import a_webhook, a_webhook_state, an_order
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

DONE = {"status": WebhookStatus.PROCESSED, "outcome": WebhookOutcome.ORDERED}


async def keep(app: App, row: Any) -> Any:
    """Write one row for its owner."""

    def work(session: Any) -> Any:
        session.add(row)
        session.flush()
        return row

    return await app.db.write(row.user_id, work)


async def an_alert(app: App, broker: Broker, **differences: Any) -> Webhook:
    """An alert of now, stored."""
    facts = {"received_at": app.clock.now(), "action": "BuyMarket", "symbol": "BTC/USDT", "price": Decimal(60000)}
    stored: Webhook = await keep(app, a_webhook(broker, **{**facts, **differences}))
    return stored


async def a_holding(app: App, broker: Broker, **differences: Any) -> WebhookState:
    """An open position that an alert made, stored."""
    amounts = {"entry_price": Decimal(60000), "quantity": Decimal("0.01"), "current_price": Decimal(60000)}
    exits = {"stop_loss": Decimal(58800), "take_profit": Decimal(61800)}
    stored: WebhookState = await keep(app, a_webhook_state(broker, **{**amounts, **exits, **differences}))
    return stored


def grids(screen: User) -> tuple[LiveGrid, LiveGrid]:
    """The table of alerts and the table of positions, seen or not."""
    assert screen.client is not None
    alerts, positions = (one for one in screen.client.elements.values() if isinstance(one, LiveGrid))
    return alerts, positions


async def rows(screen: User, count: int) -> list[Row]:
    """The rows of the table of alerts, once there are so many."""
    await until(lambda: len(grids(screen)[0].rows) == count)
    return grids(screen)[0].rows


def choose(screen: User, marker: str, value: str) -> None:
    """Pick one of a list, as a click on it does."""
    chooser: Any = next(iter(screen.find(marker=marker).elements))
    chooser.set_value(value)


def told(alert: Webhook, app: App) -> WebhookUpdated:
    """The news that an alert's row changed."""
    outcome = alert.outcome.value if alert.outcome else None
    whose: dict[str, Any] = {"user_id": alert.user_id, "webhook_id": alert.id, "broker_id": alert.broker_id}
    return WebhookUpdated(at=app.clock.now(), status=alert.status.value, outcome=outcome, **whose)


async def test_an_empty_page_says_what_will_appear(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/webhooks")
    await screen.should_see("Aucune alerte sur cette période")
    await screen.should_see("Aucune position ouverte")


async def test_the_cards_and_the_tables_show_what_happened(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await an_alert(app, broker, percent=Decimal(50), order_ids=["abcdef0123456789"], **DONE)
    await an_alert(app, broker, status=WebhookStatus.ERROR, outcome=WebhookOutcome.REFUSED, reason="insufficient_funds")
    await a_holding(app, broker, current_price=Decimal(60600))
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    shown = {row["status"]: row for row in await rows(screen, 2)}
    assert shown["Exécutée"] | {"id": ""} == {
        "id": "", "at": "01:00:00", "exchange": "Binance", "symbol": "BTC/USDT", "action": "BuyMarket", "action_tone": "good",
        "price": "60\u202f000,00", "percent": "50\u00a0%", "status": "Exécutée", "status_tone": "good", "status_tip": "",
        "order": "abcdef01", "order_tip": "abcdef0123456789",
    }  # fmt: skip
    assert shown["Refusée"]["status_tip"]
    await until(lambda: grids(screen)[1].rows)
    [held] = grids(screen)[1].rows
    assert (held["gain"], held["gain_tone"], held["stop"], held["side"]) == ("+6,00", "gain", "58\u202f800,00", "Achat")
    await screen.should_see("50\u00a0%")
    await screen.should_see("1 sur 2")


async def test_an_alert_with_several_orders_names_them_all_where_the_pointer_rests(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await an_alert(app, await a_known_broker(app, alice), order_ids=["abcdef0123456789", "fedcba98-76543210"], **DONE)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    [row] = await rows(screen, 1)
    assert (row["order"], row["order_tip"]) == ("abcdef01 +1", "abcdef0123456789  fedcba9876543210")
    [column] = [one for one in grids(screen)[0].options["columnDefs"] if one["field"] == "order"]
    assert column["tooltipField"] == "order_tip"


async def test_an_alert_appears_by_itself_and_follows_its_fate(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await screen.should_see("Aucune alerte")
    alert = await an_alert(app, broker)
    whose: dict[str, Any] = {"user_id": alice.id, "webhook_id": alert.id, "broker_id": broker.id}
    app.bus.publish(SignalReceived(at=app.clock.now(), **whose))
    [row] = await rows(screen, 1)
    assert row["status"] == "Reçue"

    def finish(session: Any) -> None:
        session.get(Webhook, alert.id).status = WebhookStatus.PROCESSED

    await app.db.write(alice.id, finish)
    app.bus.publish(told(alert, app))
    await until(lambda: grids(screen)[0].rows[0]["status"] == "Traitée")


async def test_nobody_sees_the_alerts_and_positions_of_somebody_else(screen: User, app: App) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob")
    await a_known_broker(app, alice)
    theirs = await a_known_broker(app, bob)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await screen.should_see("Aucune alerte")
    alert, held = await an_alert(app, theirs), await a_holding(app, theirs)
    app.bus.publish(told(alert, app))
    app.bus.publish(
        PositionUpdated(at=app.clock.now(), user_id=bob.id, position_id=held.id, broker_id=theirs.id, symbol="BTC/USDT")
    )
    mine = await an_alert(app, await a_known_broker(app, alice, name="Second"))
    app.bus.publish(told(mine, app))
    [row] = await rows(screen, 1)
    assert row["id"] == str(mine.id)
    assert grids(screen)[1].rows == []


async def test_the_broker_filter_and_the_period_narrow_everything(screen: User, app: App) -> None:
    alice = await a_resident(app)
    first, second = await a_known_broker(app, alice), await a_known_broker(app, alice, name="Second")
    await an_alert(app, first)
    await an_alert(app, second, received_at=app.clock.now() - timedelta(days=3))
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await rows(screen, 1)
    choose(screen, "period", "7d")
    await rows(screen, 2)
    choose(screen, "broker-filter", str(second.id))
    [row] = await rows(screen, 1)
    assert row["at"] == "29 déc. 01:00"


async def test_a_hundred_rows_are_shown_and_the_rest_is_paged(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    for number in range(103):
        await an_alert(app, broker, received_at=app.clock.now() - timedelta(minutes=number))
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    newest = (await rows(screen, 100))[0]
    await screen.should_see("1 à 100")
    screen.find("older").click()
    await rows(screen, 3)
    await screen.should_see("101 à 103")
    await an_alert(app, broker, received_at=app.clock.now() + timedelta(seconds=1))
    screen.find("newer").click()
    assert (await rows(screen, 100))[1] == newest


async def test_a_row_opens_the_whole_alert(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    alert = await an_alert(app, broker, payload=b'{"Action":"BuyMarket","note":"<b>&"}', stop_loss="-2%", **DONE)
    await keep(app, an_order(broker, webhook_id=alert.id, status=OrderStatus.FILLED, exchange_order_id="12345"))
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await rows(screen, 1)
    screen.find(LiveGrid).trigger("rowClicked", {"data": {"id": str(alert.id)}})
    await screen.should_see(alert.trace_id)
    await screen.should_see('"note": "<b>&"')
    await screen.should_see("12345")
    await screen.should_see("-2%")


def test_the_body_of_an_alert_is_shown_as_it_came() -> None:
    assert payload_words(b'{"price":60000.10,"price":1e5}') == '{\n  "price": 60000.10,\n  "price": 1e5\n}'
    assert payload_words('{"action":"é"}'.encode("utf-16")) == '{\n  "action": "é"\n}'
    assert payload_words(b"action=buy") == "action=buy"
    assert payload_words(b"[" * 50_000) == "[" * LONGEST_PAYLOAD + "…"


async def test_a_position_follows_the_price_and_goes_when_it_closes(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    held = await a_holding(app, broker)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await rows(screen, 0)
    await until(lambda: grids(screen)[1].rows)
    app.bus.publish(PricesUpdated(at=app.clock.now(), exchange="binance", prices={"BTC/USDT": Decimal(59000)}))
    await until(lambda: grids(screen)[1].rows[0]["gain"] == "\u221210,00")
    assert grids(screen)[1].rows[0]["gain_tone"] == "loss"

    def close(session: Any) -> None:
        session.get(WebhookState, held.id).status = LotStatus.CLOSED

    await app.db.write(alice.id, close)
    app.bus.publish(
        PositionUpdated(at=app.clock.now(), user_id=alice.id, position_id=held.id, broker_id=broker.id, symbol="BTC/USDT")
    )
    await until(lambda: not grids(screen)[1].rows)
    await screen.should_see("Aucune position ouverte")


async def test_an_alert_without_a_price_shows_the_average_at_which_it_was_filled(screen: User, app: App) -> None:
    alice = await a_resident(app)
    placed = {"id": "a" * 32, "side": "BUY", "status": "FILLED", "filled": "0.5", "price": "60123.45"}
    result = {"commands": [{"outcome": "ordered", "orders": [placed]}]}
    await an_alert(app, await a_known_broker(app, alice), price=None, result=result, **DONE)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    assert (await rows(screen, 1))[0]["price"].endswith("123,45")
