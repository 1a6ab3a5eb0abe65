"""The little HTTP that the ingress needs, on bare ASGI: read a small body in time, find the sender, answer in JSON."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Callable, Sequence
from typing import Any

_ENCODER = json.JSONEncoder(separators=(",", ":"))

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]
Headers = list[tuple[bytes, bytes]]


class TurnedAway(Exception):
    """Ends a request with an answer that is no success."""

    def __init__(self, status: int, code: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(code)
        self.status, self.code, self.headers = status, code, headers


class Disconnected(Exception):
    """The client went away before its request was complete."""


def header(headers: Headers, name: bytes) -> str:
    """The first header of that name, empty when there is none."""
    return next((value.decode("latin-1").strip() for key, value in headers if key == name), "")


def allow(method: str, *allowed: str) -> None:
    """Raise TurnedAway (405) for any other method."""
    if method not in allowed:
        raise TurnedAway(405, "method_not_allowed", (b"allow", ", ".join(allowed).encode()))


async def read_body(headers: Headers, receive: Receive, *, limit: int, seconds: float | None) -> bytes:
    """The whole body; `seconds` is None when it is here already, so that there is nothing to wait for.

    Raises TurnedAway when it is larger than `limit` (413) or slower than `seconds` (408), Disconnected.
    """
    announced = header(headers, b"content-length")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise TurnedAway(413, "too_large")
    if seconds is None:
        return await _all_of_it(receive, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _all_of_it(receive, limit)
    except TimeoutError:
        raise TurnedAway(408, "too_slow", (b"connection", b"close")) from None


async def _all_of_it(receive: Receive, limit: int) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise TurnedAway(413, "too_large")
    return body


async def respond(send: Send, status: int, content: dict[str, Any], *headers: tuple[bytes, bytes]) -> None:
    """Answer in JSON. Raises Disconnected when the client is gone."""
    body = _ENCODER.encode(content).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    try:
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": body})
    except RuntimeError as error:  # uvloop's word for it, when requests were sent ahead of their answers
        raise Disconnected from error


class Senders:
    """Tells where a request comes from; believes a forwarded address only from the proxies it was given."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._proxies = [ipaddress.ip_network(one, strict=False) for one in trusted_proxies]

    def of(self, scope: Scope) -> str:
        """The peer; behind trusted proxies the right-most forwarded address that is none of them."""
        source = str(scope["client"][0]) if scope.get("client") else ""
        if not self._is_proxy(source):
            return source
        forwarded = ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == b"x-forwarded-for")
        for hop in reversed([one.strip() for one in forwarded.split(",") if one.strip()]):
            source = hop[:64]
            if not self._is_proxy(hop):
                break
        return source

    def _is_proxy(self, text: str) -> bool:
        if not self._proxies:
            return False
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)
