"""NiceGUI's own files, packed once: what one browser was given lies ready for the next.

Packing them anew takes a tenth of a second of a core for every first visit. They are the same for everybody and for as
long as the process lives, and nobody needs to have logged in for them.
"""

from __future__ import annotations

from nicegui import __version__
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What NiceGUI serves for ever under its version.
FOLDERS = tuple(f"/_nicegui/{__version__}/{name}/" for name in ("static", "components", "esm", "libraries"))
#: Bytes that are kept at most: several times what all pages together fetch.
ROOM = 8_000_000
#: How hard everything is packed: half the work of the utmost, for one byte in a hundred more.
LEVEL = 6


class Shelf:
    """Pure ASGI: packs every answer, and keeps those that never change."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packing = GZipMiddleware(app, compresslevel=LEVEL)
        self._kept: dict[str, list[Message]] = {}
        self._free = ROOM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the shelf, or pass on and keep a copy."""
        if not _lasting(scope):
            await self._packing(scope, receive, send)
            return
        kept = self._kept.get(scope["path"])
        if kept is None:
            await self._fetch(scope, receive, send)
        else:
            for message in kept:
                await send(_copy(message))

    async def _fetch(self, scope: Scope, receive: Receive, send: Send) -> None:
        read: list[Message] = []
        told: list[Message] = []
        packing = GZipMiddleware(_overheard(self._app, read), compresslevel=LEVEL)
        await _overheard(packing, told)(scope, receive, send)
        body = _body(told)
        if _whole(read) and _whole(told) and len(body) <= self._free and scope["path"] not in self._kept:
            self._free -= len(body)
            self._kept[scope["path"]] = [told[0], {"type": "http.response.body", "body": body, "more_body": False}]


def _overheard(app: ASGIApp, said: list[Message]) -> ASGIApp:
    """The same, with a copy of whatever it sends."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            said.append(_copy(message))
            await send(message)

        await app(scope, receive, sending)

    return asked


def _lasting(scope: Scope) -> bool:
    """Whether somebody asks for the whole of a file of NiceGUI's, and takes it packed."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(FOLDERS):
        return False
    headers = Headers(scope=scope)
    asks_for_less = "range" in headers or "if-none-match" in headers or "if-modified-since" in headers
    return not asks_for_less and "gzip" in headers.get("accept-encoding", "")


def _whole(told: list[Message]) -> bool:
    """Whether an answer came to its end, is as long as it says, and is one that everybody may be given.

    Who leaves in the middle has the reading of the file stopped, without a fault and sometimes before its first byte.
    """
    if len(told) < 2 or told[0]["type"] != "http.response.start" or told[0]["status"] != 200:
        return False
    named = Headers(raw=told[0]["headers"])
    bodies = all(message["type"] == "http.response.body" for message in told[1:])
    ended = bodies and not told[-1].get("more_body", False)
    return ended and "set-cookie" not in named and named.get("content-length") in (None, str(len(_body(told))))


def _body(told: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in told[1:])


def _copy(message: Message) -> Message:
    """A message whose headers others may add to."""
    return {**message, "headers": list(message["headers"])} if "headers" in message else dict(message)
