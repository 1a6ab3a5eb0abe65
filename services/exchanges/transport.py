"""What REST and sockets share: time-outs, growing pauses, and which addresses we speak to at all."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from aristobot.clock import Clock
from aristobot.errors import ConfigurationError
from services.exchanges.budget import Budget
from services.exchanges.clocks import ExchangeClock
from services.exchanges.meter import Meter


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Five limits, in seconds.

    pool      waiting for one of the open connections to become free
    connect   name look-up, TCP, TLS and, for a socket, the upgrade of a new connection
    send      our bytes leaving
    read      the exchange's silence: before the first byte of an answer, or within it
    order     the same where an order is placed, changed or cancelled, if that is shorter: what was bought, or what a cancel
              takes the stop from, has nothing under it until there is an answer, or somebody looks what became of it
    """

    pool: float = 2.0
    connect: float = 4.0
    send: float = 2.0
    read: float = 10.0
    order: float = 4.0

    def silence(self, *, order: bool) -> float:
        """How long an exchange may be silent."""
        return min(self.read, self.order) if order else self.read


class Link:
    """What every connection to one exchange shares, whichever user it serves."""

    def __init__(self, exchange: str, clock: Clock, weight_limit: int, timeouts: Timeouts | None = None) -> None:
        self.exchange = exchange
        self.clock = clock
        self.timeouts = timeouts or Timeouts()
        self.server_clock = ExchangeClock(clock)
        self.budget = Budget(clock, exchange, weight_limit)
        self.meter = Meter()


def growing_pauses(longest: float = 60.0) -> Iterator[float]:
    """Nothing at first, then 1, 2, 4 ... `longest` seconds, each with up to a quarter of jitter, for ever."""
    yield 0.0
    pause = 1.0
    while True:
        yield min(pause, longest) * random.uniform(0.75, 1.0)
        pause = min(pause * 2, longest)


def checked(address: str) -> str:
    """The address itself; raise ConfigurationError unless it is encrypted or this very machine."""
    parts = urlsplit(address)
    if parts.scheme in ("https", "wss") or (parts.scheme in ("http", "ws") and _is_loopback(parts.hostname or "")):
        return address.rstrip("/")
    raise ConfigurationError("insecure_endpoint", address=f"{parts.scheme}://{parts.hostname}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
