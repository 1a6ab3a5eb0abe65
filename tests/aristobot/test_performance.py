"""What was gained, worked out by hand, by two methods; and a whole day of it against the exchange's own books."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.kinds import CostMethod
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderRequest, OrderType, Side
from aristobot.performance import fifo, position_of
from aristobot.portfolio import Position, fold
from services.simulator.records import Account, Liquidity, Order
from services.simulator.world import World
from tests.builders import MIDNIGHT, a_fill, an_instrument

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
Row = tuple[Any, ...]

#: Side, quantity, price, fee, fee asset, worth of the fee in quote → after all: quantity, cost and realised by both methods.
CASES: dict[str, tuple[list[Row], tuple[str, str, str], tuple[str, str, str]]] = {
    "no fees, sold at once": (
        [(BUY, "2", "100", "0", "USDT", None), (SELL, "2", "110", "0", "USDT", None)],
        ("0", "0", "20"),
        ("0", "0", "20"),
    ),
    "two prices, one of two sold": (
        [(BUY, "1", "100", "0", "USDT", None), (BUY, "1", "200", "0", "USDT", None), (SELL, "1", "180", "0", "USDT", None)],
        ("1", "150", "30"),
        ("1", "200", "80"),
    ),
    "a fee in quote is paid on both sides": (
        [(BUY, "1", "100", "1", "USDT", None), (SELL, "1", "120", "2", "USDT", None)],
        ("0", "0", "17"),
        ("0", "0", "17"),
    ),
    "a fee in base makes what is left dearer": (
        [(BUY, "1", "100", "0.2", "BTC", None), (SELL, "0.4", "200", "0", "USDT", None)],
        ("0.4", "50", "30"),
        ("0.4", "50", "30"),
    ),
    "a fee in base on a sale leaves the position too": (
        [(BUY, "2", "100", "0", "USDT", None), (SELL, "1", "150", "0.5", "BTC", None)],
        ("0.5", "50", "0"),
        ("0.5", "50", "0"),
    ),
    "a fee in a third asset counts by its worth at the fill": (
        [(BUY, "1", "100", "0.01", "BNB", "6"), (SELL, "1", "120", "0.01", "BNB", "7")],
        ("0", "0", "7"),
        ("0", "0", "7"),
    ),
    "a fee in a third asset without a price is kept apart": (
        [(BUY, "1", "100", "0.01", "BNB", None), (SELL, "1", "120", "0.01", "BNB", "7")],
        ("0", "0", "13"),
        ("0", "0", "13"),
    ),
    "partial fills of one order, then partial sales": (
        [
            (BUY, "0.3", "100", "0.03", "USDT", None),
            (BUY, "0.7", "110", "0.07", "USDT", None),
            (SELL, "0.5", "120", "0.06", "USDT", None),
            (SELL, "0.25", "130", "0.04", "USDT", None),
        ],
        ("0.25", "26.775", "12.075"),
        ("0.25", "27.525", "12.825"),
    ),
    "coins from outside are sold with ours and bring no gain": (
        [(BUY, "1", "100", "0", "USDT", None), (SELL, "4", "150", "4", "USDT", None)],
        ("0", "0", "49"),
        ("0", "0", "49"),
    ),
    "coins from outside alone": ([(SELL, "2", "100", "1", "USDT", None)], ("0", "0", "0"), ("0", "0", "0")),
    "the oldest lots go first, across three of them": (
        [
            (BUY, "1", "10", "0", "USDT", None),
            (BUY, "1", "20", "0", "USDT", None),
            (BUY, "2", "30", "0", "USDT", None),
            (SELL, "2.5", "40", "0", "USDT", None),
        ],
        ("1.5", "33.75", "43.75"),
        ("1.5", "45", "55"),
    ),
    "sold out and bought anew": (
        [
            (BUY, "1", "100", "0", "USDT", None),
            (SELL, "1", "90", "0", "USDT", None),
            (BUY, "1", "80", "0", "USDT", None),
        ],
        ("1", "80", "-10"),
        ("1", "80", "-10"),
    ),
}


def made(rows: list[Row]) -> list[Fill]:
    """The fills of a case, a minute apart."""
    return [
        a_fill(
            trade_id=str(100 + number),
            side=side,
            quantity=D(quantity),
            price=D(price),
            fee=D(fee),
            fee_asset=asset,
            fee_value=D(worth) if worth is not None else None,
            at=MIDNIGHT + timedelta(minutes=number),
        )
        for number, (side, quantity, price, fee, asset, worth) in enumerate(rows)
    ]


@pytest.mark.parametrize("name", CASES)
def test_gains_are_those_worked_out_by_hand(name: str) -> None:
    rows, average, first_in = CASES[name]
    fills = made(rows)
    for method, expected in ((CostMethod.AVERAGE, average), (CostMethod.FIFO, first_in)):
        found = position_of(fills, "BTC", "USDT", method)
        assert (found.quantity, found.cost, found.realised) == tuple(D(text) for text in expected), method


def test_a_fee_that_nobody_can_value_is_named() -> None:
    rows = CASES["a fee in a third asset without a price is kept apart"][0]
    for method in CostMethod:
        assert position_of(made(rows), "BTC", "USDT", method).other_fees == (("BNB", D("0.01")),)


def test_coins_sold_beyond_ours_are_counted_apart() -> None:
    rows = CASES["coins from outside are sold with ours and bring no gain"][0]
    for method in CostMethod:
        assert position_of(made(rows), "BTC", "USDT", method).oversold == D(3)


amounts = st.decimals("0.001", "10", places=3)
prices = st.decimals("0.01", "1000", places=2)
shares = st.decimals("0", "0.01", places=4)
fills = st.lists(
    st.tuples(st.sampled_from(Side), amounts, prices, shares, st.sampled_from(("BTC", "USDT", "BNB")), st.booleans()),
    max_size=14,
).map(lambda rows: made([(s, q, p, (q if a == "BTC" else q * p) * f, a, p if known else None) for s, q, p, f, a, known in rows]))


@given(fills, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_what_was_gained(some: list[Fill], chance: random.Random) -> None:
    shuffled = some + (chance.choices(some, k=len(some)) if some else [])
    chance.shuffle(shuffled)
    for method in CostMethod:
        assert position_of(shuffled, "BTC", "USDT", method) == position_of(some, "BTC", "USDT", method)


@given(fills)
def test_both_methods_agree_on_everything_but_when_the_gain_is_taken(some: list[Fill]) -> None:
    average, first_in = fold(some, "BTC", "USDT"), fifo(some, "BTC", "USDT")
    assert replace(average, cost=ZERO, realised=ZERO) == replace(first_in, cost=ZERO, realised=ZERO)
    assert abs((average.realised - average.cost) - (first_in.realised - first_in.cost)) < D("1E-12")
    if not average.quantity:
        assert average.cost == first_in.cost == ZERO


class TradingDay:
    """An account at the simulated exchange that trades at random from midnight to midnight."""

    def __init__(self, seed: int, *, fees_in_bnb: bool) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.world = World(self.clock, seed)
        for symbol, price in (("BTC/USDT", "60000"), ("BNB/USDT", "600")):
            self.world.venue.list_instrument(an_instrument(symbol), D(price))
        self.begun = {"USDT": D(1_000_000), "BTC": ZERO, "BNB": D(1000) if fees_in_bnb else ZERO}
        self.account: Account = self.world.venue.open_account("binance", "key", "secret", self.begun)
        self.account.fees_in_bnb = fees_in_bnb
        self.world.venue.book.liquidity = self._in_parts

    def _in_parts(self, order: Order, arriving: bool) -> Liquidity:
        """One to five executions, a lot at least."""
        lots = int(order.remaining * 100_000)
        cuts = sorted(self.chance.sample(range(1, lots), min(self.chance.randint(0, 4), lots - 1)))
        edges = [0, *cuts, lots]
        return Liquidity(tuple(D(end - begin) / 100_000 for begin, end in itertools.pairwise(edges)))

    def until(self, fills: int) -> list[Fill]:
        """Trade until there are so many executions, and return them as an exchange's reports tell them."""
        for number in itertools.count():
            if len(self.account.fills) >= fills:
                break
            self.world.feed.move("BTC/USDT", str(self.chance.randint(5_500_000, 6_500_000) / D(100)))
            held = int(self.account.free("BTC") * 100_000)
            side = SELL if held and (held > 1_000_000 or self.chance.random() < 0.5) else BUY
            quantity = D(self.chance.randint(1, min(held, 40_000) if side is SELL else 40_000)) / 100_000
            request = OrderRequest(f"day-{number}", "BTC/USDT", side, OrderType.MARKET, quantity=quantity)
            self.world.venue.place(self.account, request)
        return [as_told(one) for one in self.account.fills]

    def change(self, asset: str) -> Decimal:
        """What the day made of an asset, by the exchange's books."""
        holding = self.account.holding(asset)
        return holding.free + holding.locked - self.begun[asset]


