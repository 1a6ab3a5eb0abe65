"""What every answer of the screen carries, and which names the screen answers to."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: NiceGUI evaluates code that it sends itself, so inline script and eval must stay; nothing may come from, go to, or be
#: framed by another site.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: What routers and mDNS put behind a machine's name. Nobody can register below any of them: they are not delegated on the
#: internet, but for `fritz.box`, which belongs to the maker of those routers. (`box` alone anybody can buy names in.)
SUFFIXES = ("local", "lan", "home", "home.arpa", "internal", "fritz.box", "speedport.ip")


def names_at_home(machine: str) -> set[str]:
    """The names under which a household finds the machine that calls itself so: as it is, alone, and with a home's suffix.

    A stranger's name has another first label or a suffix that leads to the internet, so that rebinding finds none among them.
    """
    label = machine.lower().partition(".")[0]
    return {machine.lower(), label, *(f"{label}.{suffix}" for suffix in SUFFIXES)} if label else set()


class Hardening:
    """Pure ASGI: refuse names that are not ours (DNS rebinding), add the headers, let nobody store a page.

    An IP address as host is always ours: a name under a stranger's control is what rebinding needs. A proxy's word for a
    name counts for nothing either: with the proxy on this machine, a browser beside it looks the same.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._next = app
        self._hosts = {"localhost", *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 to a foreign name; pass everything else on."""
        if scope["type"] == "lifespan":
            await self._next(scope, receive, send)
        elif not self._ours(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("unknown host", 421)(scope, receive, send)
        elif scope["type"] == "http":
            await self._next(scope, receive, _with_headers(send))
        else:
            await self._next(scope, receive, send)

    def _ours(self, scope: Scope) -> bool:
        name = host_name(Headers(scope=scope).get("host", ""))
        return name in self._hosts or is_address(name)


def host_name(host: str) -> str:
    """The name in a Host header, without its port and in lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def is_address(name: str) -> bool:
    """Whether a host is written as an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a host, by name or address, is this very machine."""
    return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
