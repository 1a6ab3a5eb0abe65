"""The exits that a strategy wants, as the keeper takes them: one stop over all of a position, targets as shares of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, plain, round_up
from aristobot.strategy_orders import Decision, Level, exact, exits_of
from services.exit_plan import ExitPlan
from services.strategy_books import Books, share_of

#: Per cent: what misses the whole by less makes the whole.
_NOTHING_LEFT = Decimal("0.0001")


def entry_plan(decision: Decision, held: Decimal, instrument: Instrument) -> ExitPlan:
    """The exits that go with an entry: quantities count as shares of what is held and bought."""
    bought = sum((exact(one.quantity) for one in decision.entries), held)
    stops, targets = exits_of(decision)
    return _plan(stops or (), targets or (), bought, instrument)


def moved_plan(decision: Decision, held: Decimal, instrument: Instrument, kept: ExitPlan) -> ExitPlan | None:
    """The exits that are wanted of what is held, what is not said being kept; None when they stand already."""
    stops, targets = exits_of(decision)
    wanted = _plan(stops or (), targets or (), held, instrument)
    plan = ExitPlan(kept.stop if stops is None else wanted.stop, kept.targets if targets is None else wanted.targets)
    return None if plan == kept else plan


def planned(decision: Decision, books: Books, kept: dict[str, Any] | None, instrument: Instrument) -> dict[str, Any] | None:
    """What an activation plans to ask for once its entry is filled, after this decision."""
    if decision.entries:
        return stored(entry_plan(decision, books.held(instrument), instrument))
    waiting = sum((one.quantity for one in books.entries), ZERO)
    if books.position is not None or not waiting:
        return kept
    moved = moved_plan(decision, waiting, instrument, stored_plan(kept))
    return kept if moved is None else stored(moved)


def _plan(stops: Sequence[Level], targets: Sequence[Level], whole: Decimal, instrument: Instrument) -> ExitPlan:
    """Of several stops the highest guards everything: the exchange keeps one per position. The nearest targets sell first."""
    stop = max((instrument.price(exact(one.price)) for one in stops), default=ZERO)
    aims = sorted(((_share(one, whole), round_up(exact(one.price), instrument.tick)) for one in targets), key=lambda one: one[1])
    cut, left = list[tuple[Decimal, Decimal]](), HUNDRED
    for share, price in aims:
        if part := min(share, left):
            cut.append((part, price))
            left = left - part if left - part > _NOTHING_LEFT else ZERO
    return ExitPlan(stop, tuple(cut))


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
