"""Binance's three ways to sign, and the two texts they sign. Rules: Binance Spot API, "Request security"."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.binance_errors import NAME

Params = Mapping[str, str | int | bool]


class Signer:
    """Signs for one key, for the length of one call. A PEM private key as secret means Ed25519 or RSA, else HMAC."""

    def __init__(self, keys: Credentials) -> None:
        self.api_key = keys.api_key
        self._secret = keys.api_secret.encode()

    @cached_property
    def _private(self) -> Ed25519PrivateKey | RSAPrivateKey | None:
        """The private key, read only when something is really signed with it. Raises BadKey."""
        return _private_key(self._secret) if self._secret.lstrip().startswith(b"-----BEGIN") else None

    @property
    def may_log_on(self) -> bool:
        """Whether a socket can be authenticated once for all: Ed25519 keys only. Raises BadKey."""
        return isinstance(self._private, Ed25519PrivateKey)

    @property
    def identity(self) -> bytes:
        """What tells this key from others, secret included, and reveals neither."""
        return hashlib.blake2b(f"{len(self.api_key)}:{self.api_key}".encode() + self._secret, digest_size=16).digest()

    def sign(self, text: str) -> str:
        """The signature of a text: hex for HMAC, base64 for the others."""
        payload = text.encode()
        if self._private is None:
            # not `hmac.digest`, which gives the interpreter away for a microsecond's work: on a busy one it comes back late
            return hmac.new(self._secret, payload, "sha256").hexdigest()
        if isinstance(self._private, Ed25519PrivateKey):
            return b64encode(self._private.sign(payload)).decode()
        return b64encode(self._private.sign(payload, PKCS1v15(), SHA256())).decode()

    def query(self, params: Params, timestamp: int) -> str:
        """A signed REST query: percent-encoded first, then signed, then the signature appended (percent-encoded too)."""
        text = encoded({**params, "timestamp": timestamp})
        return f"{text}&signature={quote(self.sign(text), safe='')}"

    def params(self, params: Params, timestamp: int) -> dict[str, str | int | bool]:
        """Signed parameters of a WebSocket API request: sorted by name, not percent-encoded, the key included."""
        signed: dict[str, str | int | bool] = {**params, "apiKey": self.api_key, "timestamp": timestamp}
        signed["signature"] = self.sign("&".join([f"{name}={_word(signed[name])}" for name in sorted(signed)]))
        return signed


def encoded(params: Params) -> str:
    """`name=value` pairs, UTF-8, percent-encoded."""
    return "&".join([f"{name}={quote(_word(value), safe='')}" for name, value in params.items()])


def _word(value: str | int | bool) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower()  # of the rest only True and False have letters


def _private_key(pem: bytes) -> Ed25519PrivateKey | RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.strip(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("unreadable_private_key", exchange=NAME) from None
    if isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        return key
    raise BadKey("unsupported_private_key", exchange=NAME)
