"""The exchanges' own messages, as files, for the tests that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

PAYLOADS = Path(__file__).parent / "payloads"
BINANCE = PAYLOADS / "binance"


def body(path: str) -> bytes:
    """A REST answer, byte for byte."""
    return (BINANCE / path).read_bytes()


def received(path: str) -> list[bytes]:
    """What the exchange says in a dialogue, each message as one frame."""
    return [msgspec.json.encode(_numbered(one["message"])) for one in json.loads(body(path)) if one.get("dir", "recv") == "recv"]


def result(path: str) -> bytes:
    """The result inside the one answer of a WebSocket API dialogue."""
    return msgspec.json.encode(json.loads(received(path)[0])["result"])


def event(path: str) -> bytes:
    """The event a user-stream dialogue ends with."""
    return msgspec.json.encode(json.loads(received(path)[-1])["event"])


def composed() -> list[dict[str, Any]]:
    """The private messages written from the field tables."""
    return [one["message"] for one in json.loads(body("composed/user-stream.json"))]


def recorded() -> list[bytes]:
    """Frames of the combined stream as they came over the wire."""
    return body("recorded-2021-10/combined-stream.jsonl").splitlines()


def vectors() -> dict[str, Any]:
    """Binance's signing rules as data."""
    found: dict[str, Any] = json.loads((PAYLOADS / "signing-vectors.json").read_text())["binance"]
    return found


def _numbered(message: Any) -> Any:
    """In the files a generated id is written `|1|`."""
    return {**message, "id": 1} if isinstance(message, dict) and message.get("id") == "|1|" else message
