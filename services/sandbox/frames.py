"""What goes over the pipes between the house and a strategy's process: JSON in frames, and arrays as raw floats.

A frame is four bytes of length (big-endian), one byte of kind, and so many bytes. Never pickle: unpickling what a strategy
sends would let it run code in the house. To the child: REQUEST, and ARRAY, whose JSON tells name and rows and is followed by
the columns as little-endian 8-byte floats. From the child: LOG (plain text), PROGRESS, ANSWER.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct(">IB")
REQUEST, ARRAY, ANSWER, LOG, PROGRESS = range(5)


def encoded(message: object) -> bytes:
    """JSON without NaN and infinity: ValueError for those, TypeError for what is no JSON at all."""
    return json.dumps(message, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def frame(kind: int, body: bytes) -> bytes:
    """One frame, ready to be sent."""
    return HEADER.pack(len(body), kind) + body


def decoded(body: bytes) -> dict[str, Any]:
    """The object in a frame; ValueError for anything else, NaN and infinity included."""
    message = json.loads(body, parse_constant=_no_number)
    if not isinstance(message, dict):
        raise ValueError("no object")
    return message


def _no_number(text: str) -> float:
    raise ValueError(text)
