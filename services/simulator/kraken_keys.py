"""Who asks: keys, signatures over the very bytes received, nonces that only grow, and tokens for the sockets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from services.simulator.kraken_errors import PERMISSION_DENIED, KrakenError
from services.simulator.kraken_json import made_id
from services.simulator.records import Account
from services.simulator.times import ExchangeClock

#: Seconds within which a token has to be used.
TOKEN_SECONDS = 900
#: The largest nonce.
_LARGEST = 2**64 - 1
#: What Kraken calls the rights of a key, by ours.
RIGHTS = {
    "read": ("query-funds", "query-open-trades", "query-closed-trades", "query-ledger", "create-ws-token"),
    "trade": ("modify-trades", "close-trades"),
    "withdraw": ("withdraw-funds",),
    "transfer": ("add-funds",),
}


def decoded(secret: str) -> bytes:
    """A secret as it is used; raise ValueError for what is not base64."""
    try:
        return base64.b64decode(secret, validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64") from error


def signature(secret: bytes, path: bytes, nonce: str, body: bytes) -> str:
    """`API-Sign`: HMAC-SHA512 over the path and the SHA-256 of nonce and body, in base64 (REST guide, "Authentication")."""
    inner = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.digest(secret, path + inner, hashlib.sha512)).decode()


def check_signature(account: Account, path: str, nonce: str, body: bytes, given: str) -> None:
    """Refuse a signature that is not this account's over these bytes."""
    expected = signature(decoded(account.secret), path.encode(), nonce, body)
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise KrakenError("EAPI:Invalid signature")


def check_right(account: Account, right: str) -> None:
    """Refuse what this key may not do."""
    if right not in account.permissions:
        raise KrakenError(PERMISSION_DENIED)


def permissions(account: Account) -> list[str]:
    """The rights of a key in Kraken's words."""
    return [word for right, words in RIGHTS.items() if right in account.permissions for word in words]


class Nonces:
    """The nonces of one key. Without a window each must be above the highest; with one it may lie that much below, once."""

    def __init__(self) -> None:
        self.highest = -1
        self._recent: set[int] = set()

    def use(self, text: str, window: int) -> None:
        """Accept a nonce, or raise KrakenError."""
        if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST:
            raise KrakenError("EAPI:Invalid nonce")
        nonce = int(text)
        if nonce <= self.highest - window or (nonce <= self.highest and (not window or nonce in self._recent)):
            raise KrakenError("EAPI:Invalid nonce")
        self.highest = max(self.highest, nonce)
        if window:
            self._recent.add(nonce)
            self._recent = {one for one in self._recent if one > self.highest - window}


@dataclass(slots=True)
class _Token:
    account: Account
    made_at: int


@dataclass(slots=True)
class Tokens:
    """Tokens for the private socket: made on request, to be used within a quarter of an hour."""

    clock: ExchangeClock
    _known: dict[str, _Token] = field(default_factory=dict)

    def make(self, account: Account) -> str:
        """A new token of an account."""
        now = self.clock.ms()
        for text in [text for text, token in self._known.items() if token.made_at < now - 100 * TOKEN_SECONDS * 1000]:
            del self._known[text]
        raw = made_id("W", account.key, now, len(self._known), id(account)) + account.key
        text = base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
        self._known[text] = _Token(account, now)
        return text

    def owner(self, text: str) -> Account | None:
        """Whose token it is; None for an unknown or an old one."""
        token = self._known.get(text)
        if token is None or token.made_at < self.clock.ms() - TOKEN_SECONDS * 1000:
            return None
        return token.account
