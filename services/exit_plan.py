"""Which protective orders a position needs: the wanted stop and targets, cut into slices that the instrument takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

import msgspec

from aristobot.errors import InvalidInput
from aristobot.market import Instrument
from aristobot.money import HUNDRED, ONE, ZERO, amount, percent_of, plain, round_up, times
from aristobot.signals import PriceSpec, Target
from aristobot.store.brackets import COVERED, Guarded
from aristobot.store.trading_tables import Bracket, Order

#: Seconds for which a protective order in doubt is waited for here: its keeper knows what to do meanwhile.
PATIENCE_FOR_EXITS = 2.0
#: Seconds for which a price that was seen tells whether a stop set by hand would act at once.
RECENT = 60.0


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


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What shall rest at the exchange, and the targets that we watch ourselves, the nearest first."""

    resting: tuple[Slice, ...]
    watched: tuple[Slice, ...] = ()

    def reached(self, price: Decimal) -> tuple[Slice, ...]:
        """The watched targets that this price has reached."""
        return tuple(cut for cut in self.watched if cut.target <= price)


def plan_of(bracket: Bracket) -> ExitPlan:
    """What a bracket's row asks for."""
    return ExitPlan(bracket.stop_price, _targets(bracket.targets or []))


def _targets(stored: Iterable[Sequence[str]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((amount(share), amount(price)) for share, price in stored)


def rollback_of(bracket: Bracket) -> ExitPlan:
    """Where a failed move returns to; empty when there was nothing before."""
    kept = bracket.rollback or {}
    return ExitPlan(amount(kept.get("stop", "0")), _targets(kept.get("targets", [])))


def from_specs(
    stop: PriceSpec | None, targets: Iterable[Target], entry: Decimal, instrument: Instrument, keep: ExitPlan | None = None
) -> ExitPlan:
    """The plan that an alert asks for, relative prices counted from `entry`; what it leaves out is kept from `keep`."""
    kept = keep or ExitPlan()
    wanted = tuple(sorted(((one.share, round_up(one.price.at(entry), instrument.tick)) for one in targets), key=lambda t: t[1]))
    return ExitPlan(instrument.price(stop.at(entry)) if stop else kept.stop, wanted or kept.targets)


def kept_plan(guarded: Guarded) -> ExitPlan:
    """What guards a position now, without the targets already reached; empty when nothing was ever asked for."""
    if guarded.bracket is None:
        return ExitPlan()
    return ExitPlan(guarded.bracket.stop_price, _targets(guarded.targets_left))


def bearing(instrument: Instrument, resting: Sequence[Order]) -> Instrument:
    """The instrument with minimums no higher than the orders that rest: what was taken goes on resting when a minimum rises.

    Else a stop would be taken back for being too small, and no other could stand in its place.
    """
    least = min((order.quantity for order in resting), default=instrument.min_quantity)
    values = (times(order.quantity, order.stop_price or order.price) for order in resting)
    cheapest = min(values, default=instrument.min_notional)
    if least >= instrument.min_quantity and cheapest >= instrument.min_notional:
        return instrument
    lower = {"min_quantity": min(least, instrument.min_quantity), "min_notional": min(cheapest, instrument.min_notional)}
    return msgspec.structs.replace(instrument, **lower)


def refuse_reached(stop: Decimal, market: Decimal | None, field: str) -> None:
    """Raise InvalidInput for a stop set by hand that the market, where it is known, has reached: it would sell at once."""
    if market is not None and stop >= market:
        raise InvalidInput("trigger_not_below", field=field)


def slices(
    plan: ExitPlan,
    quantity: Decimal,
    instrument: Instrument,
    done_legs: frozenset[str],
    parts_left: Mapping[str, Decimal] = MappingProxyType({}),
) -> list[Slice]:
    """Cut `quantity` among the targets that are not done; what no target takes rests under the stop alone.

    A slice too small for the exchange joins the next one; the last takes what rounding left. Of a target that has sold in part
    only what is left (`parts_left`, fractions by leg) is still wanted: else each part sold would enlarge it.
    """
    legs = [(f"t{i}", share, target) for i, (share, target) in enumerate(plan.targets)]
    open_targets = [(leg, times(share, parts_left.get(leg, ONE)), target) for leg, share, target in legs if leg not in done_legs]
    shares = sum((share for _, share, _ in open_targets), ZERO)
    finished = sum((share for _, share, _ in legs), ZERO) - shares
    whole = max(HUNDRED - finished, shares)
    cut: list[Slice] = []
    left, carried = quantity, ZERO
    for position, (leg, share, target) in enumerate(open_targets):
        last = position == len(open_targets) - 1 and shares == whole
        part = left if last else min(left, instrument.quantity(percent_of(quantity, share * HUNDRED / whole) + carried))
        if not _is_sellable(part, plan.stop or target, instrument):
            carried = part  # what was carried before is in it
            continue
        cut.append(Slice(leg, part, plan.stop, target))
        left, carried = left - part, ZERO
    if plan.stop and _is_sellable(left, plan.stop, instrument):
        cut.append(Slice("s", left, plan.stop, ZERO))
    elif cut and left:
        cut[-1] = Slice(cut[-1].leg, cut[-1].quantity + left, cut[-1].stop, cut[-1].target)
    return cut


def _is_sellable(quantity: Decimal, price: Decimal, instrument: Instrument) -> bool:
    enough = quantity >= max(instrument.min_quantity, instrument.lot)
    return enough and times(quantity, price) >= instrument.min_notional


def arranged(cuts: Sequence[Slice], instrument: Instrument, *, linked: bool, taking: frozenset[str] = frozenset()) -> Arrangement:
    """The slices as an exchange can carry them.

    Where it links a stop to its target (`linked`), or only one of the two is asked for, everything rests. Elsewhere one stop
    rests over all and the targets are watched; while some of them are sold (`taking`), the stop covers the others. What would be
    left under a stop too small for the exchange is sold along with the last target that is taken.
    """
    watched = [cut for cut in cuts if cut.stop and cut.target]
    if linked or not watched:
        return Arrangement(tuple(cuts))
    stop = watched[0].stop
    left = sum((cut.quantity for cut in cuts if cut.leg not in taking), ZERO)
    if _is_sellable(left, stop, instrument):
        return Arrangement((Slice("s", left, stop, ZERO),), tuple(watched))
    return Arrangement((), tuple(_with_the_rest(watched, left, taking)))


def _with_the_rest(watched: Iterable[Slice], left: Decimal, taking: frozenset[str]) -> Iterable[Slice]:
    last = max((cut.leg for cut in watched if cut.leg in taking), default="")
    return (replace(cut, quantity=cut.quantity + left) if cut.leg == last else cut for cut in watched)


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


def amendable(missing: Sequence[Slice], stale: Sequence[Order]) -> Order | None:
    """The one stop of which all that is missing could be made in place: it rests alone, bound to no other order."""
    if len(stale) != 1 or len(missing) != 1 or not missing[0].stop or missing[0].target:
        return None
    order = stale[0]
    return order if order.role == "stop" and not order.list_client_id and order.status.is_working else None


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
