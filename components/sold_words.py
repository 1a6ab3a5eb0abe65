"""What is said when several positions were to be sold at once."""

from __future__ import annotations

from collections.abc import Sequence

from aristobot.language import _
from aristobot.orders import OrderStatus
from components.confirm import complain, say
from services.resting_orders import Outcome


def tell_sold(done: Sequence[Outcome]) -> None:
    """How many of these positions are sold; an order that was refused, or of which nothing clear is known, sold nothing."""
    sold = sum(one.order is not None and one.order.status is OrderStatus.FILLED for one in done)
    if sold == len(done):
        say(_("{count} positions sold", count=sold))
    else:
        complain(_("{sold} of {count} positions sold. The messages and the lists say why not all.", sold=sold, count=len(done)))
