"""Who asks: API keys, signatures over the very bytes received, and the window of time in which a request is good."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.simulator.binance_errors import BinanceError, missing
from services.simulator.records import Account
from services.simulator.times import ExchangeClock

Verify = Callable[[bytes, str], bool]
_KEY_FORM = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
#: A timestamp may be this far ahead of the exchange's clock.
AHEAD_US = 1_000_000
LONGEST_WINDOW = Decimal(60_000)
WRONG_KEY = -2015


def verifier(secret: str) -> Verify:
    """How signatures of a key are checked: HMAC-SHA256 with a plain secret, else by the PEM (private or public) it is."""
    if not secret.lstrip().startswith("-----BEGIN"):
        return _hmac(secret.encode())
    pem = secret.strip().encode() + b"\n"
    key = load_pem_public_key(pem) if b"PUBLIC KEY" in pem else load_pem_private_key(pem, None)
    if isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        key = key.public_key()
    if isinstance(key, Ed25519PublicKey):
        return _ed25519(key)
    if isinstance(key, RSAPublicKey):
        return _rsa(key)
    raise ValueError("neither an Ed25519 nor an RSA key")


def is_ed25519(secret: str) -> bool:
    """Whether the key may log a session on."""
    return secret.lstrip().startswith("-----BEGIN") and verifier(secret).__name__ == "by_ed25519"


def _hmac(secret: bytes) -> Verify:
    def by_hmac(payload: bytes, signature: str) -> bool:
        expected = hmac.digest(secret, payload, hashlib.sha256).hex()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return by_hmac


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _ed25519(key: Ed25519PublicKey) -> Verify:
    def by_ed25519(payload: bytes, signature: str) -> bool:
        try:
            key.verify(_decoded(signature), payload)
        except InvalidSignature:
            return False
        return True

    return by_ed25519


def _rsa(key: RSAPublicKey) -> Verify:
    def by_rsa(payload: bytes, signature: str) -> bool:
        try:
            key.verify(_decoded(signature), payload, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    return by_rsa


def without_signature(text: bytes) -> bytes:
    """A query or body with its `signature=` taken out."""
    if b"signature=" not in text:
        return text
    return b"&".join(pair for pair in text.split(b"&") if not pair.startswith(b"signature="))


def socket_payload(given: Mapping[str, str]) -> bytes:
    """What is signed on the WebSocket API: everything but the signature, sorted by name, not percent-encoded."""
    return "&".join([f"{name}={given[name]}" for name in sorted(given) if name != "signature"]).encode()


def check_key_form(key: str) -> None:
    """Refuse what cannot be a key."""
    if not _KEY_FORM.fullmatch(key):
        raise BinanceError(-2014, "API-key format invalid.", status=401)


def wrong_key() -> BinanceError:
    """The key is unknown, or may not do this."""
    return BinanceError(WRONG_KEY, "Invalid API-key, IP, or permissions for action.", status=401)


def check_rights(account: Account, permission: str) -> None:
    """Refuse what this key may not do."""
    if permission not in account.permissions:
        raise wrong_key()


def check_window(given: Mapping[str, str], clock: ExchangeClock) -> None:
    """Refuse a timestamp that lies ahead, or further back than the window; milliseconds or microseconds both do."""
    timestamp = given.get("timestamp")
    if not timestamp or not timestamp.isascii() or not timestamp.isdigit():
        raise missing("timestamp")
    sent = int(timestamp) if len(timestamp) >= 16 else int(timestamp) * 1000
    age = clock.us() - sent
    if age < -AHEAD_US:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if age > _window_us(given.get("recvWindow")):
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window_us(text: str | None) -> int:
    if text is None:
        return 5_000_000
    try:
        window = Decimal(text)
    except InvalidOperation:
        raise missing("recvWindow") from None
    if not window.is_finite() or window < 0:
        raise missing("recvWindow")
    if window > LONGEST_WINDOW:
        raise BinanceError(-1102, "'recvWindow' contains unexpected value. Cannot be greater than '60000'.")
    return int(window * 1000)
