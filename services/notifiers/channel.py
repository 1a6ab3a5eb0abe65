"""What every channel takes and may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aristobot.errors import AristobotError

#: Seconds that a channel may take for one message.
PATIENCE = 15.0


class ChannelFault(AristobotError):
    """A message did not leave; the code says why. `retry_after` are the seconds that the other side asks for, 0 for none."""

    default_code = "channel_unreachable"

    def __init__(self, code: str | None = None, *, retry_after: float = 0.0, **facts: object) -> None:
        super().__init__(code, **facts)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news inside a message."""

    id: str
    kind: str
    code: str
    text: str
    at: datetime
    count: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves, in the reader's language. Sent twice under the same id it is the same message."""

    id: str
    title: str
    text: str
    at: datetime
    items: tuple[Item, ...] = ()


class Channel(Protocol):
    """One way out. `settings` and `secret` are the user's; nothing of them is kept."""

    async def send(self, settings: Mapping[str, Any], secret: Mapping[str, str], message: Message) -> None:
        """Send one message; ChannelFault when it did not, or not surely, arrive."""

    async def close(self) -> None:
        """Let go of connections."""
