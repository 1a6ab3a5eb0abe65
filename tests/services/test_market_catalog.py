"""The catalogue: what an exchange lists, and how TradingView spells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from aristobot.clock import ManualClock
from aristobot.errors import DataError, ExchangeError, InvalidInput, InvalidOrder, UnknownSymbol
from aristobot.events import CatalogProgressed
from aristobot.market import Instrument, InstrumentState
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.exchanges import discover
from services.market_catalog import REFRESH_EVERY, UNKNOWN_PAUSE, MarketCatalog
from tests.builders import MIDNIGHT, a_broker, a_user, an_instrument, list_instruments
from tests.services.market import Market, a_market


@pytest.fixture
async def market(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange with its usual list."""
    async with a_market(db, clock, tmp_path) as opened:
        yield opened


def a_catalog(market: Market) -> MarketCatalog:
    """A catalogue that remembers nothing yet."""
    return MarketCatalog(market.db, market.bus, market.clock, market.gateway)


async def keep(market: Market, *listed: Instrument) -> None:
    """Let the store remember these."""
    await market.db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, MIDNIGHT))


@pytest.mark.parametrize(
    "spelling",
    ["BTCUSDT", "btcusdt", "BTC/USDT", "btc-usdt", "BTC_USDT", " BTC / USDT ", "BINANCE:BTCUSDT", "binance:btc/usdt", "XBTUSDT"],
)
async def test_every_spelling_of_tradingview_leads_to_the_same_symbol(market: Market, spelling: str) -> None:
    assert await a_catalog(market).resolve("binance", spelling) == "BTC/USDT"


async def test_old_names_of_coins_are_understood(market: Market) -> None:
    await keep(market, *(an_instrument(symbol) for symbol in ("BTC/USD", "DOGE/USD", "ETH/BTC")))
    catalog = a_catalog(market)

    found = [await catalog.resolve("binance", text) for text in ("XBTUSD", "XBT/USD", "XDGUSD", "ETHXBT")]

    assert found == ["BTC/USD", "BTC/USD", "DOGE/USD", "ETH/BTC"]


async def test_joined_names_are_split_by_the_catalogue_and_never_guessed(market: Market) -> None:
    await keep(market, an_instrument("BTC/USDT"), an_instrument("BTCUS/DT"), an_instrument("ABC/DEF"))
    catalog = a_catalog(market)

    with pytest.raises(DataError) as ambiguous:
        await catalog.resolve("binance", "BTCUSDT")

    assert ambiguous.value.code == "reason.ambiguous_symbol"
    assert ambiguous.value.facts["symbols"] == ["BTC/USDT", "BTCUS/DT"]
    assert await catalog.resolve("binance", "BTC/USDT") == "BTC/USDT"
    assert await catalog.resolve("binance", "ABCDEF") == "ABC/DEF"
    assert catalog.known("binance", "ABCDEF") == "ABC/DEF"
    assert catalog.known("binance", "BTCUSDT") is None


async def test_a_coin_that_really_has_the_old_name_keeps_it(market: Market) -> None:
    await keep(market, an_instrument("BTC/USDT"), an_instrument("XBT/USDT"))

    assert await a_catalog(market).resolve("binance", "XBTUSDT") == "XBT/USDT"
    assert await a_catalog(market).resolve("binance", "XBT/USDT") == "XBT/USDT"


async def test_a_perpetual_is_refused_with_its_reason_before_anybody_is_asked(market: Market) -> None:
    with pytest.raises(DataError) as refused:
        await a_catalog(market).resolve("binance", "BINANCE:BTCUSDT.P")

    assert refused.value.code == "reason.perpetual"
    assert market.asked("exchange_info") == 0


@pytest.mark.parametrize("text", ["NOPEUSDT", "NOPE/USDT", "BTC/USDT:USDT", "USDT", "", "/", ":"])
async def test_what_nobody_lists_is_unknown(market: Market, text: str) -> None:
    with pytest.raises(UnknownSymbol):
        await a_catalog(market).resolve("binance", text)


async def test_an_exchange_that_nobody_speaks_is_said_so(market: Market) -> None:
    with pytest.raises(InvalidInput):
        await a_catalog(market).refresh("moonbase")


async def test_the_exchange_is_asked_once_however_many_ask_at_once(market: Market) -> None:
    catalog = a_catalog(market)

    found = await asyncio.gather(*(catalog.instrument("binance", "BTC/USDT") for _ in range(20)))

    assert {one.symbol for one in found} == {"BTC/USDT"}
    assert market.asked("exchange_info") == 1


async def test_an_instrument_comes_from_the_exchange_then_from_the_store(market: Market) -> None:
    first = await a_catalog(market).instrument("binance", "BTC/USDT")

    market.faults({"on": "any", "do": "refuse_5xx", "times": 0})
    after_a_restart = await a_catalog(market).instrument("binance", "BTC/USDT")

    assert first.tick == Decimal("0.01")
    assert after_a_restart == first
    assert await market.db.read(SYSTEM, lambda s: instruments.get(s, "binance", "BTC/USDT")) == first


async def test_a_coin_listed_today_is_found_and_unknown_ones_do_not_flood_the_exchange(market: Market) -> None:
    await keep(market, an_instrument("ETH/USDT"))
    catalog = a_catalog(market)

    assert await catalog.resolve("binance", "BTCUSDT") == "BTC/USDT"
    for _ in range(5):
        with pytest.raises(UnknownSymbol):
            await catalog.instrument("binance", "NOPE/USDT")
    assert market.asked("exchange_info") == 1
    await market.clock.advance(UNKNOWN_PAUSE)
    with pytest.raises(UnknownSymbol):
        await catalog.instrument("binance", "NOPE/USDT")
    assert market.asked("exchange_info") == 2


