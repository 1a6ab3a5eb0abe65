"""What an order will be, to the digit: shown beside the form before it is validated, and beside the countdown after."""

from __future__ import annotations

from decimal import Decimal

from nicegui import ui

from aristobot.language import _, explain
from aristobot.money import times
from aristobot.orders import Side
from components import formats
from components.notice import notice
from components.words import Words
from services.order_ticket import Market, Plan, TicketKind, Way


def exact(value: Decimal) -> str:
    """Every digit of an amount: what is sent is not rounded for the eye."""
    return formats.number(value, 0, 18)


def kind_words(kind: TicketKind) -> str:
    """The kind of an order, as the form calls it."""
    return {
        TicketKind.MARKET: _("Market"),
        TicketKind.LIMIT: _("Limit"),
        TicketKind.STOP_LOSS: _("Stop-loss"),
        TicketKind.TAKE_PROFIT: _("Take-profit"),
        TicketKind.OCO: _("OCO: stop and target"),
    }[kind]


def headline(plan: Plan) -> str:
    """The order in one line: `Acheter 0,01 BTC · Marché`."""
    verb = _("Buy {what}") if plan.ticket.side is Side.BUY else _("Sell {what}")
    what = f"{exact(plan.request.quantity)} {plan.instrument.base}"
    return f"{verb.format(what=what)} · {kind_words(plan.ticket.kind)}"


def draw_plan(plan: Plan) -> None:
    """The figures of a plan, and why it would be refused, in the place where this is called."""
    quote = plan.instrument.quote
    with ui.element("dl").classes("facts short ticket-facts"):
        _fact(_("Sent quantity"), f"{exact(plan.request.quantity)} {plan.instrument.base}")
        for name, price in _prices(plan):
            _fact(name, f"{exact(price)} {quote}")
        _fact(_("Value"), formats.money(plan.notional, quote))
        # only a limit bounds what the fee is a share of
        fee = _("Fee, at most") if plan.ticket.kind is TicketKind.LIMIT else _("Fee, about")
        _fact(fee, f"{formats.number(plan.fee, 2, 6)}\u00a0{quote}")
    if not plan.own_fees:
        Words("p", _("The fee is counted by the exchange’s public rates: it does not tell this account’s own."), "small muted")
    if plan.way is Way.KEPT:
        notice(_("The stop and the target are kept for the whole position, by the exchange where it can."))
    if plan.refusal is not None:
        notice(explain(plan.refusal), "warn")


def _prices(plan: Plan) -> list[tuple[str, Decimal]]:
    market = plan.ticket.kind is TicketKind.MARKET or (plan.ticket.kind is TicketKind.OCO and plan.ticket.side is Side.BUY)
    shown: list[tuple[str, Decimal]] = []
    if market:
        shown.append((_("Market price"), plan.reference))
        if plan.request.price:
            shown.append((_("At worst") if plan.ticket.side is Side.BUY else _("At least"), plan.request.price))
    elif plan.ticket.kind is TicketKind.OCO:
        return [(_("Stop"), plan.stop_price), (_("Target"), plan.target_price)]
    else:
        if plan.request.stop_price:
            shown.append((_("Trigger"), plan.request.stop_price))
        if plan.request.price:
            shown.append((_("Limit price"), plan.request.price))
    if plan.ticket.kind is TicketKind.OCO:
        shown += [(_("Stop"), plan.stop_price), (_("Target"), plan.target_price)]
    return shown


def draw_rules(market: Market, side: Side) -> None:
    """What the exchange asks of an order, and what there is to spend: shown before anything is typed."""
    one = market.instrument
    asset, free = (one.quote, market.free_quote) if side is Side.BUY else (one.base, market.free_base)
    smallest = max(one.min_quantity, one.lot)
    least = max(one.min_notional, times(smallest, market.reference))
    with ui.element("dl").classes("facts short ticket-facts"):
        _fact(_("Available"), f"{exact(free)} {asset}")
        _fact(_("Minimum"), f"{formats.money(least, one.quote)} · {exact(smallest)} {one.base}")
        _fact(_("Rounded to"), f"{exact(one.lot)} {one.base} · {exact(one.tick)} {one.quote}")


def _fact(name: str, value: str) -> None:
    Words("dt", name)
    Words("dd", value, "number")
