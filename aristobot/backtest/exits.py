"""The exits of a position in a backtest, as at work: one stop over all of it, and targets as shares of what is held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from aristobot.backtest.account import Account
from aristobot.backtest.fills import Order
from aristobot.backtest.units import Units
from aristobot.orders import OrderType
from aristobot.strategy_orders import Decision, Intent, Level, as_shares, exits_of

#: Stops, and targets as shares.
Plan: TypeAlias = tuple[tuple[Level, ...], tuple[Level, ...]]
NO_PLAN: Plan = ((), ())
#: Shares that make so much of the whole make the whole.
_ALL = 0.999999


def guarding(levels: Iterable[Level], after: int, units: Units) -> list[Order]:
    """One stop over everything that is held: of several the highest, whatever their quantities."""
    price = max((one.price for one in levels), default=0.0)
    return [Order(False, False, units.on_tick(price), -1, "stop_loss", after)] if price else []


def armed(targets: Sequence[Level], after: int, account: Account) -> list[Order]:
    """Targets, given as shares, over what is held."""
    units = account.units
    goals = [Order(False, True, units.above(one.price), 0, "take_profit", after, share=one.share) for one in targets]
    measure(goals, account)
    return goals


def measure(goals: Iterable[Order], account: Account) -> None:
    """Give each target its share of what is held now; of those that make the whole the last one takes what rounding leaves."""
    units, held, sum_of_shares = account.units, account.lots / account.units.quantities, 0.0
    for one in goals:
        sum_of_shares += one.share
        one.lots = -1 if sum_of_shares >= _ALL else units.lots(one.share * held)


def after_sale(goals: Iterable[Order], sold: Order, account: Account) -> None:
    """A part was sold: by one of the targets, and the others are shares of what it left; or otherwise, and all of them shrink."""
    if not sold.share:
        measure(goals, account)
        return
    for one in goals:
        one.share /= 1 - sold.share


def planned(decision: Decision, kept: Plan, waiting: float) -> Plan:
    """The exits of what is to be bought, after this decision; without entries of its own it speaks of those that wait."""
    stops, targets = exits_of(decision)
    if decision.entries:
        if stops is None and targets is None:
            return NO_PLAN
        return stops or (), as_shares(targets or (), sum(one.quantity for one in decision.entries))
    return kept[0] if stops is None else stops, kept[1] if targets is None else as_shares(targets, waiting)


def over(decision: Decision, held: float) -> float:
    """What the quantities of a decision's exits are parts of: what is held once its orders at the market are carried out."""
    return held + _at_market(decision.entries) - _at_market(decision.exits or ())


def _at_market(intents: Iterable[Intent]) -> float:
    return sum(one.quantity for one in intents if one.type is OrderType.MARKET)


def nearest(orders: Iterable[Order]) -> tuple[float, float]:
    """The highest stop and the lowest target among exits: outside of them no candle matters."""
    listed = list(orders)
    stop = max((one.price for one in listed if not one.limit), default=-np.inf)
    return stop, min((one.price for one in listed if one.limit), default=np.inf)
