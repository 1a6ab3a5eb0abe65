"""Around every request: its house, a trace id, a limit on its size, headers, a log line, a last answer for our own mistakes."""

from __future__ import annotations

from loguru import logger
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aristobot.language import explain
from aristobot.logs import log_context, new_trace_id
from services.app import App

LARGEST_BODY = 64 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class Envelope:
    """Pure ASGI: it never buffers, and it sees every request before anything else does."""

    def __init__(self, app: ASGIApp, house: App) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["house"] = self._house
        trace_id = new_trace_id()
        with log_context(service="web", trace_id=trace_id):
            if scope["type"] == "http":
                await self._request(scope, receive, send, trace_id)
            else:
                await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> None:
        started, taken = False, 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:
                raise HTTPException(413)  # the framework hands it on, whoever was reading the body
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Trace-Id"] = trace_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                logger.debug("{} {} {}", scope["method"], scope["path"], message["status"])
            await send(message)

        if _announced(scope) > LARGEST_BODY:
            await self._refuse(413, "body_too_large", trace_id)(scope, receive, dressed)
            return
        try:
            await self._app(scope, limited, dressed)
        except Exception:
            logger.exception("A request failed: {} {}", scope["method"], scope["path"])
            if not started:
                await self._refuse(500, "internal", trace_id)(scope, receive, dressed)

    def _refuse(self, status: int, code: str, trace_id: str) -> JSONResponse:
        message = explain(code, {"maximum": LARGEST_BODY // 1024}, self._house.settings.language)
        return JSONResponse({"error": {"code": code, "message": message, "trace_id": trace_id}}, status)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
