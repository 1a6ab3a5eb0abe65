"""The sums that limits are checked against: each quote for itself, and what they come to in one of them."""

from __future__ import annotations

import random
import uuid
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aristobot.kinds import LotStatus
from aristobot.store import holdings
from aristobot.store.holdings import InQuote
from aristobot.store.trading_tables import PositionRow
from tests.builders import MIDNIGHT, a_broker, a_position, a_user

D = Decimal
BROKER = a_broker(a_user())
RATES = {"BTC": D(60000), "EUR": D("1.08"), "USDC": D(1)}
AMOUNTS = st.decimals("0.00000001", "90000", places=8)


def held(symbol: str, quantity: Decimal, price: Decimal, realised: Decimal, status: LotStatus) -> PositionRow:
    base, _, quote = symbol.partition("/")
    closed_at = MIDNIGHT if status is LotStatus.CLOSED else None
    what = {"symbol": symbol, "base": base, "quote": quote, "quantity": quantity, "current_price": price}
    return a_position(BROKER, id=uuid.uuid4(), **what, realised=realised, status=status, closed_at=closed_at)


ROWS = st.lists(
    st.builds(
        held,
        st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC", "SOL/EUR", "SOL/USDC"]),
        AMOUNTS,
        AMOUNTS,
        st.decimals("-5000", "5000", places=8),
        st.sampled_from(LotStatus),
    ),
    max_size=12,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_in_which_positions_are_read_changes_no_sum(rows: list[PositionRow], chance: random.Random) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    told, again = (holdings.summed(some, "ETH/USDT") for some in (rows, shuffled))
    assert told == again
    assert told.converted(RATES) == again.converted(RATES)


@given(ROWS)
def test_positions_of_one_quote_come_to_the_same_whatever_other_prices_are(rows: list[PositionRow]) -> None:
    alone = [row for row in rows if row.quote == "USDT"]
    told = holdings.summed(alone, "BTC/USDT")
    assert told.elsewhere == {}
    assert told.converted(RATES) == told


@given(ROWS)
def test_every_position_is_counted_once_and_at_the_rate_of_its_own_quote(rows: list[PositionRow]) -> None:
    whole = holdings.summed(rows, "BTC/USDT").converted(RATES)
    opened = [row for row in rows if row.status is LotStatus.OPEN]
    rates = {**RATES, "USDT": D(1)}
    worth = sum((row.quantity * row.current_price * rates[row.quote] for row in opened), D(0))
    realised = sum((row.realised * rates[row.quote] for row in rows), D(0))
    assert abs(whole.total_notional - worth) < D("0.000000000001")
    assert abs(whole.realised_today - realised) < D("0.000000000001")
    assert (whole.open_positions, whole.elsewhere) == (len(opened), {})
    assert whole.symbol_notional == sum((row.quantity * row.current_price for row in opened if row.symbol == "BTC/USDT"), D(0))


def test_what_has_no_rate_stays_apart_and_is_not_counted_as_nothing() -> None:
    rows = [
        held("BTC/USDT", D(1), D(60000), D(5), LotStatus.OPEN),
        held("ETH/BTC", D(2), D("0.05"), D("-0.01"), LotStatus.OPEN),
    ]
    told = holdings.summed(rows, "BTC/USDT").converted({"EUR": D("1.08")})
    assert (told.total_notional, told.realised_today) == (D(60000), D(5))
    assert told.elsewhere == {"BTC": InQuote(D("0.10"), D("-0.01"), holds=True)}


def test_an_order_in_a_quote_in_which_nothing_is_held_counts_all_that_is_held_elsewhere() -> None:
    rows = [held("BTC/USDT", D(1), D(60000), D(-5), LotStatus.OPEN)]
    told = holdings.summed(rows, "SOL/EUR")
    assert (told.total_notional, told.realised_today, told.open_positions) == (D(0), D(0), 1)
    assert told.converted({"USDT": D("0.5")}).total_notional == D(30000)


def test_dust_is_told_apart_from_what_is_really_held() -> None:
    crumbs = held("ETH/BTC", D("0.0001"), D("0.05"), D(0), LotStatus.OPEN)
    crumbs.is_dust = True
    assert holdings.summed([crumbs], "BTC/USDT").elsewhere == {"BTC": InQuote(D("0.000005"), D(0), holds=False)}
