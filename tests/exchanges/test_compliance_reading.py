"""Compliance, first part: clock, markets, prices, candles, keys and balances."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest

from aristobot.errors import BadKey, MissingRight, UnknownSymbol
from aristobot.exchange import Credentials, Fees
from aristobot.market import InstrumentState, Timeframe
from aristobot.orders import Side
from tests.exchanges.compliance import BASE, QUOTE, SYMBOL, Bench, behaviour, limit, market

D = Decimal


@behaviour("X-01", "The exchange's clock is read, and how far it is from ours is known.")
async def test_the_exchanges_clock_is_known(bench: Bench) -> None:
    bench.server.world.clock.offset_ms = 7000
    reading = await bench.client.synchronise()
    assert abs(reading.offset_ms - 7000) <= reading.uncertainty_ms
    assert bench.client.clock_reading == reading
    ahead = await bench.client.server_time() - bench.clock.now()
    assert abs(ahead - timedelta(seconds=7)) <= timedelta(seconds=1)


@behaviour("X-02", "Every market comes with its steps, minimums and state, as exact amounts.")
async def test_markets_come_with_their_rules(bench: Bench) -> None:
    listed = {one.symbol: one for one in await bench.client.instruments()}
    theirs = bench.server.venue.instruments[bench.exchange]
    assert set(listed) == set(theirs)
    for symbol, one in listed.items():
        other = theirs[symbol]
        assert (one.exchange, one.base, one.quote, one.tick, one.lot) == (
            bench.exchange, other.base, other.quote, other.tick, other.lot,
        )  # fmt: skip
        assert (one.min_quantity, one.state) == (other.min_quantity, InstrumentState.TRADING)
        assert all(
            isinstance(amount, Decimal) for amount in (one.tick, one.lot, one.min_quantity, one.min_notional, one.taker_fee)
        )
        assert one.order_types


@behaviour("X-03", "A market that closes is listed as closed, and no order is taken there.")
async def test_a_closed_market_is_seen(bench: Bench) -> None:
    bench.close_market()
    (listed,) = [one for one in await bench.client.instruments() if one.symbol == SYMBOL]
    assert listed.state is not InstrumentState.TRADING
    with pytest.raises(Exception) as refused:
        await bench.client.place_order(bench.keys, limit())
    assert getattr(refused.value, "facts", {}).get("exchange") == bench.exchange
    assert bench.account().orders == {}


@behaviour("X-04", "Last prices of one market, or of many, come in one call.")
async def test_prices_come_in_one_call(bench: Bench) -> None:
    (one,) = await bench.client.tickers([SYMBOL])
    assert (one.symbol, one.last) == (SYMBOL, D(100))
    assert one.bid <= one.last <= one.ask
    before = len(bench.server.world.journal.entries)
    symbols = [SYMBOL, "ETH/USDT", "BTC/EUR"]
    assert {one.symbol for one in await bench.client.tickers(symbols)} == set(symbols)
    assert len(bench.server.world.journal.entries) == before + 1
    assert await bench.client.tickers([]) == []


@behaviour("X-05", "Candles come oldest first, without a hole, before the moment asked for; only the last one still forms.")
async def test_candles_come_in_order(bench: Bench) -> None:
    for timeframe in (Timeframe.M1, Timeframe.H4):
        rows = await bench.client.candles(SYMBOL, timeframe, limit=50)
        assert len(rows) == 50
        assert all(after.open_time - before.open_time == timeframe.duration for before, after in itertools.pairwise(rows))
        assert [row.closed for row in rows] == [*[True] * 49, False]
        for row in rows:
            row.check()
        older = await bench.client.candles(SYMBOL, timeframe, limit=20, before=rows[0].open_time)
        assert (len(older), older[-1].close_time, older[-1].closed) == (20, rows[0].open_time, True)


@behaviour("X-06", "More candles than one answer holds are fetched in several, or as many as the exchange keeps.")
async def test_many_candles_come_in_pages(bench: Bench) -> None:
    wanted = bench.capabilities.max_candles + 30
    rows = await bench.later(bench.client.candles(SYMBOL, Timeframe.M1, limit=wanted))
    assert len(rows) in (wanted, bench.capabilities.max_candles)
    assert all(after.open_time - before.open_time == timedelta(minutes=1) for before, after in itertools.pairwise(rows))


@behaviour("X-07", "A market that the exchange does not have is refused by name.")
async def test_an_unknown_market_is_named(bench: Bench) -> None:
    with pytest.raises(UnknownSymbol) as refused:
        await bench.client.candles("NOPE/USDT", Timeframe.M1, limit=5)
    assert "NOPE" in str(refused.value.facts["symbol"])


@pytest.mark.parametrize("permissions", [("read",), ("read", "trade"), ("read", "trade", "withdraw")])
@behaviour("X-08", "A key says what it may do: read, trade, withdraw.")
async def test_a_key_says_what_it_may_do(bench: Bench, permissions: tuple[str, ...]) -> None:
    bench.account().permissions = frozenset(permissions)
    rights = await bench.client.key_rights(bench.keys)
    assert (rights.can_read, rights.can_trade, rights.can_withdraw) == (True, "trade" in permissions, "withdraw" in permissions)


@behaviour("X-09", "A wrong key or secret, and a passphrase where there is one, is a bad key.")
async def test_wrong_keys_are_bad_keys(bench: Bench) -> None:
    key, secret, words = bench.keys.api_key, bench.keys.api_secret, bench.keys.passphrase
    wrong = [Credentials("n" + key[1:], secret, words), Credentials(key, bench.dialect.secret("another"), words)]
    if any(field.name == "passphrase" for field in bench.capabilities.credential_fields):
        wrong.append(Credentials(key, secret, "no"))
    for keys in wrong:
        with pytest.raises(BadKey):
            await bench.client.balances(keys)
        with pytest.raises(BadKey):
            await bench.client.place_order(keys, market())
    assert bench.account().orders == {}
    await bench.client.balances(bench.keys)


@behaviour("X-10", "A key that may not trade is told so, and no order is taken.", routes=True)
async def test_a_missing_right_is_told(bench: Bench) -> None:
    bench.account().permissions = frozenset({"read"})
    with pytest.raises((MissingRight, BadKey)):
        await bench.client.place_order(bench.keys, limit())
    assert bench.account().orders == {}
    await bench.client.balances(bench.keys)


@behaviour("X-11", "Balances tell what is free and what orders hold; what is zero is not listed.")
async def test_balances_tell_free_and_held(bench: Bench) -> None:
    await bench.client.place_order(bench.keys, limit("90"))
    held = {one.asset: one for one in await bench.client.balances(bench.keys)}
    assert set(held) == {QUOTE, BASE}
    theirs = bench.account().holdings[QUOTE]
    assert (held[QUOTE].free, held[QUOTE].locked) == (theirs.free, theirs.locked)
    assert held[QUOTE].locked >= 9
    assert (held[BASE].free, held[BASE].locked) == (1, 0)


@behaviour("X-55", "An account is told its own fees for a market, and pays by them.", needs="tells_fees")
async def test_an_account_is_told_its_own_fees(bench: Bench) -> None:
    listed = bench.instrument()
    assert await bench.client.fees(bench.keys, SYMBOL) == Fees(listed.maker_fee, listed.taker_fee)
    other = bench.open_account("second")
    bench.account(other).own_rates = (D("0.0008"), D("0.0013"))
    assert await bench.client.fees(other, SYMBOL) == Fees(D("0.0008"), D("0.0013"))
    assert await bench.client.fees(bench.keys, SYMBOL) == Fees(listed.maker_fee, listed.taker_fee)
    await bench.later(bench.client.place_order(other, market(Side.SELL)))
    (order,) = bench.account(other).orders.values()
    assert sum(one.fee for one in order.fills) == sum(one.value for one in order.fills) * D("0.0013")
