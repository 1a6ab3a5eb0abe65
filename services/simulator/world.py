"""What all dialects share: one clock, one venue, one price feed, one script of misfortunes, one journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aristobot.clock import Clock
from aristobot.money import ZERO, round_down
from services.simulator.faults import Faults
from services.simulator.journal import Journal, Tripwires
from services.simulator.prices import PriceFeed
from services.simulator.records import Account, Change, Liquidity, Order, OrderChanged, VenueEvent
from services.simulator.tasks import Tasks
from services.simulator.times import ExchangeClock
from services.simulator.venue import Venue
from services.simulator.wire import HttpCall, Outcome, Socket


class Dialect(Protocol):
    """One exchange's way of speaking."""

    name: str
    #: First parts of the paths it serves.
    prefixes: tuple[str, ...]
    #: Where a client speaks, from the root of this server on: REST, public socket, private socket.
    paths: tuple[str, str, str]
    #: What `Account.mode` may be here; a new account has the first.
    modes: tuple[str, ...]
    #: The exchange's words for a market that is open, and for one that takes no orders.
    states: tuple[str, str]

    async def http(self, call: HttpCall) -> Outcome:
        """Answer one request."""

    async def socket(self, socket: Socket) -> None:
        """Serve one socket until it is gone."""

    async def run(self) -> None:
        """What has to be done regularly; until cancelled."""

    def check_secret(self, secret: str) -> None:
        """Raise ValueError for a secret with which nothing can be signed here."""

    def secret(self, name: str) -> str:
        """A secret of the shape that is given out here, another for every name."""

    def set_status(self, symbol: str, status: str) -> None:
        """Open or close a market (our spelling of the symbol, the exchange's word for the state)."""

    def warn_of_shutdown(self) -> None:
        """Tell every connection that the server goes away soon."""

    def ready_account(self) -> Account:
        """Open an account with play money, for who just wants to look."""


class World:
    """The world behind all dialects."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.seed = seed
        self.clock = ExchangeClock(clock)
        self.feed = PriceFeed(self.clock, seed)
        self.venue = Venue(self.clock, self.feed)
        self.faults = Faults()
        self.journal = Journal()
        self.tripwires = Tripwires()
        self.tasks = Tasks()
        #: Every connection that is open.
        self.sockets: set[Socket] = set()
        self.venue.book.liquidity = self._liquidity
        self.venue.book.witness = self._witness

    def _witness(self, event: VenueEvent) -> None:
        if isinstance(event, OrderChanged) and event.change is Change.FILLED:
            self.tripwires.fire("fill.done" if event.order.remaining == ZERO else "fill.partial")

    def _liquidity(self, order: Order, arriving: bool) -> Liquidity | None:
        account = order.account
        fault = self.faults.take_fill("order.place" if arriving else "order.fill", account.exchange, account.key)
        if fault is None:
            return None
        seconds = fault.number("seconds", 0)
        if seconds:
            self.tasks.start(self._complete_later(order, seconds))
        pieces = int(fault.number("fills", 1))
        lot = order.instrument.lot
        if pieces > 1:
            part = round_down(order.remaining / pieces, lot)
            parts = (*([part] * (pieces - 1)), order.remaining - part * (pieces - 1))
            return Liquidity(parts)
        fraction = fault.decimal("fraction", "0.5")
        return Liquidity((round_down(order.remaining * fraction, lot),), expires=fault.options.get("rest") == "expire")

    @asynccontextmanager
    async def lifetime(self, socket: Socket, seconds: float) -> AsyncIterator[None]:
        """Know a connection while it lives, and cut it after so many seconds of the clock."""
        self.sockets.add(socket)
        end = self.tasks.start(self._cut_later(socket, seconds))
        try:
            yield
        finally:
            end.cancel()
            self.sockets.discard(socket)

    async def _cut_later(self, socket: Socket, seconds: float) -> None:
        await self.clock.sleep(seconds)
        socket.cut()

    async def _complete_later(self, order: Order, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.venue.complete(order)
