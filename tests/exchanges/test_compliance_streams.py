"""Compliance, fourth part: what is pushed, what is lost on the way, and what must never be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial

import pytest
from loguru import logger

from aristobot.errors import ExchangeError
from aristobot.exchange import BalanceChanged, StreamReset
from aristobot.market import Candle, Instrument, InstrumentState, Ticker, Timeframe
from aristobot.orders import OrderReport, OrderState, OrderStatus, Side, merge
from tests.exchanges.compliance import QUOTE, SYMBOL, Bench, behaviour, limit, market, stop

D = Decimal
S = OrderStatus


def told_of(updates: Sequence[object], client_id: str) -> list[OrderReport]:
    """What was told of one order."""
    return [one for one in updates if isinstance(one, OrderReport) and one.client_order_id == client_id]


def _more_resets(updates: Sequence[object], than: int) -> bool:
    return updates.count(StreamReset()) > than


def believed(reports: list[OrderReport]) -> OrderState:
    """What is believed of an order after all that was told."""
    state = OrderState(S.PENDING)
    for report in reports:
        state = merge(state, report)
    return state


@behaviour(
    "X-43", "The account's stream begins with a reset, and tells orders, fills and money as they change.", needs="private_stream"
)
async def test_the_account_is_followed(bench: Bench) -> None:
    async with bench.following() as updates:
        assert updates[0] == StreamReset()
        request = limit("90")
        await bench.later(bench.client.place_order(bench.keys, request))
        await bench.until(lambda: believed(told_of(updates, request.client_order_id)).status is S.OPEN)
        bench.price("89")
        await bench.until(lambda: believed(told_of(updates, request.client_order_id)).status is S.FILLED)
        (order,) = bench.placed(request.client_order_id)
        fills = {one.trade_id: one for report in told_of(updates, request.client_order_id) for one in report.fills}
        assert sum(one.quantity for one in fills.values()) in (D("0.1"), 0)  # some streams tell executions apart
        assert believed(told_of(updates, request.client_order_id)).quote_filled == order.quote_filled
        spent = bench.account().free(QUOTE)
        await bench.until(lambda: spent in [b.free for one in updates if isinstance(one, BalanceChanged) for b in one.balances])


@behaviour(
    "X-44", "When its connection is cut the stream comes back by itself, and says so with a reset.", needs="private_stream"
)
async def test_the_accounts_stream_comes_back(bench: Bench) -> None:
    async with bench.following() as updates:
        for _ in range(2):
            missed = updates.count(StreamReset())
            for socket in list(bench.server.world.sockets):
                socket.cut()
            await bench.until(partial(_more_resets, updates, missed), moving=0.5)
        request = limit("90")
        await bench.later(bench.client.place_order(bench.keys, request))
        await bench.until(lambda: believed(told_of(updates, request.client_order_id)).status is S.OPEN)


@behaviour("X-45", "A connection that falls silent is noticed, given up, and replaced.", needs="private_stream")
async def test_a_silent_connection_is_given_up(bench: Bench) -> None:
    async with bench.following() as updates:
        for socket in list(bench.server.world.sockets):
            socket.silent = True
        request = limit("90")
        try:
            await bench.later(bench.client.place_order(bench.keys, request))
        except ExchangeError:
            assert bench.sendings == 1
        await bench.until(lambda: updates.count(StreamReset()) >= 2, moving=5.0)
        assert len(bench.placed(request.client_order_id)) == bench.sendings == 1


@pytest.mark.parametrize("fault", ["double_message", "drop_message"])
@behaviour("X-46", "Pushes that come twice count once; what is never pushed is found by asking.", needs="private_stream")
async def test_doubled_and_dropped_pushes_do_no_harm(bench: Bench, fault: str) -> None:
    async with bench.following() as updates:
        bench.faults({"on": "user.message", "do": fault, "times": 0})
        request = limit("90")
        await bench.later(bench.client.place_order(bench.keys, request))
        bench.price("89")
        if fault == "double_message":
            await bench.until(lambda: believed(told_of(updates, request.client_order_id)).status is S.FILLED)
            assert believed(told_of(updates, request.client_order_id)).filled == D("0.1")
        found = await bench.find(request.client_order_id)
        assert (found.status, found.filled) == (S.FILLED, D("0.1"))
        assert len({one.trade_id for one in found.fills}) == len(found.fills) == 1


@behaviour("X-47", "A stop that is triggered is told under its own name, down to its last fill.", needs="private_stream")
async def test_a_triggered_stop_is_told_under_its_name(bench: Bench) -> None:
    async with bench.following() as updates:
        request = stop("90")
        await bench.later(bench.client.place_order(bench.keys, request))
        bench.price("89.5")
        await bench.until(lambda: believed(told_of(updates, request.client_order_id)).status is S.FILLED, moving=0.1)
        assert believed(told_of(updates, request.client_order_id)).filled == D("0.1")


@behaviour("X-48", "Orders and money of one account are never told to another.", needs="private_stream")
async def test_accounts_do_not_hear_each_other(bench: Bench) -> None:
    other = bench.open_account("second")
    heard: list[object] = []
    async with bench.listening(bench.client.stream_account(other), heard), bench.following() as mine:
        await bench.until(lambda: StreamReset() in heard)
        request, theirs = limit("90"), limit("91")
        await bench.later(bench.client.place_order(bench.keys, request))
        await bench.later(bench.client.place_order(other, theirs))
        await bench.until(lambda: bool(told_of(mine, request.client_order_id)) and bool(told_of(heard, theirs.client_order_id)))
        assert told_of(mine, theirs.client_order_id) == told_of(heard, request.client_order_id) == []


@behaviour("X-49", "Candles come as they form and close, each closed once, and go on after a cut.")
async def test_candles_come_as_they_form(bench: Bench) -> None:
    heard: list[Candle] = []
    async with bench.listening(bench.client.stream_candles(SYMBOL, [Timeframe.M1]), heard):
        await bench.until(lambda: bool(bench.server.world.sockets))
        prices = iter(D(100) + D(step) / 10 for step in range(1, 5000))

        def closed() -> list[Candle]:
            bench.price(str(next(prices)))
            return [one for one in heard if one.closed]

        await bench.until(lambda: len(closed()) >= 2, moving=3.0)
        assert any(not one.closed for one in heard)
        for socket in list(bench.server.world.sockets):
            socket.cut()
        before = len(closed())
        await bench.until(lambda: len(closed()) >= before + 2, moving=3.0)
    opened = [one.open_time for one in heard if one.closed]
    assert opened == sorted(set(opened))
    for one in heard:
        one.check()
        assert (one.symbol, one.timeframe) == (SYMBOL, Timeframe.M1)


@pytest.fixture
def journal() -> Iterator[list[str]]:
    """Every line that is logged, with all that is bound to it."""
    lines: list[str] = []
    number = logger.add(
        lambda message: lines.append(f"{message} {message.record['extra']}"), level=0, backtrace=True, diagnose=True
    )
    yield lines
    logger.remove(number)


@behaviour("X-50", "Neither key, secret, passphrase nor signature shows in a log, an error, or the client itself.", routes=True)
async def test_keys_are_never_seen(bench: Bench, journal: list[str]) -> None:
    seen: list[str] = [repr(bench.keys)]
    for fault in ("refuse", "refuse_5xx", "short_body", "disconnect", "429", "-1006"):
        bench.faults({"on": "order.place", "do": fault}, {"on": "account", "do": fault, "times": 3})
        for call in (bench.client.place_order(bench.keys, limit("90")), bench.client.balances(bench.keys)):
            try:
                seen.append(repr(await bench.later(call)))
            except ExchangeError as error:
                logger.opt(exception=error).warning("It went wrong: {}", error)
                seen += [repr(error), str(error.facts)]
        bench.server.world.faults.clear()
        await bench.clock.advance(70)
    seen += [repr(bench.client), repr(vars(bench.client)), *journal]
    assert len(journal) > 3
    for secret in (bench.keys.api_key, bench.keys.api_secret, bench.keys.passphrase):
        assert not [one for one in seen if secret in one]


@behaviour("X-51", "Two accounts share one client at the same time and never use each other's key.", routes=True)
async def test_two_accounts_share_a_client(bench: Bench) -> None:
    other = bench.open_account("second", {QUOTE: "5000", "BTC": "2"})
    pairs = [(keys, limit("90")) for _ in range(6) for keys in (bench.keys, other)]
    await bench.later(asyncio.gather(*(bench.client.place_order(keys, request) for keys, request in pairs)))
    owners = {one.client_order_id: one.key for one in bench.asked("order.place")}
    assert owners == {request.client_order_id: keys.api_key for keys, request in pairs}
    first, second = await bench.later(asyncio.gather(*(bench.client.balances(keys) for keys in (bench.keys, other))))
    assert {one.asset: one.free + one.locked for one in first} != {one.asset: one.free + one.locked for one in second}


@behaviour("X-52", "What was asked is counted: requests, failures and their times.")
async def test_requests_are_counted(bench: Bench) -> None:
    before = bench.client.stats()
    await bench.later(bench.client.balances(bench.keys))
    bench.faults({"on": "account", "do": "refuse"})
    await bench.later(bench.client.balances(bench.keys))
    after = bench.client.stats()
    assert after.requests >= before.requests + 2
    assert after.failures == before.failures + 1
    assert 0 < after.mean_ms <= after.p99_ms or after.mean_ms == 0
    assert after.weight_limit > 0


@behaviour("X-53", "An account that is moved to another of the exchange's kinds is spoken to in its new way at once.")
async def test_an_account_may_change_its_kind(bench: Bench) -> None:
    await bench.later(bench.client.place_order(bench.keys, limit("90")))
    for mode in (*bench.dialect.modes, bench.case.mode):
        bench.account().mode = mode
        assert len(await bench.later(bench.client.open_orders(bench.keys, SYMBOL))) == 1
        request = market(Side.SELL)
        await bench.later(bench.client.place_order(bench.keys, request))
        assert (await bench.find(request.client_order_id)).status is S.FILLED


@behaviour(
    "X-56",
    "Last prices come as they change, of what is wanted at that moment and listed, over one connection.",
    needs="streams_prices",
)
async def test_prices_come_as_they_change(bench: Bench) -> None:
    wanted, heard = {SYMBOL, "NOPE/USDT"}, list[Ticker]()
    async with bench.listening(bench.client.stream_prices(lambda: wanted), heard):
        await bench.until(lambda: (SYMBOL, D(100)) in told_prices(heard), moving=0.25)
        bench.price("101")
        await bench.until(lambda: (SYMBOL, D(101)) in told_prices(heard))
        wanted.add("ETH/USDT")
        await bench.until(lambda: any(one.symbol == "ETH/USDT" for one in heard), moving=0.25)
        wanted.remove(SYMBOL)
        for step in range(2, 40):
            bench.price(str(100 + step))
            bench.price(str(3000 + step), "ETH/USDT")
            await bench.until(partial(_are_told, heard, [("ETH/USDT", D(3000 + step))]), moving=0.25)
            if (SYMBOL, D(100 + step)) not in told_prices(heard):
                break
        else:
            raise AssertionError("what is wanted no more is told for ever")
        assert len(bench.server.world.sockets) == 1
    assert all(one.bid <= one.last <= one.ask for one in heard)
    assert [one.at for one in heard] == sorted(one.at for one in heard)


@pytest.mark.parametrize("mishap", ["cut", "silent_socket", "disconnect", "double_message", "drop_message"])
@behaviour(
    "X-57", "Prices go on after a cut and a silence; one that comes twice, late or never undoes none.", needs="streams_prices"
)
async def test_prices_go_on_after_mishaps(bench: Bench, mishap: str) -> None:
    heard: list[Ticker] = []
    async with bench.listening(bench.client.stream_prices(lambda: [SYMBOL]), heard):
        await bench.until(lambda: bool(heard), moving=0.25)
        if mishap == "cut":
            for socket in list(bench.server.world.sockets):
                socket.cut()
        else:
            bench.faults({"on": "any.message", "do": mishap, "times": 20 if mishap.endswith("_message") else 1})
        prices = map(D, range(101, 10_000))
        moves = [next(prices)]
        bench.price(str(moves[-1]))

        def moved() -> bool:
            if (SYMBOL, moves[-1]) in told_prices(heard):
                return True
            moves.append(next(prices))
            bench.price(str(moves[-1]))
            return False

        await bench.until(moved, moving=2.0)
    assert [one.at for one in heard] == sorted(one.at for one in heard)
    lasts = [one.last for one in heard]
    assert lasts == sorted(lasts), "an older price came after a younger one"


@behaviour("X-58", "A market that closes or opens says so by itself, also after a cut.", needs="streams_instruments")
async def test_a_market_that_closes_says_so(bench: Bench) -> None:
    told: list[Sequence[Instrument]] = []

    def states() -> list[InstrumentState]:
        return [one.state for several in told for one in several if one.symbol == SYMBOL]

    (before,) = [one for one in await bench.client.instruments() if one.symbol == SYMBOL]
    async with bench.listening(bench.client.stream_instruments(), told):
        await bench.until(lambda: bool(bench.server.world.sockets), moving=0.1)
        bench.close_market()
        await bench.until(lambda: bool(states()) and states()[-1] is not InstrumentState.TRADING)
        bench.open_market()
        await bench.until(lambda: states()[-1] is InstrumentState.TRADING)
        for socket in list(bench.server.world.sockets):
            socket.cut()
        bench.close_market()
        await bench.until(lambda: states()[-1] is not InstrumentState.TRADING, moving=0.5)
    (reopened,) = [one for several in told for one in several if one.state is InstrumentState.TRADING]
    assert reopened == before


def told_prices(heard: Sequence[Ticker]) -> list[tuple[str, Decimal]]:
    """Which prices were told, by symbol."""
    return [(one.symbol, one.last) for one in heard]


def _are_told(heard: Sequence[Ticker], wanted: Sequence[tuple[str, Decimal]]) -> bool:
    return set(wanted) <= set(told_prices(heard))
