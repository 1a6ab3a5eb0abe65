"""What the order monitor shows: rounds, orders of others, and once after a start what happened meanwhile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from nicegui.testing import User

from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from aristobot.store import strangers
from aristobot.store.monitor_tables import RestartReport
from services.app import App
from tests.builders import MIDNIGHT
from tests.pages.visitors import a_known_broker, a_resident, come_in, until


async def test_orders_of_others_are_shown_with_their_note(screen: User, app: App) -> None:
    who = await a_resident(app)
    broker = await a_known_broker(app, who)
    report = OrderReport(
        "web_1", "77", "BTC/USDT", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, Decimal(1), Decimal(0), MIDNIGHT, Decimal(50000)
    )
    kept = await app.db.write(who.id, lambda s: strangers.keep(s, (who.id, broker.id), [report], app.clock.now()))
    assert kept.imported == 1
    await come_in(screen, app, who)
    await screen.open("/statistics")
    await screen.should_see("Ordres passés ailleurs")
    await screen.should_see("Moniteur d’ordres")


async def test_what_happened_meanwhile_is_told_until_it_is_put_away(screen: User, app: App) -> None:
    who = await a_resident(app)
    broker = await a_known_broker(app, who)
    about = {"broker_id": str(broker.id), "symbol": "BTC/USDT", "side": "sell", "role": "stop", "order_id": "x"}
    item = {"kind": "filled", **about, "quantity": "0.5"}
    row = RestartReport(user_id=who.id, at=app.clock.now(), away_since=MIDNIGHT - timedelta(hours=2), items=[item])
    await app.db.write(who.id, lambda s: s.add(row))
    await come_in(screen, app, who)
    await screen.open("/webhooks")
    await screen.should_see("Exécuté : stop-loss de 0,5 BTC/USDT (Main)".replace(" :", "\u00a0:"))
    screen.find(marker="restart-put-away").click()
    await screen.should_not_see("Pendant l’absence")
    told = await app.monitor.reports.newest(who.id)
    assert told is not None
    await until(lambda: True)
    assert told.row.seen_at is not None
