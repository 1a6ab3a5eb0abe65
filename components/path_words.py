"""How the steps of an alert's path are written: their names, their orders, their delays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from aristobot.kinds import OrderRole
from aristobot.language import _
from aristobot.orders import Side
from aristobot.store.trading_tables import Order
from components import formats
from components.order_words import order_status_words, type_words
from services.alert_path import Stage, Step

ICONS = {
    Stage.RECEIVED: "webhook",
    Stage.STORED: "save",
    Stage.TAKEN_UP: "play_arrow",
    Stage.WRITTEN: "edit_note",
    Stage.SENT: "upload",
    Stage.ACCEPTED: "task_alt",
    Stage.FILLED: "done_all",
    Stage.ENDED: "block",
    Stage.POSITION_OPENED: "account_balance_wallet",
    Stage.POSITION_CLOSED: "exit_to_app",
    Stage.FINISHED: "flag",
}


def duration(span: timedelta) -> str:
    """How long something took: `12 ms`, `1 204 ms`; from ten seconds on `12,3 s`, from two minutes on in minutes."""
    milliseconds = span // timedelta(milliseconds=1)
    if milliseconds < 10_000:
        return f"{formats.number(milliseconds)}\u00a0ms"
    if milliseconds < 120_000:
        return f"{formats.number(Decimal(milliseconds).scaleb(-3), 1, 1)}\u00a0s"
    return f"{formats.number(milliseconds // 60_000)}\u00a0min"


def stage_words(step: Step) -> str:
    """What happened."""
    return {
        Stage.RECEIVED: _("Alert received"),
        Stage.STORED: _("Stored"),
        Stage.TAKEN_UP: _("Taken up"),
        Stage.WRITTEN: _("Order written"),
        Stage.SENT: _("Order sent"),
        Stage.ACCEPTED: _("Order accepted"),
        Stage.FILLED: _("Order filled"),
        Stage.ENDED: _("Order ended"),
        Stage.POSITION_OPENED: _("Position opened"),
        Stage.POSITION_CLOSED: _("Position closed"),
        Stage.FINISHED: _("Alert finished"),
    }[step.stage]


def step_details(step: Step) -> str:
    """To what it happened, a line for each."""
    if step.position is not None:
        return f"{step.position.symbol} · {formats.quantity(step.position.bought or step.position.quantity)}"
    words = [order_words(order) for order in sorted(step.orders, key=lambda one: list(OrderRole).index(one.role))]
    if step.stage is Stage.ENDED:
        words += dict.fromkeys(order_status_words(order.status)[0] for order in step.orders)
    if step.exchange_at is not None:
        words.append(_("exchange's clock {moment}", moment=formats.whole_moment(step.exchange_at).rpartition(", ")[2]))
    return "\n".join(words)


def order_words(order: Order) -> str:
    """What an order is for, in a line: entry or exit, side, quantity, kind."""
    role = {
        OrderRole.ENTRY: _("Entry"),
        OrderRole.EXIT: _("Exit"),
        OrderRole.STOP: _("Stop loss"),
        OrderRole.TARGET: _("Take profit"),
    }[order.role]
    side = _("Buy") if order.side is Side.BUY else _("Sell")
    return f"{role} · {side} {formats.quantity(order.quantity or order.filled)} {order.symbol} · {type_words(order.type)}"
