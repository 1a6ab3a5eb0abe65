"""The fence of the screen: who may fetch a page, open its socket, and press its buttons.

NiceGUI trusts whoever knows a page's client id. Here every request, socket and event is tied to the login session with
which its page was fetched, so a stranger's socket, another site's script and an ended session are all turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from loguru import logger
from nicegui import Client, background_tasks, core
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aristobot.errors import NotSignedIn, StoreError
from aristobot.events import SessionEnded
from aristobot.language import DEFAULT, use_language
from aristobot.logs import log_context
from components.away import away_answer, away_page
from components.patience import Patience
from components.viewer import Viewer, viewing
from services.login_sessions import LoginSessions, SignedIn

VIEWER = "aristobot.viewer"
SOCKETS = "/_nicegui_ws/"
#: What a browser may fetch before anybody has logged in. Everything else is closed, also pages nobody thought of.
OPEN_PATHS = frozenset({"/login", "/auth/enter", "/auth/arrive", "/favicon.ico"})
OPEN_FOLDERS = ("/_nicegui/",)
#: Seconds that a page gets to leave by itself before its socket is cut.
FAREWELL = 0.3
#: Of what was asked for, what is kept over the front door: no page of ours asks for more.
LONGEST_QUERY = 1000


def viewer_of(client: Client) -> Viewer | None:
    """Who fetched this page; None for the login page."""
    viewer: Viewer | None = client.request.scope.get(VIEWER)
    return viewer


class Guard:
    """Pure ASGI, around all of NiceGUI. Decides on `scope["path"]` alone: what the router will see."""

    def __init__(
        self, app: ASGIApp, *, sessions: LoginSessions, cookie: str, patience: Patience, language: str = DEFAULT
    ) -> None:
        self._next = app
        self._sessions = sessions
        self._cookie = cookie
        self._patience = patience
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who may; answer everybody else."""
        if scope["type"] == "lifespan":
            await self._next(scope, receive, send)
        elif scope["path"].startswith(SOCKETS):
            await self._socket(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(OPEN_FOLDERS):
            await self._next(scope, receive, send)
            return
        refusal = await self._refusal(scope, path)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif (viewer := scope.get(VIEWER)) is not None:
            with viewing(viewer), log_context(user_id=viewer.id):
                await self._next(scope, receive, send)
        else:
            await self._next(scope, receive, send)

    async def _refusal(self, scope: Scope, path: str) -> Response | None:
        """Why a request is not let through; None when it is, with its viewer in the scope."""
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(Headers(scope=scope)):
            return PlainTextResponse("forbidden", 403)
        try:
            who = await self._signed_in(scope)
        except StoreError as error:
            logger.warning("Nobody can be let in to {}: {}", path, error)
            return away_page(error, self._language) if _asks_for_a_page(scope) else away_answer(error)
        if who is not None:
            scope[VIEWER] = Viewer(who)
        elif path not in OPEN_PATHS:
            return _refused(scope)
        elif not self._patience.allows(_address(scope)):
            return PlainTextResponse("too many requests", 429, {"Retry-After": "60"})
        return None

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The socket of a page: from our own origin, and with the session that fetched the page."""
        if await self._socket_allowed(scope):
            await self._next(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("forbidden", 403)(scope, receive, send)

    async def _socket_allowed(self, scope: Scope) -> bool:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("client_id", [])
        if len(asked) != 1 or not _same_origin(Headers(scope=scope)):
            return False
        client = Client.instances.get(asked[0])
        if client is None:
            return True  # of a page that is gone: NiceGUI refuses the handshake and the browser loads the page anew
        viewer = viewer_of(client)
        if viewer is None:
            return True
        try:
            who = await self._signed_in(scope)
        except StoreError:
            return False  # the browser asks again by itself
        return who is not None and who.session_id == viewer.session_id

    async def _signed_in(self, scope: Scope) -> SignedIn | None:
        # lenient: a host's other programs set cookies of their own shapes, and cookies know no ports
        token = cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._cookie, "")
        try:
            return await self._sessions.check(token) if token else None
        except NotSignedIn:
            return None


def watch_events(sessions: LoginSessions, language: str) -> None:
    """Check the session at every event that a page sends, and that the socket is the page's own.

    `language` is spoken on pages that nobody has logged in to.
    """

    def take(message: dict[str, Any], sid: str) -> Client | None:
        client = Client.instances.get(message.get("client_id", ""))
        if client is None or not client.has_socket_connection or client.id not in core.sio.rooms(sid):
            return None
        viewer = viewer_of(client)
        if viewer is None:
            return client
        if not sessions.alive(viewer.session_id):
            turn_away(client)
            return None
        sessions.used(viewer.session_id)
        return client

    def speaking(handle: Callable[[Client, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
        def handler(sid: str, message: dict[str, Any]) -> None:
            client = take(message, sid)
            if client is None:
                return
            viewer = viewer_of(client)
            if viewer is None:
                with use_language(language):
                    handle(client, message)
            else:
                with viewing(viewer), log_context(user_id=viewer.id):
                    handle(client, message)

        return handler

    core.sio.on("event", speaking(lambda client, message: client.handle_event(message)))
    core.sio.on("javascript_response", speaking(lambda client, message: client.handle_javascript_response(message)))
    core.sio.on("log", speaking(_log_from_browser))


def close_pages(event: SessionEnded) -> None:
    """Turn away every open page of a session that ended."""
    for client in list(Client.instances.values()):
        viewer = viewer_of(client)
        if viewer is not None and viewer.session_id == event.session_id:
            turn_away(client)


def turn_away(client: Client) -> None:
    """Send a page back to the login, and cut it off shortly after, whether it obeys or not."""
    client.open("/login")
    asyncio.get_running_loop().call_later(FAREWELL, lambda: background_tasks.create(_cut(client), name="cut off a page"))


async def _cut(client: Client) -> None:
    if client.is_deleted or not client.has_socket_connection:
        return  # it went by itself: NiceGUI has its end in hand, and would fall over a client that is gone already
    sockets = [sid for sid, _ in core.sio.manager.get_participants("/", client.id)]
    client.delete()
    for sid in sockets:
        await core.sio.disconnect(sid)


def _log_from_browser(client: Client, message: dict[str, Any]) -> None:
    level = {"warning": "WARNING", "error": "ERROR"}.get(str(message.get("level")), "DEBUG")
    logger.log(level, "Browser on {}: {}", client.page.path, str(message.get("message"))[:500])


def _asks_for_a_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "*/*").replace("*/*", "text/html")


def _refused(scope: Scope) -> Response:
    path: str = scope["path"]
    if not _asks_for_a_page(scope):
        return JSONResponse({"error": {"code": "not_signed_in"}}, 401)
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = f"{path}?{query}" if 0 < len(query) <= LONGEST_QUERY else path
    return RedirectResponse("/login?to=" + quote(wanted), 303)


def _same_origin(headers: Headers) -> bool:
    """Whether the browser says that our own page asks; clients that are no browsers send no Origin."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
