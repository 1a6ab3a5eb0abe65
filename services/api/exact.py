"""Request bodies read without floats: a JSON number keeps the digits that were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute


class _ExactRequest(Request):
    async def json(self) -> Any:
        """The body, its numbers as int or Decimal; NaN and Infinity are no JSON."""
        if not hasattr(self, "_json"):
            text = (await self.body()).decode("utf-8-sig", "strict")
            self._json = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
        return self._json


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", constant, 0)


class ExactRoute(APIRoute):
    """A route whose request bodies are read exactly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with our request in the place of the framework's."""
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return exact
