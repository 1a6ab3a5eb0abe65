"""Random tokens of 256 bits: what is handed out, and the hash that is kept instead."""

from __future__ import annotations

import hashlib
import secrets


def new_token(prefix: str = "") -> str:
    """Fresh text for an address, a header or a cookie."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """SHA-256, in hexadecimal. No salt and no slow hash: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
