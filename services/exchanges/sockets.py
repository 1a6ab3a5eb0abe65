"""Opening a websocket the way all of ours are opened."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import cache
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from aristobot.errors import ConnectionLost, RateLimited
from services.exchanges.transport import Link

_LARGEST_FRAME = 16 * 1024 * 1024
_FRAMES_WAITING = 1024
_PING = 20.0


class Connection(ClientConnection):
    """A connection that can hand on its messages the moment they are here, without a task that waits for them.

    `on_text` gets every whole text message from the moment on at which it is set; until then, and once the server has cut a
    message into pieces, messages are for `recv`, in the order in which they came.
    """

    on_text: Callable[[bytes], None] | None = None

    def process_event(self, event: Event) -> None:
        """One frame, as it came."""
        if self.on_text is not None and isinstance(event, Frame) and event.opcode is Opcode.TEXT:
            if event.fin:
                self.on_text(bytes(event.data))
                return
            self.on_text = None
        super().process_event(event)


async def open_socket(url: str, link: Link) -> Connection:
    """A connection, upgraded and answering pings. Raise ConnectionLost, or RateLimited when the exchange turns us away."""
    secure = await asyncio.to_thread(_trusted) if url.startswith("wss:") else None
    logger = logging.getLogger("services.exchanges.sockets")
    logger.setLevel(logging.WARNING)  # at DEBUG the library would write every frame, signatures included
    try:
        opened = await connect(
            url,
            create_connection=Connection,
            ssl=secure,
            compression=None,
            open_timeout=link.timeouts.connect,
            ping_interval=_PING,
            ping_timeout=_PING,
            close_timeout=1.0,
            max_size=_LARGEST_FRAME,
            max_queue=_FRAMES_WAITING,
            proxy=None,
            logger=logger,
        )
        return cast(Connection, opened)
    except InvalidStatus as error:
        if error.response.status_code in (429, 418):
            wait = error.response.headers.get("Retry-After", "")
            link.budget.silence(float(wait) if wait.isdecimal() else 60.0)
            raise RateLimited(retry_after=link.budget.silent_for, exchange=link.exchange) from None
        raise ConnectionLost(exchange=link.exchange, detail=f"HTTP {error.response.status_code}") from None
    except (InvalidHandshake, OSError, TimeoutError, EOFError) as error:
        raise ConnectionLost(exchange=link.exchange, detail=type(error).__name__) from None


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts: read once, since that takes longer than anything on the loop may."""
    return ssl.create_default_context()
