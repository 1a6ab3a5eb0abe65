"""The API put together: a FastAPI of its own, which answers its paths before anything of the screen sees them."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from fastapi import FastAPI
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import NoMatchFound
from starlette.types import ASGIApp

from aristobot import __version__
from services.api import (
    account,
    activations,
    backtests,
    brokers,
    failures,
    feeds,
    health,
    heartbeat,
    house,
    market,
    notifications,
    orders,
    people,
    positions,
    statistics,
    strategies,
    studies,
    webhooks,
)
from services.api.auth import Administrator
from services.api.description import page_of
from services.api.envelope import Envelope
from services.app import App

_RESOURCES = (
    account,
    people,
    market,
    brokers,
    orders,
    positions,
    webhooks,
    strategies,
    activations,
    statistics,
    heartbeat,
    house,
    notifications,
    backtests,
    studies,
    health,
    feeds,
)


def build(app: App) -> ASGIApp:
    """The whole API of a house, as an ASGI application."""
    return Envelope(_api(), app)


@cache
def _api() -> FastAPI:
    """The same for every house: a request brings its house along."""
    api = FastAPI(
        title="Aristobot",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses={"default": {"model": failures.FailureAnswer, "description": "not done, and why"}},
    )
    failures.install(api)
    for resource in _RESOURCES:
        api.include_router(resource.router)
    _describe(api)
    with suppress(NoMatchFound):  # FastAPI makes the routes when one is looked for: not while the first request holds the loop
        api.url_path_for("")
    return api


def _describe(api: FastAPI) -> None:
    """The description of the API, and a page to read it: for administrators alone."""

    @api.get("/api/openapi.json", include_in_schema=False)
    async def description(who: Administrator) -> JSONResponse:
        return JSONResponse(api.openapi())

    @api.get("/api/docs", include_in_schema=False)
    async def page(who: Administrator) -> HTMLResponse:
        return HTMLResponse(page_of(api.openapi()))
