"""Every open position says who guards it, and says it anew when that changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from nicegui.testing import User

from aristobot.events import OrderUpdated, PositionUpdated
from aristobot.kinds import BracketStatus, OrderOrigin, OrderRole, Protection
from aristobot.language import use_language
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.trading_tables import Bracket
from components.live_grid import LiveGrid
from components.position_table import protection_words
from services.app import App
from tests.builders import MIDNIGHT, a_position, a_webhook_state, an_order
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

D = Decimal
EXIT: dict[str, Any] = {"side": Side.SELL, "status": OrderStatus.OPEN, "origin": OrderOrigin.KEEPER, "quantity": D("0.01")}


async def test_the_badge_follows_the_stop_from_the_bot_to_the_exchange(screen: User, app: App) -> None:
    alice = await a_resident(app)
    broker = await a_known_broker(app, alice)
    held = a_position(broker, quantity=D("0.01"))
    bracket = Bracket(
        user_id=alice.id,
        broker_id=broker.id,
        position_id=held.id,
        status=BracketStatus.ACTIVE,
        stop_price=D(58800),
        targets=[["100", "61800"]],
        asked_at=MIDNIGHT,
        updated_at=MIDNIGHT,
    )
    stop = an_order(broker, **EXIT, type=OrderType.STOP_LOSS, role=OrderRole.STOP, position_id=held.id)
    state = a_webhook_state(broker, position_id=held.id, entry_price=D(60000), quantity=D("0.01"), current_price=D(60000))

    def keep(*rows: Any) -> Any:
        def work(session: Any) -> None:
            for row in rows:
                session.add(row)
                session.flush()

        return app.db.write(alice.id, work)

    def badge() -> tuple[str, str]:
        assert screen.client is not None
        _, grid = (one for one in screen.client.elements.values() if isinstance(one, LiveGrid))
        return (grid.rows[0]["guard"], grid.rows[0]["guard_tone"]) if grid.rows else ("", "")

    await keep(held, bracket, state)
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await until(lambda: badge() == ("Bot seul", "warn"))
    await keep(stop)
    event = PositionUpdated(at=app.clock.now(), user_id=alice.id, position_id=held.id, broker_id=broker.id, symbol="BTC/USDT")
    app.bus.publish(event)
    await until(lambda: badge() == ("Moitié", "primary"))
    target = an_order(broker, **EXIT, type=OrderType.LIMIT, role=OrderRole.TARGET, position_id=held.id)
    await keep(target)
    app.bus.publish(
        OrderUpdated(
            at=app.clock.now(), user_id=alice.id, order_id=target.id, broker_id=broker.id, symbol="BTC/USDT", status="OPEN"
        )
    )
    await until(lambda: badge() == ("Exchange", "good"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_badge_has_a_word_a_tone_and_an_explanation_of_its_own(language: str) -> None:
    with use_language(language):
        said = [protection_words(one) for one in (None, *Protection)]
    assert all(len({words[part] for words in said}) == 4 for part in range(3))
    assert {tone for _, tone, _ in said} == {"quiet", "good", "primary", "warn"}
