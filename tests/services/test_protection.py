"""Who guards a position is told from what was asked for and what rests, and from nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aristobot.kinds import BracketStatus, OrderRole, Protection
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.brackets import protection_of
from aristobot.store.trading_tables import Bracket, Order
from tests.builders import MIDNIGHT, a_broker, a_user, an_order

D = Decimal
BROKER = a_broker(a_user())


def a_bracket(**differences: Any) -> Bracket:
    """A stop and one target."""
    wanted = {"user_id": BROKER.user_id, "broker_id": BROKER.id, "updated_at": MIDNIGHT, "status": BracketStatus.ACTIVE}
    return Bracket(**{**wanted, "stop_price": D(59000), "targets": [["100", "62000"]], **differences})


def an_exit(role: OrderRole, quantity: str = "1", status: OrderStatus = OrderStatus.OPEN) -> Order:
    """A sale that guards something."""
    kind = OrderType.STOP_LOSS if role is OrderRole.STOP else OrderType.LIMIT
    return an_order(BROKER, side=Side.SELL, type=kind, role=role, quantity=D(quantity), status=status)


STOP, TARGET = an_exit(OrderRole.STOP), an_exit(OrderRole.TARGET)


@pytest.mark.parametrize(
    ("bracket", "exits", "expected"),
    [
        (None, [], None),
        (a_bracket(stop_price=D(0), targets=[]), [], None),
        (a_bracket(status=BracketStatus.DONE), [], None),
        (a_bracket(), [STOP, TARGET], Protection.EXCHANGE),
        (a_bracket(), [STOP], Protection.HALF),
        (a_bracket(), [TARGET], Protection.HALF),
        (a_bracket(), [], Protection.BOT),
        (a_bracket(), [an_exit(OrderRole.STOP, status=OrderStatus.UNKNOWN)], Protection.BOT),
        (a_bracket(targets=[]), [STOP], Protection.EXCHANGE),
        (a_bracket(targets=[]), [an_exit(OrderRole.STOP, "0.985")], Protection.HALF),
        (a_bracket(targets=[]), [an_exit(OrderRole.STOP, "0.995")], Protection.EXCHANGE),
        (a_bracket(targets=None), [], Protection.BOT),
        (a_bracket(stop_price=D(0)), [TARGET], Protection.EXCHANGE),
    ],
)
def test_what_rests_is_the_exchanges_and_what_does_not_is_ours(
    bracket: Bracket | None, exits: list[Order], expected: Protection | None
) -> None:
    assert protection_of(bracket, exits, D(1)) is expected
