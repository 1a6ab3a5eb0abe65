"""What goes over the pipes between the house and a strategy's process: JSON in frames, and arrays as raw floats.

A frame is four bytes of length (big-endian), one byte of kind, and so many bytes. Never pickle: unpickling what a strategy
sends would let it run code in the house. To the child: REQUEST, and ARRAY, whose JSON tells name and rows and is followed by
the columns as little-endian 8-byte floats. From the child: LOG (plain text), PROGRESS, ANSWER.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec

HEADER = struct.Struct(">IB")
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_OBJECT = msgspec.json.Decoder(dict[str, Any])
REQUEST, ARRAY, ANSWER, LOG, PROGRESS = range(5)


def encoded(message: object) -> bytes:
    """JSON without NaN and infinity: ValueError for those, TypeError for what is no JSON at all."""
    return _ENCODER.encode(message).encode("utf-8", "replace")


def frame(kind: int, body: bytes) -> bytes:
    """One frame, ready to be sent."""
    return HEADER.pack(len(body), kind) + body


def decoded(body: bytes) -> dict[str, Any]:
    """The object in a frame; ValueError for anything else: NaN, infinity, half characters, a tower of brackets."""
    try:
        return _OBJECT.decode(body)
    except RecursionError:
        raise ValueError("too deep") from None
