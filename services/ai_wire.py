"""HTTP to an AI provider: connects to the very addresses that were looked at, and says in one code why there is no answer.

Apart from the client because httpx takes a tenth of a second to load.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.ai_address import literal_of, refusal
from services.ai_fault import AiFault

#: Seconds until a connection stands.
_CONNECT = 5.0


class CheckedTransport(httpx.AsyncBaseTransport):
    """Resolves a name once, refuses what must not be asked, and connects to what it looked at: no name changes in between."""

    def __init__(self) -> None:
        self._plain = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the first of the name's addresses that takes it."""
        host, fault = request.url.host, httpx.ConnectError("no address")
        found = await _resolve(host, request.url.port or 0)
        reason = refusal(request.url.scheme, found)
        if reason:
            raise AiFault(reason, host=host)
        request.extensions = {**request.extensions, "sni_hostname": host}
        for address in found:
            request.url = request.url.copy_with(host=address.partition("%")[0])
            try:
                return await self._plain.handle_async_request(request)
            except httpx.ConnectError as error:
                fault = error
        raise fault

    async def aclose(self) -> None:
        """Close the connections."""
        await self._plain.aclose()


@asynccontextmanager
async def asking(url: str, headers: dict[str, str], body: bytes | None, patience: float) -> AsyncIterator[httpx.Response]:
    """One request, a GET without a body; the answer while it is read. AiFault when there is none.

    `patience` are the seconds until an answer begins, and between two pieces of it. No redirect is followed.
    """
    limits = httpx.Timeout(patience, connect=min(_CONNECT, patience))
    host = httpx.URL(url).host
    try:
        async with (
            httpx.AsyncClient(transport=CheckedTransport(), follow_redirects=False, trust_env=False, timeout=limits) as client,
            client.stream("GET" if body is None else "POST", url, content=body, headers=headers) as answer,
        ):
            yield answer
    except httpx.ConnectTimeout:
        raise AiFault("ai_slow", host=host, seconds=round(min(_CONNECT, patience))) from None
    except httpx.TimeoutException:
        raise AiFault("ai_slow", host=host, seconds=round(patience)) from None
    except httpx.HTTPError as error:
        raise AiFault(_why(error), host=host) from None


async def _resolve(host: str, port: int) -> list[str]:
    if literal_of(host) is not None:
        return [host]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AiFault("ai_unknown_host", host=host) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _why(error: BaseException) -> str:
    """What hindered an answer: it broke off, the certificate, no encryption where some was expected, or nobody there."""
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return "ai_cut_short"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return "ai_certificate"
        if isinstance(seen, ssl.SSLError):
            return "ai_no_tls"
        seen = seen.__cause__ or seen.__context__
    return "ai_unreachable"
