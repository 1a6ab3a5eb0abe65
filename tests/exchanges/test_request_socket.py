"""Questions on a socket when it ends at the wrong moment: what did not leave certainly did not, whoever else gave up."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from aristobot.clock import SystemClock
from aristobot.errors import ConnectionLost, OutcomeUnknown
from services.exchanges.connection import Connection
from services.exchanges.request_socket import RequestSocket
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link
from tests.exchanges.small_server import soon
from tests.exchanges.test_connection import speaking


class Numbered(msgspec.Struct):
    """An answer."""

    id: int | None = None


_NUMBERED = msgspec.json.Decoder(Numbered)


class Talk:
    """A server that counts what it gets and says nothing."""

    def __init__(self) -> None:
        self.got = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        """Listen."""
        writer.write(upgrade)
        while data := await reader.read(4096):
            self.got += data


async def asking(url: str) -> tuple[RequestSocket[Numbered], Connection]:
    """A socket for questions, and what it is made of."""
    link = Link("binance", SystemClock(), 6000)
    connection = await open_socket(url, link, Connection)
    return RequestSocket(connection, link, _NUMBERED.decode, lambda _: None), connection


async def test_what_never_left_is_not_in_doubt_although_another_gave_up_meanwhile() -> None:
    talk = Talk()
    async with speaking(talk) as url:
        questions, connection = await asking(url)

        def end() -> None:
            gone.cancel()
            connection.protocol.send_close(1000)

        gone, kept = (asyncio.ensure_future(questions.ask(questions.next_id(), b"an order")) for _ in range(2))
        asyncio.get_running_loop().call_soon(end)  # behind both questions, before they leave
        with pytest.raises(ConnectionLost):
            await kept
        with pytest.raises(asyncio.CancelledError):
            await gone
        connection.transport.abort()
        await questions.closed
    assert talk.got == b""


async def test_what_was_sent_on_a_socket_that_ends_is_in_doubt() -> None:
    talk = Talk()
    async with speaking(talk) as url:
        questions, connection = await asking(url)
        asked = [asyncio.ensure_future(questions.ask(questions.next_id(), b"an order")) for _ in range(3)]
        await soon(lambda: bool(talk.got))
        connection.transport.abort()
        for one in asked:
            with pytest.raises(OutcomeUnknown):
                await one
        assert questions.in_flight == 0
        with pytest.raises(ConnectionLost):
            await questions.ask(questions.next_id(), b"too late")


async def test_a_question_that_was_given_up_before_it_left_stays_here() -> None:
    talk = Talk()
    async with speaking(talk) as url:
        questions, connection = await asking(url)
        given_up = asyncio.ensure_future(questions.ask(questions.next_id(), b"x" * 100))
        asyncio.get_running_loop().call_soon(given_up.cancel)
        kept = asyncio.ensure_future(questions.ask(questions.next_id(), b"y" * 50))
        await soon(lambda: bool(talk.got))
        assert len(talk.got) < 100
        connection.transport.abort()
        await asyncio.wait([given_up, kept])
        assert given_up.cancelled()
