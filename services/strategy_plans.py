"""The exits that a strategy wants, as the keeper takes them: one stop over all of a position, targets as shares of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, divided, plain, round_up
from aristobot.orders import OrderType
from aristobot.strategy_orders import Decision, Intent, Level, exact
from services.exit_plan import ExitPlan
from services.strategy_books import Books, share_of


def entry_plan(decision: Decision, instrument: Instrument) -> ExitPlan:
    """The exits that go with an entry: quantities count as shares of what is bought."""
    bought = sum((exact(one.quantity) for one in decision.entries), ZERO)
    return _plan(decision.stops or (), decision.targets or (), bought, instrument)


def moved_plan(decision: Decision, held: Decimal, instrument: Instrument, kept: ExitPlan) -> ExitPlan | None:
    """The exits that are wanted of what is held, what is not said being kept; None when they stand already.

    A limit sell of the strategy's own counts as a target, a stop sell as the stop.
    """
    sells = [one for one in decision.exits or () if one.type is not OrderType.MARKET]
    own_stops = [_level(one) for one in sells if one.type is OrderType.STOP_LOSS]
    own_targets = [_level(one) for one in sells if one.type is OrderType.LIMIT]
    wanted = _plan([*(decision.stops or ()), *own_stops], [*(decision.targets or ()), *own_targets], held, instrument)
    says_stop, says_target = decision.stops is not None or bool(own_stops), decision.targets is not None or bool(own_targets)
    plan = ExitPlan(wanted.stop if says_stop else kept.stop, wanted.targets if says_target else kept.targets)
    return None if plan == kept else plan


def planned(decision: Decision, books: Books, kept: dict[str, Any] | None, instrument: Instrument) -> dict[str, Any] | None:
    """What an activation plans to ask for once its entry is filled, after this decision."""
    if decision.entries:
        return stored(entry_plan(decision, instrument))
    waiting = sum((one.quantity for one in books.entries), ZERO)
    if books.position is not None or not waiting:
        return kept
    moved = moved_plan(decision, waiting, instrument, stored_plan(kept))
    return kept if moved is None else stored(moved)


def _level(intent: Intent) -> Level:
    return Level(intent.price, intent.quantity)


def _plan(stops: Sequence[Level], targets: Sequence[Level], whole: Decimal, instrument: Instrument) -> ExitPlan:
    """Of several stops the highest guards everything: the exchange keeps one per position."""
    stop = max((instrument.price(exact(one.price)) for one in stops), default=ZERO)
    aims = sorted(((_share(one, whole), round_up(exact(one.price), instrument.tick)) for one in targets), key=lambda one: one[1])
    total = sum((share for share, _ in aims), ZERO)
    if total > HUNDRED:
        aims = [(divided(share * HUNDRED, total, 8), price) for share, price in aims]
    return ExitPlan(stop, tuple((share, price) for share, price in aims if share > ZERO))


def _share(level: Level, whole: Decimal) -> Decimal:
    return share_of(exact(level.share), Decimal(1)) if level.share else share_of(exact(level.quantity), whole)


def stored(plan: ExitPlan) -> dict[str, Any] | None:
    """A plan as an activation keeps it; None for an empty one."""
    return None if plan.empty else {"stop": plain(plan.stop), "targets": plan.stored_targets()}


def stored_plan(kept: Mapping[str, Any] | None) -> ExitPlan:
    """The plan that an activation keeps."""
    if not kept:
        return ExitPlan()
    return ExitPlan(Decimal(kept["stop"]), tuple((Decimal(share), Decimal(price)) for share, price in kept["targets"]))


def told_exits(plan: ExitPlan, symbol: str) -> dict[str, Any]:
    """A plan as facts of a line."""
    targets = ", ".join(plain(price) for _, price in plan.targets)
    return {"symbol": symbol, "stop": plain(plan.stop) if plan.stop else "–", "target": targets or "–"}
