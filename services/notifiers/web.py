"""One HTTP request to the outside, and its failures in the words of channels."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aristobot.errors import InvalidInput
from services.notifiers.channel import PATIENCE, ChannelFault

if TYPE_CHECKING:
    import httpx

#: Of an answer no more is read.
_LONGEST_ANSWER = 100_000


class Web:
    """A client that follows nobody's redirect and waits a limited time."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, *, patience: float = PATIENCE
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Post JSON; the status, the body and the headers of the answer. ChannelFault when there is none."""
        import httpx  # only a house that has something to say outside waits for it

        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False)
        host = urlsplit(url).hostname or ""
        sent = {"Content-Type": "application/json", "User-Agent": "Aristobot", **(headers or {})}
        try:
            async with self._client.stream("POST", url, content=body, headers=sent, timeout=patience) as answer:
                read = b""
                async for chunk in answer.aiter_bytes():
                    read += chunk
                    if len(read) > _LONGEST_ANSWER:
                        break
                return answer.status_code, read, answer.headers
        except httpx.TimeoutException:
            raise ChannelFault("channel_slow", host=host) from None
        except httpx.HTTPError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise ChannelFault("channel_certificate", host=host) from None
            raise ChannelFault("channel_unreachable", host=host) from None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def checked_url(text: str, field: str = "url") -> str:
    """The address when it is one of the web; InvalidInput."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not text.strip().isprintable():
        raise InvalidInput("not_a_web_address", field=field)
    return text.strip()


def as_json(document: Mapping[str, Any]) -> bytes:
    """Compact JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def read_json(body: bytes) -> dict[str, Any]:
    """The object that a body holds; empty for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
