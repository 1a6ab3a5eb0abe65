"""Where the paths of the one port part: alerts to the receiver, programs to the API, browsers to the pages."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from services.api.paths import ApiPaths
from services.app import App


class Crossing:
    """Pure ASGI. Alerts pass without any handling of sessions. (By `app` NiceGUI finds its server.)"""

    def __init__(self, web: FastAPI, house: App) -> None:
        self.app = web
        self._receiver = house.receiver
        self._others = ApiPaths(web, house)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http" and self._receiver.takes(scope["path"]):
            await self._receiver.asgi(scope, receive, send)
        else:
            await self._others(scope, receive, send)
