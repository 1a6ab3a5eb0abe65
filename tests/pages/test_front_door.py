"""How the one port of the screen is opened."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from aristobot.errors import ConfigurationError
from components.front_door import loop_factory
from components.listening import ScreenProtocol, Server, bind


def test_choosing_the_event_loop_puts_no_log_beside_ours() -> None:
    names = ("uvicorn", "uvicorn.error", "uvicorn.access")
    before = [list(logging.getLogger(name).handlers) for name in names]
    loop_factory()
    assert [logging.getLogger(name).handlers for name in names] == before


def test_a_port_is_taken_at_once_so_that_nobody_gets_it_a_second_time() -> None:
    with bind("127.0.0.1", 0) as first, pytest.raises(ConfigurationError) as caught:
        bind("127.0.0.1", first.getsockname()[1])
    assert (caught.value.code, caught.value.facts["field"]) == ("port_unusable", "port")


def test_a_host_that_there_is_not_is_refused_with_its_setting() -> None:
    with pytest.raises(ConfigurationError) as caught:
        bind("not a host", 0)
    assert "not a host" in str(caught.value.facts["value"])


async def test_a_page_keeps_its_socket_however_long_it_is_silent() -> None:
    class Hasty(ScreenProtocol):
        head_patience = body_patience = 0.05

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    with bind("127.0.0.1", 0) as bound:
        server = Server(uvicorn.Config(echo, http=Hasty, ws="wsproto", log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        async with connect(f"ws://127.0.0.1:{bound.getsockname()[1]}", proxy=None) as socket:
            assert (await asyncio.wait({asyncio.create_task(socket.wait_closed())}, timeout=0.3))[0] == set()
            await socket.send("still there?")
            assert await socket.recv() == "still there?"
        server.should_exit = True
        await serving
