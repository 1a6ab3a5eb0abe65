"""Which paths are the API's, and the API itself, made when one of them is asked for the first time."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from services.app import App

_PATHS = ("/api", "/ws", "/health", "/ready", "/metrics")


class ApiPaths:
    """Stands before the screen's application: our paths to the API, everything else on to `inner`."""

    def __init__(self, inner: ASGIApp, house: App) -> None:
        self._inner = inner
        self._house = house
        self._api: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request to whoever answers its path."""
        if not (scope["type"] in ("http", "websocket") and takes(scope["path"])):
            await self._inner(scope, receive, send)
            return
        if self._api is None:
            self._api = asyncio.create_task(asyncio.to_thread(_built, self._house))
        api = await asyncio.shield(self._api)
        await api(scope, receive, send)


def takes(path: str) -> bool:
    """Whether a path belongs to the API."""
    return any(path == own or path.startswith(own + "/") for own in _PATHS)


def _built(house: App) -> ASGIApp:
    # the schemas of a hundred questions and answers take longer to make than the first page: nobody waits for them there
    from services.api.application import build

    return build(house)
