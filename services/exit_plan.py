"""Which protective orders a position needs: the wanted stop and targets, cut into slices that the instrument takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, amount, divided, percent_of, plain, round_up, times
from aristobot.signals import PriceSpec, Target
from aristobot.store.trading_tables import Bracket, Order

#: Resting protection below this share of what could be sold counts as naked (reliability, 3.4).
COVERED = Decimal("0.99")
#: Seconds for which a protective order in doubt is waited for here: its keeper knows what to do meanwhile.
PATIENCE_FOR_EXITS = 2.0


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """A stop price (zero: none) and targets as (share in per cent, price), best price last."""

    stop: Decimal = ZERO
    targets: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.stop and not self.targets

    @property
    def first_target(self) -> Decimal:
        """The price of the nearest target; zero without one."""
        return self.targets[0][1] if self.targets else ZERO

    def stored_targets(self) -> list[list[str]]:
        """Targets as a bracket's row keeps them."""
        return [[plain(share), plain(price)] for share, price in self.targets]


@dataclass(frozen=True, slots=True)
class Slice:
    """One protective order or pair: a quantity with a stop, a target, or both. `reached`: its target is to be sold at once."""

    leg: str
    quantity: Decimal
    stop: Decimal
    target: Decimal
    reached: bool = False

    def at(self, price: Decimal) -> Slice:
        """The slice at this market price: a target that was reached cannot rest, and needs no stop any more."""
        return replace(self, stop=ZERO, reached=True) if ZERO < self.target <= price else self


def plan_of(bracket: Bracket) -> ExitPlan:
    """What a bracket's row asks for."""
    stored = bracket.targets or []
    return ExitPlan(bracket.stop_price, tuple((amount(share), amount(price)) for share, price in stored))


def rollback_of(bracket: Bracket) -> ExitPlan:
    """Where a failed move returns to; empty when there was nothing before."""
    kept = bracket.rollback or {}
    targets = tuple((amount(share), amount(price)) for share, price in kept.get("targets", []))
    return ExitPlan(amount(kept.get("stop", "0")), targets)


def from_specs(
    stop: PriceSpec | None, targets: Iterable[Target], entry: Decimal, instrument: Instrument, keep: ExitPlan | None = None
) -> ExitPlan:
    """The plan that an alert asks for, relative prices counted from `entry`; what it leaves out is kept from `keep`."""
    kept = keep or ExitPlan()
    wanted = tuple(sorted(((one.share, round_up(one.price.at(entry), instrument.tick)) for one in targets), key=lambda t: t[1]))
    return ExitPlan(instrument.price(stop.at(entry)) if stop else kept.stop, wanted or kept.targets)


def remaining(plan: ExitPlan, done_legs: frozenset[str]) -> ExitPlan:
    """The plan without the targets that were reached, the shares of the others counted on what is left of the position."""
    left = [one for i, one in enumerate(plan.targets) if f"t{i}" not in done_legs]
    whole = HUNDRED - sum((share for share, _ in plan.targets), ZERO) + sum((share for share, _ in left), ZERO)
    return ExitPlan(plan.stop, tuple((divided(share * HUNDRED, whole, 8), price) for share, price in left))


def slices(plan: ExitPlan, quantity: Decimal, instrument: Instrument, done_legs: frozenset[str]) -> list[Slice]:
    """Cut `quantity` among the targets that are not done; what no target takes rests under the stop alone.

    A slice too small for the exchange joins the next one; the last takes what rounding left.
    """
    least = max(instrument.min_quantity, instrument.lot)
    open_targets = [(f"t{i}", share, target) for i, (share, target) in enumerate(plan.targets) if f"t{i}" not in done_legs]
    shares = sum((share for _, share, _ in open_targets), ZERO)
    finished = sum((share for i, (share, _) in enumerate(plan.targets) if f"t{i}" in done_legs), ZERO)
    whole = max(HUNDRED - finished, shares)
    cut: list[Slice] = []
    left, carried = quantity, ZERO
    for position, (leg, share, target) in enumerate(open_targets):
        last = position == len(open_targets) - 1 and shares == whole
        part = left if last else min(left, instrument.quantity(percent_of(quantity, share * HUNDRED / whole) + carried))
        if part < least or times(part, plan.stop or target) < instrument.min_notional:
            carried += part
            continue
        cut.append(Slice(leg, part, plan.stop, target))
        left, carried = left - part, ZERO
    if plan.stop and left >= least and times(left, plan.stop) >= instrument.min_notional:
        cut.append(Slice("s", left, plan.stop, ZERO))
    elif cut and left:
        cut[-1] = Slice(cut[-1].leg, cut[-1].quantity + left, cut[-1].stop, cut[-1].target)
    return cut


def sort_out(resting: Sequence[Order], wanted: Sequence[Slice], instrument: Instrument) -> tuple[list[Slice], list[Order]]:
    """Which of the wanted slices do not rest yet, and which resting orders belong to none: (missing, stale)."""
    groups: dict[str, list[Order]] = {}
    for order in resting:
        groups.setdefault(order.list_client_id or order.client_order_id, []).append(order)
    missing: list[Slice] = []
    kept: set[str] = set()
    for cut in wanted:
        found = next((key for key, rows in groups.items() if key not in kept and _rests(cut, rows, instrument)), None)
        if found is None:
            missing.append(cut)
        else:
            kept.add(found)
    return missing, [order for key, rows in groups.items() if key not in kept for order in rows]


def can_move_in_turn(missing: Sequence[Slice], stale: Sequence[Order]) -> bool:
    """Whether each stale exit can give way to its successor alone, so that never more rests than is held."""
    sizes = {cut.leg: cut.quantity for cut in missing}
    return all(order.quantity - order.filled <= sizes.get(order.leg, ZERO) for order in stale)


def _rests(cut: Slice, rows: Sequence[Order], instrument: Instrument) -> bool:
    """Whether these orders, one list, are the slice: its prices, and at least 99 % of its quantity but no more."""
    prices = {(order.role.value, order.stop_price if order.role == "stop" else order.price) for order in rows}
    wanted = {("stop", instrument.price(cut.stop))} if cut.stop else set()
    wanted |= {("target", round_up(cut.target, instrument.tick))} if cut.target else set()
    left = [order.quantity - order.filled for order in rows]
    return prices == wanted and all(COVERED * cut.quantity <= one <= cut.quantity for one in left)
