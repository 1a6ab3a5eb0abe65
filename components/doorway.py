"""The doors for people who have not logged in, and addresses that lead nowhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler
from loguru import logger
from nicegui import Client, ui
from nicegui import app as web
from starlette.exceptions import HTTPException

from aristobot.errors import StoreError
from aristobot.language import use_language
from components.away import away_page
from components.entrance import Entrance

if TYPE_CHECKING:
    from services.app import App


class Lost:
    """An address that leads nowhere: the frame with its menu, and words of ours instead of NiceGUI's English face."""

    def __init__(self, shell: Callable[[Client], None]) -> None:
        self._shell = shell

    async def __call__(self, request: Request, error: HTTPException) -> Response:
        """Draw it; what is not a page is answered as FastAPI does."""
        if request.scope.get("endpoint") not in (None, web):
            return await http_exception_handler(request, error)
        with Client(ui.page("", title="Aristobot"), request=request) as client:
            self._shell(client)
        return client.build_response(request, 404)


class Door:
    """A page for people who have not logged in, in the language of the house."""

    def __init__(self, app: App, entrance: Entrance, build: Callable[..., Any]) -> None:
        self._app, self._entrance, self._build = app, entrance, build
        self.__signature__ = inspect.Signature(list(inspect.signature(build).parameters.values())[2:])

    async def __call__(self, **given: Any) -> Any:
        """Draw it."""
        language = self._app.settings.language
        with use_language(language):
            try:
                return await self._build(self._app, self._entrance, **given)
            except StoreError as error:
                logger.warning("A door cannot be drawn: {}", error)
                return away_page(error, language)
