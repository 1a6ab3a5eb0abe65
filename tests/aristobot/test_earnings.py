"""What was earned: worked out by hand, and never more or less than what the positions have realised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aristobot.earnings import Day, Holding, earned, per_symbol
from aristobot.kinds import CostMethod
from aristobot.money import ZERO, kept
from aristobot.orders import Fill, Side
from aristobot.performance import gains, position_of
from aristobot.portfolio import Transfer
from tests.aristobot.test_portfolio import fills
from tests.builders import MIDNIGHT, a_fill

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
HOUR = timedelta(hours=1)


def a_holding(moved: Sequence[Fill | Transfer], closed_at: datetime | None = None, **differences: Any) -> Holding:
    """A position in bitcoin, opened with the first movement."""
    method = differences.pop("method", CostMethod.AVERAGE)
    what = {"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"} | differences
    held = position_of(moved, what["base"], what["quote"], method)
    opened_at = moved[0].at if moved else MIDNIGHT
    given_ = {"held": held, "price": D(130), "opened_at": opened_at, "closed_at": closed_at, "is_dust": False}
    return Holding(**{**given_, **what}, movements=moved, method=method)


def fill(side: Side, price: str, hours: float, **differences: Any) -> Fill:
    """One coin, some hours after midnight, free of fees."""
    given_ = {"quantity": D(1), "fee": ZERO, "at": MIDNIGHT + HOUR * hours}
    return a_fill(side=side, price=D(price), **{**given_, **differences})


#: Won 20 and lost 10 yesterday and today; one more coin is held.
WON = a_holding([fill(BUY, "100", 1), fill(SELL, "121", 5, fee=D(1))], MIDNIGHT + HOUR * 5)
LOST = a_holding([fill(BUY, "100", 20), fill(SELL, "90", 26)], MIDNIGHT + HOUR * 26, symbol="ETH/USDT", base="ETH")
OPEN = a_holding([fill(BUY, "100", 30, quantity=D(2)), fill(SELL, "110", 31)])


def test_gains_hits_and_turnover_are_those_worked_out_by_hand() -> None:
    [sums] = earned([WON, LOST, OPEN])
    assert (sums.quote, sums.realised, sums.unrealised, sums.fees) == ("USDT", D(20), D(30), D(1))
    assert (sums.bought, sums.sold, sums.fills, sums.open_positions) == (D(400), D(321), 6, 1)
    assert (sums.closed, sums.won, sums.lost, sums.hit_rate) == (2, 1, 1, D(50))
    assert (sums.mean_won, sums.mean_lost, sums.profit_factor) == (D(20), D(10), D(2))
    assert (sums.best, sums.worst, sums.mean_held_seconds) == (D(20), D(-10), 5 * 3600)
    day = MIDNIGHT.date()
    assert sums.days == [Day(day, D(20), 1), Day(day + timedelta(days=1), ZERO, 1)]


def test_only_what_was_sold_in_the_period_counts_and_a_position_counts_when_it_ends() -> None:
    [sums] = earned([WON, LOST, OPEN], MIDNIGHT + HOUR * 24)
    assert (sums.realised, sums.fees, sums.closed, sums.won, sums.lost) == (ZERO, ZERO, 1, 0, 1)
    assert (sums.bought, sums.sold) == (D(200), D(200))
    assert (sums.hit_rate, sums.mean_won, sums.best, sums.worst) == (ZERO, None, D(-10), D(-10))
    half = a_holding([fill(BUY, "100", 1, quantity=D(2)), fill(SELL, "150", 2), fill(SELL, "130", 30)], MIDNIGHT + HOUR * 30)
    [later] = earned([half], MIDNIGHT + HOUR * 24)
    assert (later.realised, later.won_amount) == (D(30), D(80))


def test_each_pair_stands_by_itself_and_quotes_are_never_added_up() -> None:
    euros = a_holding([fill(BUY, "90", 1), fill(SELL, "95", 2)], MIDNIGHT + HOUR * 2, symbol="BTC/EUR", quote="EUR")
    assert [(one.quote, one.realised) for one in earned([WON, euros, LOST])] == [("EUR", D(5)), ("USDT", D(10))]
    pairs = [(one.symbol, one.quote, one.realised) for one in per_symbol([WON, euros, LOST])]
    assert pairs == [("BTC/EUR", "EUR", D(5)), ("BTC/USDT", "USDT", D(20)), ("ETH/USDT", "USDT", D(-10))]


def test_fees_in_base_in_a_third_asset_and_of_unknown_worth_are_told_apart() -> None:
    moved = [
        fill(BUY, "100", 1, quantity=D(2), fee=D("0.01"), fee_asset="BTC"),
        fill(BUY, "100", 2, fee=D("0.001"), fee_asset="BNB", fee_value=D("0.6")),
        fill(SELL, "100", 3, fee=D("0.002"), fee_asset="BNB"),
    ]
    [sums] = earned([a_holding(moved)])
    assert (sums.fees, sums.other_fees) == (D("1.6"), {"BNB": D("0.002")})


def test_dust_is_no_open_position_and_what_is_written_off_is_lost() -> None:
    swept = Transfer("dust:1", MIDNIGHT + HOUR * 3, D("0.1"), ZERO, arrives=False)
    moved: list[Fill | Transfer] = [fill(BUY, "100", 1), fill(SELL, "100", 2, quantity=D("0.9")), swept]
    [sums] = earned([a_holding(moved), a_holding([fill(BUY, "1", 1)], is_dust=True, price=D(1))])
    assert (sums.realised, sums.open_positions, sums.days[0].realised) == (D(-10), 1, D(-10))


def test_nothing_was_earned_where_nothing_is() -> None:
    assert earned([]) == per_symbol([]) == []
    [sums] = earned([a_holding([])])
    assert (sums.hit_rate, sums.mean_won, sums.mean_lost, sums.profit_factor, sums.mean_held_seconds) == (None,) * 5


@given(fills(), st.sampled_from(CostMethod), st.integers(0, 8))
def test_the_gains_of_two_stretches_are_what_was_realised_in_all(some: list[Fill], method: CostMethod, cut: int) -> None:
    told = position_of(some, "BTC", "USDT", method).realised
    assert abs(sum((gained for _, gained in gains(some, "BTC", "USDT", method)), ZERO) - told) < D("1E-20")
    if not some:
        return
    moment = MIDNIGHT + timedelta(seconds=cut)
    before = [one for one in some if one.at < moment]
    [whole], [late] = earned([a_holding(some, method=method)]), earned([a_holding(some, method=method)], moment)
    early = sum((one.realised for one in earned([a_holding(before, method=method)])), ZERO) if before else ZERO
    assert abs(whole.realised - early - late.realised) <= D("2E-18")
    assert whole.realised == sum((one.realised for one in whole.days), ZERO) == kept(told)
