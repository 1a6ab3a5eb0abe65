"""Five users with two brokers each at every exchange, ten thousand calls at once: no call is ever signed with another's key."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import ManualClock, SystemClock
from aristobot.errors import OutcomeUnknown, RateLimited, TryAgain
from aristobot.exchange import Credentials
from aristobot.orders import OrderRequest
from services.simulator.server import SimulatorServer
from tests.exchanges.compliance import BASE, QUOTE, SYMBOL, Bench, Case, cases, limit
from tests.exchanges.house import PATIENT

USERS, BROKERS, CALLS = 5, 2, 10_000
#: Calls under way at once for one key.
AT_ONCE = 4
#: One call in so many places an order and cancels it, which makes two; the others read.
ROUND = 6
#: What a busy machine may answer to anybody: the exchanges' minutes pass faster than it works, and a call that is tired of
#: waiting for the one before it overtakes it.
_WITHOUT_EFFECT = {"too_slow_to_send", "nonce_refused"}


@dataclass
class Owner:
    """One broker of one user: its keys, how much it alone has, and the orders it placed."""

    bench: Bench
    keys: Credentials
    coins: Decimal
    names: set[str] = field(default_factory=set)
    answered: int = 0

    async def call(self, number: int) -> None:
        """One call, and its answer compared with what is this owner's alone."""
        client = self.bench.client
        if number % ROUND == 0:
            await self._place_and_cancel()
        elif number % ROUND == 2:
            open_orders = await patiently(self.bench, lambda: client.open_orders(self.keys, SYMBOL))
            assert {one.client_order_id for one in open_orders} <= self.names
        else:
            held = {one.asset: one for one in await patiently(self.bench, lambda: client.balances(self.keys))}
            assert held[BASE].free + held[BASE].locked == self.coins
        self.answered += 1

    async def _place_and_cancel(self) -> None:
        client, request = self.bench.client, self._request()
        placed = await patiently(self.bench, lambda: client.place_order(self.keys, request))
        assert placed.client_order_id == request.client_order_id
        try:
            await patiently(self.bench, lambda: client.cancel_order(self.keys, SYMBOL, request.client_order_id))
        except OutcomeUnknown:  # it was taken, and the look at what it came to is made too early
            found = await patiently(self.bench, lambda: client.find_order(self.keys, SYMBOL, request.client_order_id))
            assert found.client_order_id == request.client_order_id
        self.answered += 1

    def _request(self) -> OrderRequest:
        request = limit("90")
        self.names.add(request.client_order_id)
        return request


async def patiently(bench: Bench, ask: Any) -> Any:
    """The answer to a call, made when the exchange's limits allow it."""
    while True:
        try:
            return await ask()
        except RateLimited as error:
            await bench.clock.sleep(error.retry_after)
        except TryAgain as error:
            if error.code not in _WITHOUT_EFFECT:
                raise


def owners_of(server: SimulatorServer, clock: ManualClock, case: Case) -> tuple[Bench, list[Owner]]:
    """Every user's brokers at one exchange, all behind one client."""
    bench = Bench(clock, server, case)
    bench.client = bench.another_client(PATIENT)
    found = []
    for number in range(USERS * BROKERS):
        coins = Decimal(number + 1) / 10
        keys = bench.open_account(
            f"{case.mode}user{number // BROKERS}broker{number % BROKERS}", {QUOTE: "10000", BASE: str(coins)}
        )
        found.append(Owner(bench, keys, coins))
    return bench, found


async def keep_time(clock: ManualClock) -> None:
    """Let the exchanges' minutes pass while everybody calls."""
    while True:
        await SystemClock().sleep(0.002)
        await clock.advance(0.25, settle=1)


async def work(owner: Owner, numbers: Iterator[int]) -> None:
    """Call after call."""
    for number in numbers:
        await owner.call(number)


@pytest.mark.usefixtures("real_time")
async def test_ten_thousand_calls_and_none_is_signed_with_another_key(clock: ManualClock) -> None:
    server = SimulatorServer(clock)
    await server.start()
    made = [owners_of(server, clock, case) for case in cases()]
    owners = [owner for _, found in made for owner in found]
    await clock.advance(615)
    for bench, _ in made:
        await bench.client.instruments()
    each = CALLS * ROUND // ((ROUND + 1) * len(owners)) + ROUND  # a round makes one call more than it has numbers
    passing = asyncio.ensure_future(keep_time(clock))
    try:
        jobs = [(owner, iter(range(each))) for owner in owners]
        await asyncio.gather(*(work(owner, numbers) for owner, numbers in jobs for _ in range(AT_ONCE)))
    finally:
        passing.cancel()
        for bench, _ in made:
            await bench.client.close()
        await server.stop()
    assert sum(owner.answered for owner in owners) >= CALLS
    theirs = {name: owner.keys.api_key for owner in owners for name in owner.names}
    for entry in server.world.journal.entries:
        if entry.client_order_id in theirs:
            assert entry.key == theirs[entry.client_order_id]
    assert {"WS", "POST"} <= {entry.method for entry in server.world.journal.entries if entry.event == "order.place"}
    known = {owner.keys.api_key for owner in owners}
    asked = Counter(entry.key for entry in server.world.journal.entries if entry.key)
    assert set(asked) == known
    for (exchange, key), account in server.venue.accounts.items():
        if key in known:
            mine = {
                name for owner in owners if owner.keys.api_key == key and owner.bench.exchange == exchange for name in owner.names
            }
            assert {order.client_id for order in account.orders.values()} == mine
