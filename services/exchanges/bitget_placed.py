"""What an answer to an order of ours means: it was taken under such an id, and of what became of it nothing is said."""

from __future__ import annotations

from typing import Protocol

from aristobot.errors import DataError, InvalidOrder
from aristobot.money import ZERO
from aristobot.orders import OrderReport, OrderRequest, OrderStatus
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_wire import moment


class AmendRefused(InvalidOrder):
    """A cancel-and-replace of which some half failed: look what became of the old order."""

    default_code = "amend_refused"


class _Ids(Protocol):
    @property
    def order_id(self) -> str | None: ...


class Answer(Protocol):
    """An answer with the id of an order in it, and when it was said."""

    @property
    def data(self) -> _Ids:
        """The ids."""

    @property
    def request_time(self) -> int:
        """Milliseconds since 1970."""


def placed(answer: Answer, request: OrderRequest) -> OrderReport:
    """The order as it now stands: taken. Raises DataError when the answer names none."""
    if not answer.data.order_id:
        raise DataError("unreadable_answer", exchange=NAME, detail="no order id")
    return OrderReport(
        client_order_id=request.client_order_id,
        exchange_order_id=answer.data.order_id,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        status=OrderStatus.OPEN,
        quantity=request.quantity,
        filled=ZERO,
        at=moment(answer.request_time),
        price=request.price,
        stop_price=request.stop_price,
    )
