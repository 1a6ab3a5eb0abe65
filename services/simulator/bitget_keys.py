"""Who asks at Bitget: key, passphrase, signature over the text that was sent, and how old a request may be."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.simulator.bitget_errors import BitgetError, wrong
from services.simulator.bitget_params import Params
from services.simulator.times import ExchangeClock

Check = Callable[[bytes, str], bool]
#: Milliseconds by which a timestamp may be off, either way.
TOLERANCE = 30_000
LONGEST_WINDOW = 60_000
#: What is signed to log a socket on, after the timestamp.
LOGIN = "GET/user/verify"


def checker(secret: str) -> Check:
    """How signatures are checked: HMAC-SHA256, or RSA when the secret is a PEM; raise ValueError for a broken one."""
    if "-----BEGIN" not in secret:
        key = secret.encode()
        return lambda text, given: hmac.compare_digest(base64.b64encode(hmac.digest(key, text, hashlib.sha256)), given.encode())
    public = _public(secret.strip().encode())

    def by_rsa(text: bytes, given: str) -> bool:
        try:
            public.verify(base64.b64decode(given, validate=True), text, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error):
            return False
        return True

    return by_rsa


def _public(pem: bytes) -> RSAPublicKey:
    key = load_pem_public_key(pem) if b"PUBLIC" in pem else load_pem_private_key(pem, None)
    if isinstance(key, RSAPrivateKey):
        return key.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def signed_texts(timestamp: str, method: str, path: str, query: bytes, body: bytes) -> list[bytes]:
    """The texts whose signature is good: with the query as it was sent, or as it reads when unquoted."""
    spoken = f"?{query.decode('latin-1')}" if query else ""
    start = timestamp + method + path
    texts = [(start + spoken).encode("latin-1") + body]
    if "%" in spoken:
        texts.append((start + unquote(spoken)).encode() + body)
    return texts


def milliseconds(timestamp: str) -> int | None:
    """A timestamp in seconds or milliseconds; None for anything else."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 16:
        return None
    return int(timestamp) * 1000 if len(timestamp) <= 11 else int(timestamp)


def check_age(timestamp: str, clock: ExchangeClock) -> None:
    """Refuse a timestamp that is no number of milliseconds, or too far away."""
    sent = milliseconds(timestamp)
    if sent is None:
        raise BitgetError("40005", "Invalid ACCESS_TIMESTAMP")
    if abs(clock.ms() - sent) > TOLERANCE:
        raise BitgetError("40008", "Request timestamp expired")


def check_window(params: Params, clock: ExchangeClock) -> None:
    """Refuse a request that says how long it lives (`requestTime`, `receiveWindow`) and has outlived it."""
    sent, window = params.integer("requestTime"), params.integer("receiveWindow")
    if window is None:
        return
    if sent is None:
        raise wrong("requestTime")
    if window > LONGEST_WINDOW:
        raise BitgetError("40079", f"receiveWindow cannot be greater than {LONGEST_WINDOW}")
    if not 0 <= clock.ms() - sent + 1000 <= window + 1000:
        raise BitgetError("40078", "The request is outside of its receiveWindow")
