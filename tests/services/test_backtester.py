"""Backtests of users: played in real children behind their walls, on real candles, kept with their reports."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.report import unpacked
from aristobot.candle_files import CandleFiles
from aristobot.candle_rows import Rows
from aristobot.candle_series import CandleSeries
from aristobot.errors import AccessDenied, Conflict, InvalidInput, NotFound, StrategyError
from aristobot.kinds import BacktestStatus, Role, TokenScope
from aristobot.language import explain, use_language
from aristobot.market import Timeframe
from aristobot.research_events import BacktestFinished, BacktestProgressed
from aristobot.store import backtests
from aristobot.store.backtest_tables import Backtest
from aristobot.templates import template
from services.backtest_candles import Coverage
from services.backtest_legs import LegWish
from services.backtest_sentences import assumptions
from services.backtest_wish import Wish
from services.backtester import Backtester
from tests.backtesting import real_history
from tests.street import HAND, Person, Street, alice, bob, street

__all__ = ["alice", "bob", "street"]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOOPS = "class S(Strategy):\n    def should_long(self):\n        while True: pass\n"
FALLS = (
    "class S(Strategy):\n    def should_long(self):\n        return 1 / 0\n\n    def hyperparameters(self):\n        return 5\n"
)


def a_cross(symbol: str, fast: int, slow: int) -> dict[str, Any]:
    """The EMA cross on a pair, as every wish names it."""
    named = {"strategy": "EMA cross", "text": template("ema_cross").text, "template": "ema_cross"}
    return {**named, "symbol": symbol, "timeframe": "4h", "parameters": {"fast": fast, "slow": slow}}


def a_wish(**differences: Any) -> Wish:
    """The EMA cross over the candles that are there."""
    given = a_cross("BTC/USDT", 5, 20) | {
        "exchange": "binance",
        "since": datetime(2023, 12, 1, tzinfo=UTC),
        "until": datetime(2024, 6, 1, tzinfo=UTC),
        "costs": {"maker": "0.001", "taker": "0.001"},
    }
    return Wish(**(given | differences))


def a_leg(**differences: Any) -> LegWish:
    """The same cross on another pair."""
    return LegWish(**(a_cross("SOL/USDT", 8, 30) | differences))


def furnish(house: Street, pair: str = "BTCUSDT") -> int:
    """Put 500 real candles of four hours into the store; how many."""
    history = real_history(pair)
    series = CandleSeries("binance", history.symbol, Timeframe.H4)
    return CandleFiles(house.app.settings.data_dir).merge(series, history.candles, house.app.clock.now())


def minutes_of(rows: Rows) -> Rows:
    """Candles of four hours as minutes that stand still at the close, after one that went everywhere."""
    found = np.repeat(rows, 240, axis=0)
    found[:, 0] += np.tile(np.arange(240) * 60_000.0, len(rows))
    later = np.arange(len(found)) % 240 > 0
    for column in (1, 3, 4):
        found[later, column] = found[later, 2]
    return found


async def covered(house: Street, wish: Wish) -> Coverage:
    """How much of a wish is there."""
    span = (wish.since, wish.until)
    return await house.app.backtester.candles.coverage(wish.exchange, wish.symbol, Timeframe(wish.timeframe), span)


@asynccontextmanager
async def at_work(house: Street) -> AsyncIterator[Backtester]:
    """The backtester with its workers."""
    working = asyncio.create_task(house.app.backtester.queue.run())
    try:
        yield house.app.backtester
    finally:
        working.cancel()
        await asyncio.wait({working})


async def over(house: Street, row: Backtest) -> Backtest:
    """The run once it is over."""
    async with asyncio.timeout(60):
        while not (found := await house.app.backtester.get(row.user_id, row.id)).status.is_over:
            await house.app.clock.sleep(0.02)
    return found


async def test_a_run_is_played_in_a_child_told_and_kept(street: Street, alice: Person, bob: Person) -> None:
    count = furnish(street)
    heard: list[Any] = []
    street.app.bus.listen(BacktestProgressed, BacktestFinished, do=heard.append, user_id=alice.id)
    async with at_work(street) as backtester:
        row = await over(street, await backtester.start(alice.id, a_wish()))
    assert (row.status, row.error) == (BacktestStatus.DONE, "")
    report = await backtester.report(alice.id, row.id)
    assert report.candles == count == 500
    assert report.figures.keys() >= {"net_profit", "sharpe", "max_drawdown_share", "p_value"}
    assert row.summary is not None
    assert row.summary["net_profit"] == report.figures["net_profit"]
    assert report.figures["net_profit"] == pytest.approx(sum(one.profit for one in report.closed))
    assert report.points[-1].equity - report.cash == pytest.approx(report.profit)
    assert max(one.depth for one in report.points) == pytest.approx(report.figures["max_drawdown_share"])
    assert report.lookahead.clean
    assert (row.data_hash, report.variants) == (report.data_hash, 1)
    stages = [one.stage for one in heard if isinstance(one, BacktestProgressed)]
    assert (stages[0], stages[-1]) == ("queued", "checking")
    assert isinstance(heard[-1], BacktestFinished)
    for act in (backtester.get, backtester.report, backtester.cancel, backtester.delete):
        with pytest.raises(NotFound):
            await act(bob.id, row.id)
    await backtester.delete(alice.id, row.id)
    assert await backtester.recent(alice.id) == []
    with pytest.raises(NotFound):
        await backtester.report(alice.id, row.id)


async def test_the_same_run_gives_the_same_report_and_counts_once_among_the_variants(street: Street, alice: Person) -> None:
    furnish(street)
    packed = []
    async with at_work(street) as backtester:
        for parameters in ({"fast": 5, "slow": 20}, {"fast": 5, "slow": 20}, {"fast": 8, "slow": 20}):
            row = await over(street, await backtester.start(alice.id, a_wish(parameters=parameters)))
            packed.append(await street.app.db.read(alice.id, partial(backtests.report, backtest_id=row.id)))
    assert packed[0] == packed[1]
    assert [unpacked(one).variants for one in packed] == [1, 1, 2]
    assert unpacked(packed[2]).parameters["fast"] == 8


async def test_a_run_that_never_ends_is_cancelled_and_those_behind_it_are_played(street: Street, alice: Person) -> None:
    furnish(street)
    async with at_work(street) as backtester:
        endless = await backtester.start(alice.id, a_wish(text=LOOPS))
        behind = await backtester.start(alice.id, a_wish())
        async with asyncio.timeout(10):
            while backtester.queue.progress(endless.id).stage != "playing":
                await street.app.clock.sleep(0.02)
        with pytest.raises(Conflict):
            await backtester.report(alice.id, endless.id)
        await backtester.cancel(alice.id, endless.id)
        assert (await backtester.get(alice.id, endless.id)).status is BacktestStatus.CANCELLED
        assert (await over(street, behind)).status is BacktestStatus.DONE
        assert (await backtester.get(alice.id, endless.id)).status is BacktestStatus.CANCELLED


async def test_what_a_strategy_does_wrong_is_kept_as_the_reason(street: Street, alice: Person) -> None:
    furnish(street)
    async with at_work(street) as backtester:
        fallen = await over(street, await backtester.start(alice.id, a_wish(text=FALLS)))
        empty = await over(street, await backtester.start(alice.id, a_wish(symbol="ETH/USDT")))
        strange = await over(street, await backtester.start(alice.id, a_wish(parameters={"slow": 1})))
    assert (fallen.status, fallen.error) == (BacktestStatus.FAILED, "strategy_raised")
    assert (empty.status, empty.error) == (BacktestStatus.FAILED, "too_few_candles")
    assert (strange.status, strange.error) == (BacktestStatus.FAILED, "bad_strategy_parameter")


async def test_orders_follow_the_minutes_inside_larger_candles_and_their_costs_are_those_asked_for(
    street: Street, alice: Person
) -> None:
    furnish(street)
    day = (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 2, tzinfo=UTC))
    hours = real_history("BTCUSDT").candles
    inside = minutes_of(hours[(hours[:, 0] >= day[0].timestamp() * 1000) & (hours[:, 0] < day[1].timestamp() * 1000)])
    series = CandleSeries("binance", "BTC/USDT", Timeframe.M1)
    CandleFiles(street.app.settings.data_dir).merge(series, inside, street.app.clock.now())
    costs = {"maker": "0.001", "taker": "0.001", "slippage_range": "0.1", "fee_asset": "base"}
    async with at_work(street) as backtester:
        row = await over(street, await backtester.start(alice.id, a_wish(costs=costs, detail=True)))
    assert (row.status, row.error) == (BacktestStatus.DONE, ""), row.error_facts
    report = await backtester.report(alice.id, row.id)
    assert len(report.closed) > 5  # days without minutes are played by their own candles
    for rule in ("along the smaller candles", "from the coins bought", "at a worse price"):
        assert any(rule in sentence for sentence in report.rules)
    for wrong in ({"fee_asset": "gold"}, {"slippage_range": "2"}):
        with pytest.raises(InvalidInput, match="cost_out_of_range"):
            await backtester.start(alice.id, a_wish(costs=wrong))


async def test_what_was_under_way_when_the_house_ended_is_interrupted(street: Street, alice: Person) -> None:
    furnish(street)
    row = await street.app.backtester.start(alice.id, a_wish())
    again = Backtester(street.app.db, street.app.bus, street.app.clock, street.app.backtester.candles)
    working = asyncio.create_task(again.queue.run())
    assert (await over(street, row)).status is BacktestStatus.INTERRUPTED
    working.cancel()
    await asyncio.wait({working})


async def test_missing_candles_are_counted_and_fetched_first(street: Street, alice: Person) -> None:
    now = street.app.clock.now()
    wish = a_wish(since=datetime(now.year - 1, now.month, 1, tzinfo=UTC), until=now, timeframe="1d", fetch=True)
    before = await covered(street, wish)
    assert (before.there, before.missing) == (0, before.wanted)
    stages = []
    street.app.bus.listen(BacktestProgressed, do=lambda one: stages.append(one.stage))
    async with at_work(street) as backtester:
        row = await over(street, await backtester.start(alice.id, wish))
        after = await covered(street, wish)
    assert after.there > 100
    assert row.status is BacktestStatus.DONE, row.error_facts
    assert "candles" in stages


async def test_a_strategy_lists_its_parameters_and_impossible_wishes_are_refused(street: Street, alice: Person) -> None:
    backtester = street.app.backtester
    told = await backtester.sources.described(alice.id, template("ema_cross").text)
    assert [one.name for one in told.parameters][:2] == ["fast", "slow"]
    with pytest.raises(StrategyError):
        await backtester.sources.described(alice.id, "x = (")
    for wrong in (
        {"since": datetime(2025, 1, 1, tzinfo=UTC)},
        {"cash": Decimal(0)},
        {"costs": {"maker": "0.5"}},
        {"costs": {"luck": "1"}},
        {"text": "#" * 300_000},
    ):
        with pytest.raises(InvalidInput):
            await backtester.start(alice.id, a_wish(**wrong))


async def test_the_newest_runs_are_kept_and_those_pinned_or_looked_at_and_every_variant_counts(
    street: Street, alice: Person
) -> None:
    app = street.app
    backtester = Backtester(app.db, app.bus, app.clock, app.backtester.candles, keep=2)
    gone: list[uuid.UUID] = []
    app.bus.listen(BacktestFinished, do=lambda one: gone.append(one.backtest_id) if one.status == "deleted" else None)
    rows = []
    for fast in range(5, 11):
        row = await backtester.start(alice.id, a_wish(parameters={"fast": fast}))
        await backtester.queue.finish(row, BacktestStatus.DONE, packed=b"report")
        if fast == 5:
            await backtester.pin(alice.id, row.id, True)
        if fast == 6:
            backtester.shelf.look_at("a page", [row.id])
        rows.append(row)
    assert [one.id for one in await backtester.recent(alice.id)] == [rows[at].id for at in (5, 4, 3, 1, 0)]
    assert gone == [rows[2].id]
    with pytest.raises(NotFound):
        await backtester.get(alice.id, gone[0])
    backtester.shelf.look_at("a page", [])
    last = await backtester.start(alice.id, a_wish(parameters={"fast": 11}))
    assert last.variants == 7  # also those of which only the fingerprint is left
    assert [one.id for one in await backtester.recent(alice.id)] == [last.id, *(rows[at].id for at in (5, 4, 0))]


async def test_who_only_looks_starts_nothing(street: Street, alice: Person) -> None:
    vera = await street.person("Vera", TokenScope.READ)
    await street.app.accounts.household.change(vera.id, HAND, role=Role.VIEWER)
    with pytest.raises(AccessDenied):
        await street.app.backtester.start(vera.id, a_wish())
    with pytest.raises(AccessDenied):
        await street.app.backtester.cancel(vera.id, uuid.uuid4())
    assert await street.app.backtester.recent(vera.id) == []


# ---------------------------------------------------------------------- several over one balance


async def test_several_strategies_are_played_over_one_balance_each_with_its_own_text(street: Street, alice: Person) -> None:
    furnish(street)
    furnish(street, "SOLUSDT")
    beside = (
        a_leg(allotted=Decimal(2_500)),
        a_leg(strategy="RSI", text=template("rsi_reversal").text, template="rsi_reversal", symbol="BTC/USDT", parameters={}),
    )
    async with at_work(street) as backtester:
        alone = await over(street, await backtester.start(alice.id, a_wish()))
        row = await over(street, await backtester.start(alice.id, a_wish(allotted=Decimal(5_000), further=beside)))
        report = await backtester.report(alice.id, row.id)
        single = await backtester.report(alice.id, alone.id)
    assert (row.status, row.error) == (BacktestStatus.DONE, "")
    told = [(leg.strategy, leg.symbol, leg.allotted, leg.parameters.get("fast")) for leg in report.legs]
    assert told == [("EMA cross", "BTC/USDT", 5_000.0, 5), ("EMA cross", "SOL/USDT", 2_500.0, 8), ("RSI", "BTC/USDT", None, None)]
    assert sum(leg.profit for leg in report.legs) == pytest.approx(report.profit)
    assert all(leg.closed for leg in report.legs[:2])
    assert report.lookahead.clean
    assert (single.legs, single.variants, report.variants) == ([], 1, 2)
    assert report.code_hash != single.code_hash
    assert report.bitcoin is not None
    assert report.bitcoin.beside == "held"  # the candles of a leg serve
    assert (single.figures["hold_bitcoin_roi"], single.figures["above_bitcoin"]) == (
        single.figures["hold_roi"],
        single.figures["above_hold"],
    )


async def test_bitcoin_stands_beside_another_pair_when_the_store_has_it_and_its_absence_is_told(
    street: Street, alice: Person
) -> None:
    furnish(street, "SOLUSDT")
    async with at_work(street) as backtester:
        without = await over(street, await backtester.start(alice.id, a_wish(symbol="SOL/USDT")))
        furnish(street)
        beside = await over(street, await backtester.start(alice.id, a_wish(symbol="SOL/USDT")))
        first, second = [await backtester.report(alice.id, one.id) for one in (without, beside)]
    assert first.bitcoin is not None
    assert (first.bitcoin.beside, first.bitcoin.missing, first.bitcoin.wanted) == (
        "missing",
        500 - first.warmup,
        500 - first.warmup,
    )
    assert first.figures["hold_bitcoin_roi"] is None
    assert second.figures["hold_bitcoin_roi"] not in (None, second.figures["hold_roi"])
    assert second.figures["hold_roi"] == first.figures["hold_roi"]
    with use_language("en"):
        assert any("is not compared" in one for one in assumptions(first))
        assert not any("bitcoin" in one for one in assumptions(second))


@pytest.mark.parametrize(
    ("leg", "among"),
    [
        (a_leg(strategy="Broken", text="class S(Strategy:\n"), "2. Broken"),
        (a_leg(parameters={"nonsense": 1}), "2. SOL/USDT"),
        (a_leg(symbol="ETH/USDT"), "ETH/USDT · 4h"),
    ],
)
async def test_which_leg_made_a_run_fail_is_told(street: Street, alice: Person, leg: LegWish, among: str) -> None:
    furnish(street)
    furnish(street, "SOLUSDT")
    async with at_work(street) as backtester:
        row = await over(street, await backtester.start(alice.id, a_wish(further=(leg,))))
    assert row.status is BacktestStatus.FAILED
    assert row.error_facts is not None
    assert explain(row.error, row.error_facts, "fr").startswith(f"{among}\u00a0: "), row.error_facts


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"further": (a_leg(symbol="ETH/BTC"),)}, "legs_of_different_quotes", "legs.1.symbol"),
        ({"further": (a_leg(),) * 8}, "too_many_legs", "legs"),
        ({"further": (a_leg(), a_leg(allotted=Decimal(10_001)))}, "leg_allotted_out_of_range", "legs.2.allotted"),
        ({"further": (a_leg(),), "allotted": Decimal(0)}, "leg_allotted_out_of_range", "legs.0.allotted"),
        ({"further": (a_leg(text="#" * 300_000),)}, "strategy_too_long", "strategy"),
    ],
)
async def test_legs_that_cannot_share_a_balance_are_refused(
    street: Street, alice: Person, change: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await street.app.backtester.start(alice.id, a_wish(**change))
    assert (refused.value.code, refused.value.field) == (code, field)