async def test_one_caller_who_gives_up_does_not_stop_the_others(market: Market) -> None:
    catalog = a_catalog(market)
    impatient = asyncio.ensure_future(catalog.refresh("binance"))
    patient = asyncio.ensure_future(catalog.refresh("binance"))
    await asyncio.wait({impatient}, timeout=0)
    impatient.cancel()

    assert (await patient).total > 10


async def test_what_changed_or_went_is_corrected_by_a_refresh(market: Market) -> None:
    await keep(market, an_instrument("GONE/USDT"), replace(an_instrument("BTC/USDT"), tick=Decimal(9)))

    await a_catalog(market).refresh("binance")

    known = {one.symbol: one for one in await market.db.read(SYSTEM, lambda s: instruments.all_of(s, "binance"))}
    assert "GONE/USDT" not in known
    assert known["BTC/USDT"].tick == Decimal("0.01")


async def test_the_service_refreshes_at_start_and_every_few_hours_and_sooner_after_a_failure(market: Market) -> None:
    market.faults({"on": "exchange_info", "do": "refuse_5xx", "times": 0})
    catalog = a_catalog(market)
    running = asyncio.create_task(catalog.run())
    await market.until(lambda: market.asked("exchange_info") >= 1, step=1)
    asked_for = asyncio.ensure_future(catalog.refresh("binance"))
    await market.until(asked_for.done, step=1)
    market.server.world.faults.clear()
    await market.until(lambda: catalog.known("binance", "BTCUSDT") == "BTC/USDT", step=1)
    recovered = market.clock.now() - MIDNIGHT
    asked = market.asked("exchange_info")
    await market.clock.advance(REFRESH_EVERY + 1)
    await market.until(lambda: market.asked("exchange_info") == asked + 1, step=1)
    running.cancel()
    await asyncio.wait({running})

    assert isinstance(asked_for.exception(), ExchangeError)
    assert recovered < timedelta(seconds=REFRESH_EVERY / 2)  # the clock goes on with each look, many times on a busy machine


@pytest.mark.parametrize("exchange", discover())
async def test_instruments_of_every_exchange_have_steps_minimums_fees_state_and_order_types(
    market: Market, exchange: str
) -> None:
    catalog = a_catalog(market)
    news = await catalog.refresh(exchange)
    bitcoin = await catalog.instrument(exchange, "BTC/USDT")

    assert (news.added, news.removed, news.total) == (news.total, 0, catalog.state(exchange).total)
    assert all(figure > 0 for figure in (bitcoin.tick, bitcoin.lot, bitcoin.maker_fee, bitcoin.taker_fee))
    assert bitcoin.min_notional > 0 or bitcoin.min_quantity > 0
    assert bitcoin.state is InstrumentState.TRADING
    assert {"LIMIT", "MARKET"} <= {one.upper() for one in bitcoin.order_types}
    assert "USDT" in catalog.quotes(exchange)


async def test_a_refresh_tells_how_far_it_is_and_how_it_ended(market: Market) -> None:
    await keep(market, an_instrument("GONE/USDT"), replace(an_instrument("BTC/USDT"), tick=Decimal(9)))
    heard: list[CatalogProgressed] = []
    market.bus.listen(CatalogProgressed, do=heard.append)
    catalog = a_catalog(market)

    news = await catalog.refresh("binance")

    assert [event.stage for event in heard] == ["asking", "storing", "storing", "storing", "done"]
    assert [event.written for event in heard] == sorted(event.written for event in heard)
    assert (news.changed, news.removed, news.added) == (1, 1, news.total - 1)
    assert (heard[-1].total, heard[-1].removed, catalog.state("binance").at) == (news.total, 1, market.clock.now())


async def test_a_refresh_that_fails_says_so_and_forgets_nothing(market: Market) -> None:
    catalog = a_catalog(market)
    await catalog.refresh("binance")
    market.faults({"on": "exchange_info", "do": "refuse_5xx", "times": 0})
    asked = asyncio.ensure_future(catalog.refresh("binance"))
    await market.until(asked.done, step=1)

    progress = catalog.state("binance").progress
    assert isinstance(asked.exception(), ExchangeError)
    assert progress is not None
    assert (progress.stage, bool(progress.failure)) == ("failed", True)
    assert catalog.known("binance", "BTCUSDT") == "BTC/USDT"


async def test_a_refused_step_or_symbol_has_the_pairs_read_again_and_not_for_every_refusal(market: Market) -> None:
    catalog = a_catalog(market)
    await catalog.refresh("kraken")
    broker = a_broker(a_user(), exchange="kraken")
    before = market.asked("exchange_info", "kraken")

    market.gateway.noticed(broker, InvalidOrder("order_filter"))
    assert market.asked("exchange_info", "kraken") == before
    await market.clock.advance(UNKNOWN_PAUSE)
    for error in (InvalidOrder("order_filter"), UnknownSymbol(), InvalidOrder("would_match")):
        market.gateway.noticed(broker, error)
    await market.until(lambda: market.asked("exchange_info", "kraken") > before, step=0)
    await market.pass_time(10)

    assert market.asked("exchange_info", "kraken") == 2 * before  # as often as for the first reading
    assert catalog.state("kraken").at is not None
