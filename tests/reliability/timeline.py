"""One account's history at the exchange, moment by moment: what was held, what rested, what was guarded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from aristobot.money import ZERO, amount

#: What lasts no longer than this (milliseconds) lies within one and the same act of the exchange.
_ONE_ACT = 3
#: Worth less than this, in quote, nothing can rest: the exchange's smallest order, and rounding to its steps.
_TOO_SMALL = Decimal("5.5")


@dataclass
class _Symbol:
    """One symbol at one moment; what sells by list (an OCO) counts once."""

    held: Decimal = ZERO
    price: Decimal = ZERO
    resting: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    stops: dict[str, Decimal] = field(default_factory=dict)
    ever_guarded: bool = False

    @property
    def selling(self) -> Decimal:
        return sum((max(legs.values()) for legs in self.resting.values() if legs), ZERO)

    @property
    def is_naked(self) -> bool:
        sellable = self.held - _TOO_SMALL / self.price if self.price else ZERO
        return self.ever_guarded and sellable > ZERO and sum(self.stops.values(), ZERO) < sellable * Decimal("0.99")


class Timeline:
    """Replays the ledger of one key."""

    def __init__(self, key: str, ledger: dict[str, Any]) -> None:
        self._orders = [order for order in ledger["orders"] if order["key"] == key]
        self._fills = [fill for fill in ledger["fills"] if fill["key"] == key]

    def oversold(self) -> list[str]:
        """Moments at which more was sold than bought, or more rested than was held."""
        found: list[str] = []
        since: dict[str, float] = {}
        for at, symbol, state in self._moments():
            if state.held < ZERO:
                found.append(f"{symbol} at {at:.0f}: {-state.held} sold that were never bought")
            if state.selling <= state.held:
                began = since.pop(symbol, at)
                if at - began > _ONE_ACT:
                    found.append(f"{symbol} at {began:.0f}: more rests than is held, for {at - began:.0f} ms")
            else:
                since.setdefault(symbol, at)
        return found

    def naked_seconds(self, symbols: set[str]) -> list[float]:
        """How long each spell lasted in which a position that had a stop had none, or too small a one."""
        return [seconds for _, seconds in self.naked_spells(symbols)]

    def naked_spells(self, symbols: set[str]) -> list[tuple[float, float]]:
        """When each such spell began, in milliseconds since 1970, and how many seconds it lasted."""
        spells: list[tuple[float, float]] = []
        since: dict[str, float] = {}
        for at, symbol, state in self._moments():
            if state.is_naked and symbol in symbols:
                since.setdefault(symbol, at)
            elif symbol in since:
                began = since.pop(symbol)
                spells += [(began, (at - began) / 1000)] if at - began > _ONE_ACT else []
        return spells

    def _moments(self) -> Iterator[tuple[float, str, _Symbol]]:
        """Each moment at which something happened, after all of it happened."""
        acts = sorted(self._acts(), key=lambda act: act[:2])
        states: defaultdict[str, _Symbol] = defaultdict(_Symbol)
        by_id = {order["order_id"] + order["symbol"]: order for order in self._orders}
        for number, (at, _, kind, thing) in enumerate(acts):
            state = states[thing["symbol"]]
            _apply(state, kind, thing, by_id)
            last = number + 1 == len(acts) or acts[number + 1][0] != at or acts[number + 1][3]["symbol"] != thing["symbol"]
            if last:
                yield at, thing["symbol"], state

    def _acts(self) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
        for order in self._orders:
            if order["side"] == "sell":
                yield _ms(order["accepted_at"]), order["symbol"] + "2", "rests", order
                yield from ((_ms(terms["until"]), order["symbol"] + "2", "changed", terms) for terms in _changes(order))
                if order["done_at"]:
                    yield _ms(order["done_at"]), order["symbol"] + "3", "ended", order
        for fill in self._fills:  # what is bought may rest in the same millisecond, what rests may be sold in it
            yield _ms(fill["at"]), fill["symbol"] + ("1" if fill["side"] == "buy" else "2 sold"), "filled", fill


def _apply(state: _Symbol, kind: str, thing: dict[str, Any], orders: dict[str, dict[str, Any]]) -> None:
    name = thing["order_id"]
    if kind == "filled":
        state.price = amount(thing["price"])
        base_fee = amount(thing["fee"]) if thing["fee_asset"] == thing["symbol"].partition("/")[0] else ZERO
        quantity = amount(thing["quantity"])
        state.held += (quantity if thing["side"] == "buy" else -quantity) - base_fee
        group = state.resting[_group(orders[name + thing["symbol"]])]
        if name in group:
            group[name] -= quantity
        if name in state.stops:
            state.stops[name] -= quantity
    elif kind == "rests":
        first = _quantities(thing)[0]
        state.resting[_group(thing)][name] = first
        if thing["type"].startswith("stop_loss"):
            state.stops[name] = first
            state.ever_guarded = True
    elif kind == "changed":
        for sizes in (state.resting[_group(thing)], state.stops):
            if name in sizes:
                sizes[name] += thing["more"]
    else:
        state.resting[_group(thing)].pop(name, None)
        state.stops.pop(name, None)
        state.ever_guarded = state.ever_guarded and state.held * state.price > _TOO_SMALL


def _quantities(order: dict[str, Any]) -> list[Decimal]:
    """What the order was for, before and after each time it was amended."""
    return [amount(terms["quantity"]) for terms in (*order["former"], order)]


def _changes(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The moments at which the order was amended, and what was added to its quantity."""
    sizes = _quantities(order)
    for terms, before, after in zip(order["former"], sizes, sizes[1:], strict=False):
        yield order | {"until": terms["until"], "more": after - before}


def _group(order: dict[str, Any]) -> str:
    return str(order["list_id"] or order["order_id"])


def _ms(moment: str) -> float:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
