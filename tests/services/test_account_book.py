"""Balances in memory: what can be spent is never more than the exchange would give, whatever is under way."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal

from aristobot.portfolio import Balance
from services.account_book import SETTLE_GRACE, AccountBook
from services.broker_book import Account
from tests.services.trading import Trader, TradingHouse

D = Decimal


async def book_of(house: TradingHouse, trader: Trader) -> tuple[AccountBook, Account]:
    """The house's book, and one account in it."""
    return house.app.floor.accounts, await house.app.floor.brokers.get(trader.broker_id)


async def test_while_the_stream_is_up_nobody_asks_the_exchange(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    assert await book.free(account, "USDT") == D(10000)
    asked = len(house.asked("account"))
    assert [await book.free(account, asset) for asset in ("USDT", "BTC")] == [D(10000), D(0)]
    assert len(house.asked("account")) == asked


async def test_without_the_stream_every_question_goes_to_the_exchange(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    asked = len(house.asked("account"))
    book.streaming(trader.broker_id, False)
    for _ in range(3):
        await book.free(account, "USDT")
    assert len(house.asked("account")) == asked + 3


async def test_a_push_is_believed_at_once(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    house.simulator.venue.transfer(trader.account, "USDT", D(500))

    async def arrived() -> bool:
        return await book.free(account, "USDT") == D(10500)

    await house.when(arrived)


async def test_what_an_order_will_take_cannot_be_spent_again(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    order_id = uuid.uuid4()
    book.reserve(trader.broker_id, order_id, "USDT", D(4000))
    assert await book.free(account, "USDT") == D(6000)
    book.reserve(trader.broker_id, uuid.uuid4(), "USDT", D(9000))
    assert await book.free(account, "USDT") == D(0)
    book.settle(trader.broker_id, order_id, had_effect=False)
    assert await book.free(account, "USDT") == D(1000)


async def test_a_reservation_lasts_until_the_push_that_shows_what_the_order_took(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    order_id = uuid.uuid4()
    book.reserve(trader.broker_id, order_id, "USDT", D(4000))
    book.settle(trader.broker_id, order_id, had_effect=True)
    assert await book.free(account, "USDT") == D(6000)
    book.pushed(trader.broker_id, (Balance.of("USDT", D(6100)),))
    assert await book.free(account, "USDT") == D(6100)


async def test_a_push_that_never_comes_is_replaced_by_a_question(house: TradingHouse) -> None:
    trader = await house.trader()
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    order_id = uuid.uuid4()
    book.reserve(trader.broker_id, order_id, "USDT", D(4000))
    book.settle(trader.broker_id, order_id, had_effect=True)
    asked = len(house.asked("account"))
    await house.clock.sleep(2 * SETTLE_GRACE)
    assert await book.free(account, "USDT") == D(10000)
    assert len(house.asked("account")) == asked + 1


async def test_an_answer_older_than_a_push_does_not_undo_it(house: TradingHouse, trader: Trader) -> None:
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    house.faults({"on": "account", "do": "slow_reply", "seconds": 0.2})
    asking = asyncio.ensure_future(book.refresh(account))
    asked = len(house.asked("account"))
    await house.until(lambda: len(house.asked("account")) > asked)
    house.simulator.venue.transfer(trader.account, "USDT", D(500))
    await asking
    assert await book.free(account, "USDT") == D(10500)


async def test_a_lost_push_is_made_up_for_within_a_minute(house: TradingHouse) -> None:
    trader = await house.trader()
    book, account = await book_of(house, trader)
    await book.free(account, "USDT")
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.simulator.venue.transfer(trader.account, "USDT", D(500))

    async def known() -> bool:
        return await book.free(account, "USDT") == D(10500)

    await house.when(known)


async def test_balances_are_listed_by_asset(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10", "BTC": "1", "ETH": "2"})
    book, account = await book_of(house, rich)
    assert [(one.asset, one.total) for one in await book.balances(account)] == [
        ("BTC", D(1)), ("ETH", D(2)), ("USDT", D(10)),
    ]  # fmt: skip
