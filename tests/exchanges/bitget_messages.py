"""Bitget's own messages, as files, for the tests that read them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.exchanges.messages import PAYLOADS

BITGET = PAYLOADS / "bitget"


def body(path: str) -> bytes:
    """An answer, byte for byte."""
    return (BITGET / path).read_bytes()


def received(path: str) -> list[bytes]:
    """What the exchange says in a dialogue or a list of messages, each as one frame."""
    return [msgspec.json.encode(one["message"]) for one in json.loads(body(path)) if one.get("dir", "recv") == "recv"]


def sent(path: str) -> list[dict[str, Any]]:
    """What a client says in a dialogue."""
    return [one["message"] for one in json.loads(body(path)) if one.get("dir") == "send"]


def files() -> list[str]:
    """Every message at hand."""
    return sorted(
        str(path.relative_to(BITGET)) for path in BITGET.rglob("*.json") if path.name not in ("index.json", "witness.json")
    )


def vectors() -> dict[str, Any]:
    """Bitget's signing rules as data."""
    found: dict[str, Any] = json.loads((PAYLOADS / "signing-vectors.json").read_text())["bitget"]
    return found
