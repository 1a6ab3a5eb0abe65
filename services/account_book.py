"""Balances in memory: what the exchange last said, minus what orders under way will take.

While the private stream is up its pushes are the truth of the moment; without it every question goes to the exchange.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from aristobot.clock import Clock
from aristobot.money import ZERO
from aristobot.portfolio import Balance
from services.broker_book import Account
from services.exchange_gateway import ExchangeGateway

#: Seconds for which a settled order's reservation waits for the balance push that will show it.
SETTLE_GRACE = 1.0


@dataclass(slots=True)
class _Reservation:
    asset: str
    amount: Decimal
    pushes_seen: int
    settled_at: float | None = None


@dataclass(slots=True)
class _Book:
    balances: dict[str, Balance] = field(default_factory=dict)
    loaded: bool = False
    streaming: bool = False
    asked_at: float = float("-inf")
    pushes: dict[str, int] = field(default_factory=dict)
    reservations: dict[uuid.UUID, _Reservation] = field(default_factory=dict)

    def free(self, asset: str) -> Decimal:
        """What was free of it, minus reservations, never below zero."""
        held = self.balances.get(asset)
        reserved = sum((one.amount for one in self.reservations.values() if one.asset == asset), ZERO)
        return max((held.free if held else ZERO) - reserved, ZERO)


class AccountBook:
    """Free and locked amounts of every broker."""

    def __init__(self, gateway: ExchangeGateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._books: dict[uuid.UUID, _Book] = {}

    async def free(self, account: Account, asset: str) -> Decimal:
        """What can be spent of `asset` now: the exchange's free amount minus reservations, never below zero."""
        self._forget_settled(self._book(account.id))
        return (await self._fresh(account)).free(asset)

    def known_free(self, broker_id: uuid.UUID, asset: str) -> Decimal:
        """As `free`, from memory alone and at once: by what was last heard of the account."""
        return self._book(broker_id).free(asset)

    def held(self, broker_id: uuid.UUID) -> list[str]:
        """The assets of which there is something, by what was last heard of the account."""
        return [one.asset for one in self._book(broker_id).balances.values() if one.total]

    async def balances(self, account: Account) -> list[Balance]:
        """All balances, sorted by asset."""
        book = await self._fresh(account)
        return sorted(book.balances.values(), key=lambda one: one.asset)

    async def refresh(self, account: Account) -> list[Balance]:
        """Ask the exchange and believe the answer."""
        book = self._book(account.id)
        client = self._gateway.client_for(account.broker)
        before = dict(book.pushes)
        answered: list[Balance] = await client.balances(await self._gateway.keys(account.broker))
        newer = {asset: one for asset, one in book.balances.items() if book.pushes.get(asset) != before.get(asset)}
        book.balances = {one.asset: one for one in answered} | newer
        book.loaded, book.asked_at = True, self._clock.monotonic()
        for order_id in [key for key, one in book.reservations.items() if one.settled_at is not None]:
            del book.reservations[order_id]
        return answered

    def age(self, broker_id: uuid.UUID) -> float:
        """Seconds since the exchange was last asked."""
        return self._clock.monotonic() - self._book(broker_id).asked_at

    def streaming(self, broker_id: uuid.UUID, up: bool) -> None:
        """Say whether the private stream of a broker is up; what was known before a gap is not believed after it."""
        book = self._book(broker_id)
        book.streaming = up
        book.loaded = False

    def pushed(self, broker_id: uuid.UUID, changed: tuple[Balance, ...]) -> None:
        """Believe a balance push."""
        book = self._book(broker_id)
        for balance in changed:
            book.balances[balance.asset] = balance
            book.pushes[balance.asset] = book.pushes.get(balance.asset, 0) + 1
        self._forget_settled(book)

    def reserve(self, broker_id: uuid.UUID, order_id: uuid.UUID, asset: str, amount: Decimal) -> None:
        """Set aside what an order under way will take, so that two orders cannot spend it twice."""
        book = self._book(broker_id)
        book.reservations[order_id] = _Reservation(asset, amount, book.pushes.get(asset, 0))

    def settle(self, broker_id: uuid.UUID, order_id: uuid.UUID, *, had_effect: bool) -> None:
        """The order was answered: keep its reservation until a push shows the new balance, or drop it when nothing happened."""
        book = self._book(broker_id)
        reservation = book.reservations.get(order_id)
        if reservation is None:
            return
        if not had_effect or book.pushes.get(reservation.asset, 0) > reservation.pushes_seen:
            del book.reservations[order_id]
        else:
            reservation.settled_at = self._clock.monotonic()
            book.loaded = book.loaded and book.streaming

    async def _fresh(self, account: Account) -> _Book:
        book = self._book(account.id)
        if not (book.loaded and book.streaming):
            await self.refresh(account)
        return book

    def _forget_settled(self, book: _Book) -> None:
        now = self._clock.monotonic()
        for order_id, one in list(book.reservations.items()):
            if one.settled_at is None:
                continue
            shown = book.pushes.get(one.asset, 0) > one.pushes_seen
            if shown:
                del book.reservations[order_id]
            elif now - one.settled_at > SETTLE_GRACE:
                del book.reservations[order_id]
                book.loaded = False

    def _book(self, broker_id: uuid.UUID) -> _Book:
        book = self._books.get(broker_id)
        if book is None:
            book = self._books[broker_id] = _Book()
        return book