def as_told(one: Any) -> Fill:
    """An execution as a report tells it."""
    return a_fill(
        trade_id=str(one.trade_id),
        side=one.order.side,
        price=one.price,
        quantity=one.quantity,
        fee=one.fee,
        fee_asset=one.fee_asset,
        at=datetime.fromtimestamp(one.at / 1000, UTC),
    )


@pytest.mark.parametrize("fees_in_bnb", [False, True], ids=["fees in what is received", "fees in BNB"])
def test_a_day_of_ten_thousand_fills_equals_the_exchanges_ledger(fees_in_bnb: bool) -> None:
    day = TradingDay(20260101, fees_in_bnb=fees_in_bnb)
    fills = day.until(10_000)
    day.chance.shuffle(fills)
    for method in CostMethod:
        found: Position = position_of(fills, "BTC", "USDT", method)
        assert found.quantity == day.change("BTC")
        assert found.oversold == ZERO
        assert abs(found.realised - found.cost - day.change("USDT")) < D("1E-9")
        assert -sum((fee for _, fee in found.other_fees), ZERO) == day.change("BNB")
        last = D(61234)
        assert abs(found.realised + (found.unrealised(last) or ZERO) - (day.change("USDT") + day.change("BTC") * last)) < D(
            "1E-9"
        )
