"""NiceGUI's own files: packed once for everybody, and nothing else is kept."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from nicegui import __version__
from nicegui.testing import User
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from components.shelf import Shelf
from services.app import App

FILE = f"/_nicegui/{__version__}/static/one.js"


class _Inner:
    """What stands behind the shelf, and counts how often it is asked."""

    def __init__(self, **headers: str) -> None:
        self.asked = 0
        self.status = 200
        self._headers = headers
        self.shelf = Shelf(Starlette(routes=[Route("/{path:path}", self._answer)]))

    async def _answer(self, request: Request) -> Response:
        self.asked += 1
        return PlainTextResponse(f"{request.url.path} " * 200, self.status, self._headers)

    async def get(self, path: str = FILE, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.shelf), base_url="http://test") as client:
            return await client.get(path, headers=headers)


async def test_a_file_is_packed_for_the_first_visitor_and_handed_to_the_next() -> None:
    inner = _Inner()
    first, second = await inner.get(), await inner.get()
    assert inner.asked == 1
    assert first.headers["content-encoding"] == second.headers["content-encoding"] == "gzip"
    assert first.text == second.text == f"{FILE} " * 200


async def test_who_takes_nothing_packed_or_asks_for_a_part_is_not_answered_from_the_shelf() -> None:
    inner = _Inner()
    await inner.get()
    asks: list[dict[str, Any]] = [{"accept-encoding": "identity"}, {"range": "bytes=0-9"}, {"if-none-match": '"x"'}]
    for headers in asks:
        await inner.get(**headers)
    assert inner.asked == 1 + len(asks)


@pytest.mark.parametrize("path", ["/webhooks", f"/_nicegui/{__version__}/dynamic_resources/one.js", "/_nicegui/0/static/one.js"])
async def test_what_may_change_is_asked_for_each_time(path: str) -> None:
    inner = _Inner()
    await inner.get(path)
    assert (await inner.get(path)).headers["content-encoding"] == "gzip"
    assert inner.asked == 2


async def test_a_fault_and_an_answer_with_a_cookie_are_nobody_elses() -> None:
    for inner in (_Inner(), _Inner(**{"set-cookie": "a=b"})):
        inner.status = 200 if "set-cookie" in inner._headers else 404
        await inner.get()
        await inner.get()
        assert inner.asked == 2


async def test_a_file_from_the_shelf_still_confines_the_page_and_lasts(screen: User, app: App) -> None:
    for _visit in range(2):
        answer = await screen.http_client.get(f"/_nicegui/{__version__}/static/nicegui.js")
        assert answer.status_code == 200
        assert "createApp" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers.get_list("content-security-policy")) == 1
