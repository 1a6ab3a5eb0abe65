"""How Kraken's private calls are signed, and the numbers that must grow from one to the next.

Rules: Kraken API, "Authentication": base64(HMAC-SHA512(base64decode(secret), path + SHA256(nonce + body))).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from urllib.parse import quote_plus

from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.clocks import ExchangeClock
from services.exchanges.http import Request
from services.exchanges.kraken_errors import NAME

Form = Mapping[str, str]

_MILLION = 1_000_000
#: Values without anything that forms write differently, colons and commas apart.
_PLAIN = re.compile(r"[A-Za-z0-9_.:,-]*").fullmatch
#: How far ahead the next number is taken once one was refused, in nanoseconds: our clock, or another's, may have stepped back.
_LEAP = 30 * 10**9


class Nonces:
    """Numbers that only grow, for one key: nanoseconds of the exchange's clock, so that a restart does not fall behind."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A number larger than any before."""
        self._last = max(self._last + 1, self._clock.timestamp() * _MILLION)
        return self._last

    def leap(self) -> None:
        """The exchange has seen a larger one than ours: get ahead of it."""
        self._last += _LEAP


class Signer:
    """Signs for one key, for the length of one call."""

    def __init__(self, keys: Credentials) -> None:
        self.api_key = keys.api_key
        self._secret = keys.api_secret

    @property
    def identity(self) -> bytes:
        """What tells this key from others, secret included, and reveals neither."""
        named = f"{len(self.api_key)}:{self.api_key}{self._secret}"
        return hashlib.blake2b(named.encode(), digest_size=16).digest()

    def sign(self, path: str, nonce: int, body: bytes) -> str:
        """The `API-Sign` of a body. Raise BadKey for a secret that cannot be one."""
        try:
            secret = a2b_base64(self._secret.strip(), strict_mode=True)
        except ValueError:
            raise BadKey(exchange=NAME) from None
        message = path.encode() + hashlib.sha256(b"%d%b" % (nonce, body)).digest()
        return b64encode(hmac.digest(secret, message, "sha512")).decode()

    def request(self, path: str, form: Form, nonce: int) -> Request:
        """A private call, signed. Raise BadKey."""
        body = f"nonce={nonce}{''.join([f'&{name}={_encoded(value)}' for name, value in form.items()])}".encode()
        headers = {
            "API-Key": self.api_key,
            "API-Sign": self.sign(path, nonce, body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return Request("POST", path, headers, body)


def _encoded(value: str) -> str:
    """A value as forms write it; most are written as they are."""
    return value.replace(":", "%3A").replace(",", "%2C") if _PLAIN(value) else quote_plus(value)
