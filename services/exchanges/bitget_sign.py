"""How Bitget has its requests signed. Rule: Bitget API, "Signature" (the same for the classic and the unified account)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.bitget_errors import NAME

#: What a private socket has signed to log on.
_LOG_ON = "GET/user/verify"


class Signer:
    """Signs for one key, for the length of one call: HMAC, or RSA when the secret is a PEM private key."""

    def __init__(self, keys: Credentials) -> None:
        self.api_key = keys.api_key
        self._passphrase = keys.passphrase
        self._secret = keys.api_secret.encode()
        self._identity = b""

    @property
    def identity(self) -> bytes:
        """What tells this key from others, secret and passphrase included, and reveals none of the three."""
        if not self._identity:
            named = f"{len(self.api_key)}:{len(self._passphrase)}:{self.api_key}{self._passphrase}"
            self._identity = hashlib.blake2b(named.encode() + self._secret, digest_size=16).digest()
        return self._identity

    def sign(self, text: str) -> str:
        """The signature of a text, in base64. Raises BadKey for a private key that cannot be used."""
        if self._secret.startswith(b"-----BEGIN"):
            return b64encode(_rsa_key(self._secret).sign(text.encode(), PKCS1v15(), SHA256())).decode()
        return b64encode(hmac.digest(self._secret, text.encode(), "sha256")).decode()

    def headers(self, timestamp: int, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """The headers of a request: `timestamp` in milliseconds, `target` and `body` exactly as they are sent."""
        return {
            "ACCESS-KEY": self.api_key,
            "ACCESS-SIGN": self.sign(f"{timestamp}{method}{target}{body.decode()}"),
            "ACCESS-TIMESTAMP": str(timestamp),
            "ACCESS-PASSPHRASE": self._passphrase,
            "Content-Type": "application/json",
            "locale": "en-US",
        }

    def log_on(self, timestamp: int) -> bytes:
        """The first frame on a private socket; here the timestamp (given in milliseconds) goes out in seconds."""
        seconds = str(timestamp // 1000)
        credentials = {
            "apiKey": self.api_key,
            "passphrase": self._passphrase,
            "timestamp": seconds,
            "sign": self.sign(seconds + _LOG_ON),
        }
        return msgspec.json.encode({"op": "login", "args": [credentials]})


def target_of(path: str, params: Mapping[str, str]) -> str:
    """Path and query as both sent and signed: the parameters sorted by name."""
    if not params:
        return path
    return path + "?" + "&".join(f"{name}={quote(params[name], safe='')}" for name in sorted(params))


def _rsa_key(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("unreadable_private_key", exchange=NAME) from None
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("unsupported_private_key", exchange=NAME)
    return key
