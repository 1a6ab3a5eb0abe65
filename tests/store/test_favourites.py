"""Favourites: each user's own, once each, in the order in which they were chosen."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from aristobot.clock import ManualClock
from aristobot.store import favourites, users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from tests.builders import a_user


async def test_favourites_are_kept_per_user_and_exchange(db: Database, clock: ManualClock) -> None:
    alice = await db.write(SYSTEM, lambda s: users.create(s, a_user(name="alice")))
    bob = await db.write(SYSTEM, lambda s: users.create(s, a_user(name="bob")))
    now = clock.now()
    for number, symbol in enumerate(("ETH/USDT", "BTC/USDT", "ETH/USDT")):
        at = now + timedelta(seconds=number)
        await db.write(alice.id, partial(favourites.add, exchange="binance", symbol=symbol, now=at))
    assert await db.read(alice.id, lambda s: favourites.mine(s, "binance")) == ["ETH/USDT", "BTC/USDT"]
    assert await db.read(alice.id, lambda s: favourites.mine(s, "kraken")) == []
    assert await db.read(bob.id, lambda s: favourites.mine(s, "binance")) == []
    await db.write(bob.id, lambda s: favourites.remove(s, "binance", "BTC/USDT"))
    assert len(await db.read(alice.id, lambda s: favourites.mine(s, "binance"))) == 2
    await db.write(alice.id, lambda s: favourites.remove(s, "binance", "ETH/USDT"))
    assert await db.read(alice.id, lambda s: favourites.mine(s, "binance")) == ["BTC/USDT"]
