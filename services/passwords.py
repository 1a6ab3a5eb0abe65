"""Passwords: which are strong enough, and how they are hashed (Argon2id, RFC 9106: 64 MiB, three passes)."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from aristobot.clock import Clock
from aristobot.errors import AccessDenied, InvalidInput

SHORTEST = 12
LONGEST = 1024
#: One lane: with more, OpenSSL shares a fixed number of threads, and two hashes at once wait for each other for ever.
_LANES = 1
_LEET = str.maketrans("01345789@$!", "oleastbgasi")
_QUEUE = 16
#: Hours for which a one-time password waits for its login.
ONE_TIME_HOURS = 72
ONE_TIME_LIFE = timedelta(hours=ONE_TIME_HOURS)
#: Letters and digits that nobody takes for one another on paper or on the telephone.
_CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"


class Cost(NamedTuple):
    """What one hash takes: so many passes over so much memory."""

    iterations: int
    memory_kib: int

    @property
    def prefix(self) -> str:
        """How every hash of this cost begins."""
        return f"$argon2id$v=19$m={self.memory_kib},t={self.iterations},p={_LANES}$"

    @property
    def nobody(self) -> str:
        """Costs exactly what a real hash costs and fits no password: what unknown users are checked against."""
        return self.prefix + "A" * 22 + "$" + "A" * 43


FULL = Cost(iterations=3, memory_kib=65536)
_cost = FULL


class Passwords:
    """Hashes and checks in threads, two at a time (64 MiB each); a longer queue than sixteen is turned away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(2)
        self._waiting = 0

    def once(self) -> tuple[str, datetime]:
        """A one-time password, and the moment from which it is good for nothing."""
        return one_time_password(), self._clock.now() + ONE_TIME_LIFE

    def check_in_time(self, until: datetime | None) -> None:
        """Raise AccessDenied (`password_expired`) for a one-time password whose time is over; None stands for one's own."""
        if until is not None and self._clock.now() >= until:
            raise AccessDenied("password_expired", hours=ONE_TIME_HOURS)

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        async with self._slots:
            return await asyncio.to_thread(_hash, password)

    async def check(self, stored: str | None, password: str) -> tuple[bool, str | None]:
        """Whether the password fits, and the hash to store anew when ours has older parameters.

        The same work is done for an unknown user (`stored` None or empty). Raises AccessDenied when too many wait.
        """
        if self._waiting >= _QUEUE:
            raise AccessDenied("too_many_attempts", retry_after=5)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(_check, stored, password[:LONGEST])
        finally:
            self._waiting -= 1


def _hash(password: str) -> str:
    derived = Argon2id(salt=os.urandom(16), length=32, iterations=_cost.iterations, lanes=_LANES, memory_cost=_cost.memory_kib)
    return derived.derive_phc_encoded(_bytes(password))


def _check(stored: str | None, password: str) -> tuple[bool, str | None]:
    try:
        Argon2id.verify_phc_encoded(_bytes(password), stored or _cost.nobody)
    except (InvalidKey, ValueError):
        return False, None
    return (True, None) if str(stored).startswith(_cost.prefix) else (True, _hash(password))


def _bytes(password: str) -> bytes:
    """NFKC, so that the same keys typed on another system make the same bytes (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def one_time_password() -> str:
    """Sixteen random characters, nearly 80 bits, in groups of four: to be read out, and used once."""
    return "-".join("".join(secrets.choice(_CLEAR) for _ in range(4)) for _ in range(4))


def check_strength(password: str, *, name: str = "", field: str = "password") -> None:
    """Raise InvalidInput for a password that is too short, too long, or among the first that anybody would try."""
    if len(password) < SHORTEST:
        raise InvalidInput("password_too_short", field=field, minimum=SHORTEST)
    if len(password) > LONGEST:
        raise InvalidInput("too_long", field=field, maximum=LONGEST)
    if _is_common(password) or (name and _letters(password) in (_letters(name), _letters(name) * 2)):
        raise InvalidInput("password_too_common", field=field)


def _is_common(password: str) -> bool:
    folded = password.casefold()
    if len(set(folded)) < 5 or _is_run(folded):
        return True
    core = _letters(re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded).translate(_LEET))
    return any(len(core) % len(word) == 0 and core == word * (len(core) // len(word)) for word in _common_words() if core)


def _is_run(text: str) -> bool:
    """`123456789012`, `abcdefghijkl`, `zyxwvu…`: every character follows the one before by the same step."""
    if text.isdigit():
        steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(text)}
    else:
        steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return len(steps) == 1


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalpha())


@lru_cache(maxsize=1)
def _common_words() -> tuple[str, ...]:
    return tuple(Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split())
