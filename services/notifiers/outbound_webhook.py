"""A JSON document to an address of the user's, signed so that whoever listens there knows that it is ours.

Headers: `X-Aristobot-Delivery` names the message (the same one again when it is repeated), `X-Aristobot-Timestamp` the
second of sending, `X-Aristobot-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 of "timestamp.body" under the secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from aristobot.clock import Clock, iso_milliseconds
from services.notifiers.channel import ChannelFault, Message
from services.notifiers.web import Web, as_json

_TOO_MANY = 429


class OutboundWebhook:
    """Posts messages; anything but a 2xx answer is a failure."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._web = Web()

    async def send(self, settings: Mapping[str, Any], secret: Mapping[str, str], message: Message) -> None:
        """Post one message."""
        body = as_json(_document(message))
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "X-Aristobot-Delivery": message.id,
            "X-Aristobot-Timestamp": timestamp,
            "X-Aristobot-Signature": signature(secret.get("key", ""), timestamp, body),
        }
        status, _, answered = await self._web.post(secret.get("url", ""), body, headers)
        if status == _TOO_MANY:
            wait = answered.get("retry-after", "")
            raise ChannelFault("channel_busy", retry_after=float(wait) if wait.isdecimal() else 30.0)
        if not 200 <= status < 300:
            raise ChannelFault("channel_answer", status=status)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()


def signature(key: str, timestamp: str, body: bytes) -> str:
    """What the header of a genuine message says."""
    return "sha256=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _document(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": iso_milliseconds(message.at),
        "title": message.title,
        "text": message.text,
        "notifications": [
            {
                "id": item.id,
                "kind": item.kind,
                "code": item.code,
                "at": iso_milliseconds(item.at),
                "count": item.count,
                "text": item.text,
                "facts": dict(item.facts),
            }
            for item in message.items
        ],
    }
