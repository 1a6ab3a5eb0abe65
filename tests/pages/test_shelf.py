"""NiceGUI's own files: packed once for everybody, and nothing else is kept."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import __version__
from nicegui.testing import User
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.shelf import Shelf
from services.app import App

FILE = f"/_nicegui/{__version__}/static/one.js"
FONT = f"/_nicegui/{__version__}/static/one.woff2"


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
        return await _fetched(self.shelf, path, **headers)


class _Files:
    """A folder of files behind the shelf, each read so many bytes at a time."""

    def __init__(self, folder: Path, chunk: int) -> None:
        self._folder = folder
        self._chunk = chunk
        self.asked = 0
        self.grows = False
        self.shelf = Shelf(self._answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        file = self._folder / scope["path"].rpartition("/")[2]
        answer = FileResponse(file, stat_result=os.stat(file))
        answer.chunk_size = self._chunk
        if self.grows:
            file.write_bytes(file.read_bytes() * 2)
        await answer(scope, receive, send)


async def _fetched(shelf: ASGIApp, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shelf), base_url="http://test") as client:
        return await client.get(path, headers=headers)


async def _leave_after(shelf: ASGIApp, path: str, messages: int) -> None:
    """Ask for a file as a browser does that leaves the page when so many messages of the answer have come."""
    left, written = asyncio.Event(), asyncio.Event()
    asks = iter([{"type": "http.request", "body": b"", "more_body": False}])
    come: list[Message] = []

    async def receive() -> Message:
        ask = next(asks, None)
        if ask is None:
            await left.wait()
            return {"type": "http.disconnect"}
        return ask

    async def send(message: Message) -> None:
        come.append(message)
        if len(come) >= messages:
            left.set()
            await written.wait()

    asgi = {"version": "3.0", "spec_version": "2.3"}
    headers = [(b"accept-encoding", b"gzip")]
    await shelf({"type": "http", "asgi": asgi, "method": "GET", "path": path, "headers": headers}, receive, send)


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


@pytest.mark.parametrize("path", [FILE, FONT])
@pytest.mark.parametrize("messages", [1, 2, 3])
async def test_who_leaves_in_the_middle_leaves_the_next_visitor_the_whole_file(path: str, messages: int, tmp_path: Path) -> None:
    content = os.urandom(5000)
    (tmp_path / path.rpartition("/")[2]).write_bytes(content)
    files = _Files(tmp_path, chunk=1000)
    await _leave_after(files.shelf, path, messages)
    for _visit in range(2):
        assert (await _fetched(files.shelf, path)).content == content
    assert files.asked == 2


@pytest.mark.parametrize("path", [FILE, FONT])
async def test_two_who_come_at_once_and_the_one_after_them_all_get_the_whole_file(path: str, tmp_path: Path) -> None:
    content = os.urandom(5000)
    (tmp_path / path.rpartition("/")[2]).write_bytes(content)
    files = _Files(tmp_path, chunk=1000)
    both = await asyncio.gather(_fetched(files.shelf, path), _fetched(files.shelf, path))
    assert [one.content for one in (*both, await _fetched(files.shelf, path))] == [content] * 3
    assert files.asked == 2


@pytest.mark.parametrize("path", [FILE, FONT])
async def test_a_file_that_is_replaced_while_it_is_read_is_not_kept(path: str, tmp_path: Path) -> None:
    (tmp_path / path.rpartition("/")[2]).write_bytes(b"old " * 500)
    files = _Files(tmp_path, chunk=1000)
    files.grows = True
    await _fetched(files.shelf, path)
    files.grows = False
    answer = await _fetched(files.shelf, path)
    assert answer.content == b"old " * 1000
    assert files.asked == 2


async def test_a_file_from_the_shelf_still_confines_the_page_and_lasts(screen: User, app: App) -> None:
    for _visit in range(2):
        answer = await screen.http_client.get(f"/_nicegui/{__version__}/static/nicegui.js")
        assert answer.status_code == 200
        assert "createApp" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers.get_list("content-security-policy")) == 1
