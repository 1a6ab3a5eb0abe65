"""Opening a websocket the way all of ours are opened."""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import cache
from typing import TypeVar, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from aristobot.errors import ConnectionLost, RateLimited
from services.exchanges.connection import LARGEST_FRAME
from services.exchanges.transport import Link

_FRAMES_WAITING = 1024
_PING = 20.0

C = TypeVar("C", bound=ClientConnection)


async def open_socket(url: str, link: Link, kind: type[C]) -> C:
    """A connection of that kind, upgraded, answering pings. Raise ConnectionLost, or RateLimited when we are turned away."""
    secure = await asyncio.to_thread(trusted) if url.startswith("wss:") else None
    logger = logging.getLogger("services.exchanges.sockets")
    logger.setLevel(logging.WARNING)  # at DEBUG the library would write every frame, signatures included
    try:
        opened = await connect(
            url,
            create_connection=kind,
            ssl=secure,
            compression=None,
            open_timeout=link.timeouts.connect,
            ping_interval=_PING,
            ping_timeout=_PING,
            close_timeout=1.0,
            max_size=LARGEST_FRAME,
            max_queue=_FRAMES_WAITING,
            proxy=None,
            logger=logger,
        )
        return cast(C, opened)
    except InvalidStatus as error:
        if error.response.status_code in (429, 418):
            wait = error.response.headers.get("Retry-After", "")
            link.budget.silence(float(wait) if wait.isdecimal() else 60.0)
            raise RateLimited(retry_after=link.budget.silent_for, exchange=link.exchange) from None
        raise ConnectionLost(exchange=link.exchange, detail=f"HTTP {error.response.status_code}") from None
    except (InvalidHandshake, OSError, TimeoutError, EOFError) as error:
        raise ConnectionLost(exchange=link.exchange, detail=type(error).__name__) from None


@cache
def trusted() -> ssl.SSLContext:
    """Whom this machine trusts: read once, since that takes longer than anything on the loop may."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
