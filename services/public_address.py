"""Looks at the public address as TradingView would: port, name, connection, certificate. Nothing here needs an account.

TradingView sends to the ports 80 and 443 alone, over IPv4, and gives up after three seconds (TV 43000529348).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from urllib.parse import SplitResult, urlsplit

from aristobot.clock import Clock, from_milliseconds

PORTS = {"https": 443, "http": 80}
#: Seconds that one look may take; above what TradingView itself would wait, so that "slow" is told from "closed".
PATIENCE = 5.0
#: A certificate that ends sooner is said to be old.
SOON = timedelta(days=14)

Resolve = Callable[[str], Awaitable[list[str]]]
MakeContext = Callable[[], ssl.SSLContext]

#: OpenSSL's verification results (X509_V_ERR_…) → what they mean for a person.
_CERTIFICATE_FAULTS = {
    9: "reason.reach_tls_early",
    10: "reason.reach_tls_expired",
    18: "reason.reach_tls_own",
    19: "reason.reach_tls_own",
    20: "reason.reach_tls_chain",
    21: "reason.reach_tls_chain",
    62: "reason.reach_tls_name",
    64: "reason.reach_tls_name",
}


class State(StrEnum):
    """How a check ended; UNKNOWN when it cannot be told from here."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One look. `reason` is a code for the language room, whose sentence also names the cure."""

    name: str
    state: State
    reason: str
    facts: Mapping[str, object] = field(default_factory=dict)


async def system_resolve(host: str) -> list[str]:
    """Every address of a host, by the system's resolver, in a thread. Raises OSError when there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class PublicAddress:
    """One address under examination. `resolve` and `context` are the system's, unless somebody has their own."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        resolve: Resolve = system_resolve,
        context: MakeContext = ssl.create_default_context,
        patience: float = PATIENCE,
    ) -> None:
        self._parts: SplitResult = urlsplit(url)
        self._url = url
        self._clock = clock
        self._resolve = resolve
        self._context = context
        self._patience = patience

    @property
    def host(self) -> str:
        """The name before the port."""
        return self._parts.hostname or ""

    @property
    def port(self) -> int:
        """The port that is meant, also where none is written."""
        return self._parts.port or PORTS.get(self._parts.scheme, 0)

    async def looks(self) -> AsyncIterator[Check]:
        """`address`, `dns`, `port`, `tls`, in this order; after a fault that hides them the rest is UNKNOWN."""
        address = self.address()
        yield address
        if not self._url:
            for name in ("dns", "port", "tls"):
                yield Check(name, State.UNKNOWN, "reason.reach_no_address_yet")
            return
        dns, addresses = await self.dns()
        yield dns
        if not addresses:
            for name in ("port", "tls"):
                yield after(name)
            return
        port = await self.connect(addresses[0])
        yield port
        yield after("tls") if port.state is not State.OK else await self.tls(addresses[0])

    def address(self) -> Check:
        """Whether there is one, with a port that TradingView sends to."""
        if not self._url:
            return Check("address", State.BROKEN, "reason.reach_no_address")
        if self.port not in PORTS.values():
            return Check("address", State.BROKEN, "reason.reach_port", {"port": self.port})
        return Check("address", State.OK, "reason.reach_address_ok", {"url": self._url})

    async def dns(self) -> tuple[Check, list[str]]:
        """Whether the name leads to an IPv4 address on the internet; and the IPv4 addresses to try."""
        try:
            async with asyncio.timeout(self._patience):
                found = [ipaddress.ip_address(one.partition("%")[0]) for one in await self._resolve(self.host)]
        except TimeoutError:
            return Check("dns", State.UNKNOWN, "reason.reach_dns_slow", {"host": self.host}), []
        except (OSError, UnicodeError):
            return Check("dns", State.BROKEN, "reason.reach_dns", {"host": self.host}), []
        fours = [one for one in found if one.version == 4]
        facts = {"host": self.host, "address": ", ".join(str(one) for one in fours or found)}
        if not fours:
            return Check("dns", State.BROKEN, "reason.reach_ipv6", facts), []
        if not any(one.is_global for one in fours):
            return Check("dns", State.BROKEN, "reason.reach_private", facts), [str(one) for one in fours]
        return Check("dns", State.OK, "reason.reach_dns_ok", facts), [str(one) for one in fours]

    async def connect(self, address: str) -> Check:
        """Whether somebody takes the connection. A home's own box may not let it in from inside."""
        facts = {"host": self.host, "port": self.port}
        try:
            async with asyncio.timeout(self._patience):
                _, writer = await asyncio.open_connection(address, self.port)
        except TimeoutError:
            return Check("port", State.BROKEN, "reason.reach_port_silent", facts)
        except OSError:
            return Check("port", State.BROKEN, "reason.reach_port_closed", facts)
        await _close(writer)
        return Check("port", State.OK, "reason.reach_port_ok", facts)

    async def tls(self, address: str) -> Check:
        """Whether the certificate is complete, valid now, and made for this name."""
        if self._parts.scheme != "https":
            return Check("tls", State.BROKEN, "reason.reach_tls_none")
        facts: dict[str, object] = {"host": self.host}
        context = await asyncio.to_thread(self._context)  # reads some hundred certificates
        opening = partial(asyncio.open_connection, address, self.port, ssl=context, server_hostname=self.host)
        try:
            async with asyncio.timeout(self._patience):
                _, writer = await opening()
        except ssl.SSLCertVerificationError as error:
            reason = _CERTIFICATE_FAULTS.get(error.verify_code, "reason.reach_tls_other")
            return Check("tls", State.BROKEN, reason, facts | {"detail": error.verify_message})
        except (ssl.SSLError, TimeoutError, OSError) as error:
            return Check("tls", State.BROKEN, "reason.reach_tls_other", facts | {"detail": type(error).__name__})
        ends = ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
        left = from_milliseconds(ends * 1000) - self._clock.now()
        await _close(writer)
        reason = "reason.reach_tls_ok" if left > SOON else "reason.reach_tls_soon"
        return Check("tls", State.OK, reason, facts | {"days": left.days})


def after(name: str) -> Check:
    """A check that a fault before it makes pointless."""
    return Check(name, State.UNKNOWN, "reason.reach_after")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(1):
            await writer.wait_closed()
    except (OSError, TimeoutError):  # the other side may be gone already: nothing was said on the line
        return
