"""The second factor: time-based codes (RFC 6238, as every phone app makes them) and recovery codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from aristobot.clock import Clock
from aristobot.errors import InvalidInput
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession, one_at_a_time
from aristobot.vault import Vault
from services.audit_trail import Actor, AuditTrail

STEP_SECONDS = 30
_DIGITS = 6
_RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that waits for its first code, and the `otpauth://` address of its QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


class SecondFactor:
    """Switches the codes on and off, and uses them up: each counts once."""

    def __init__(self, db: Database, clock: Clock, vault: Vault, trail: AuditTrail) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._trail = trail
        self._waiting: dict[uuid.UUID, Enrolment] = {}

    def begin(self, user_id: uuid.UUID, name: str) -> Enrolment:
        """A new secret for the user's phone. Nothing changes before `complete`."""
        secret = new_secret()
        self._waiting[user_id] = Enrolment(secret, provisioning_uri(secret, name))
        return self._waiting[user_id]

    async def complete(self, user_id: uuid.UUID, code: str, by: Actor) -> list[str]:
        """Switch it on with the phone's first code. Returns the recovery codes, once; InvalidInput for a wrong code."""
        enrolment = self._waiting.get(user_id)
        step = accepted_step(enrolment.secret, code, self._clock.now(), 0) if enrolment else None
        if enrolment is None or step is None:
            raise InvalidInput("wrong_code", field="code")
        codes = new_recovery_codes()
        sealed = self._vault.seal(enrolment.secret, *_context(user_id))

        def work(session: GuardedSession) -> None:
            user = users.get(session, user_id)
            user.totp_sealed, user.totp_last_step = sealed, step
            user.recovery_codes = [recovery_hash(one) for one in codes]
            self._trail.record(session, "second_factor.on", by, subject=f"user:{user_id}")

        await self._db.write(user_id, work)
        self._waiting.pop(user_id, None)
        return codes

    async def switch_off(self, user_id: uuid.UUID, by: Actor) -> None:
        """Back to the password alone. The caller has asked for the password again."""

        def work(session: GuardedSession) -> None:
            user = users.get(session, user_id)
            user.totp_sealed, user.totp_last_step, user.recovery_codes = None, 0, None
            self._trail.record(session, "second_factor.off", by, subject=f"user:{user_id}")

        await self._db.write(SYSTEM, work)

    def use(self, session: GuardedSession, user: User, code: str) -> bool:
        """Whether the user needs no code, or this one is right; it is used up in the caller's transaction.

        The step only ever grows, by compare-and-set: of two requests with the same code one is refused.
        """
        one_at_a_time(session, f"second factor {user.id}")
        if user.totp_sealed is None:
            return True
        secret = self._vault.unseal(user.totp_sealed, *_context(user.id))
        step = accepted_step(secret, code, self._clock.now(), user.totp_last_step)
        if step is not None:
            return users.advance_totp(session, user.id, step)
        return self._use_recovery_code(user, code)

    @staticmethod
    def _use_recovery_code(user: User, code: str) -> bool:
        given, left = recovery_hash(code), list(user.recovery_codes or ())
        if given not in left:
            return False
        user.recovery_codes = [one for one in left if one != given]
        return True


def _context(user_id: uuid.UUID) -> tuple[str, str]:
    return f"user:{user_id}", "totp"


def new_secret() -> str:
    """160 random bits in Base32, as the apps want them."""
    return base64.b32encode(os.urandom(20)).decode()


def provisioning_uri(secret: str, account: str) -> str:
    """The `otpauth://` address that a phone reads from a QR code."""
    return _totp(secret).get_provisioning_uri(account, "Aristobot")


def code_at(secret: str, moment: datetime) -> str:
    """The code that a phone shows at that moment."""
    return _totp(secret).generate(int(moment.timestamp())).decode()


def accepted_step(secret: str, code: str, moment: datetime, last_step: int) -> int | None:
    """The time step (of 30 s, one early or late allowed) whose code was given, if it is newer than `last_step`."""
    given = code.replace(" ", "").encode("utf-8", "replace")
    current = int(moment.timestamp()) // STEP_SECONDS
    for step in (current, current - 1, current + 1):
        if step > last_step and hmac.compare_digest(_totp(secret).generate(step * STEP_SECONDS), given):
            return step
    return None


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), STEP_SECONDS)


def new_recovery_codes() -> list[str]:
    """Ten one-use codes of 80 bits, in groups of four, to be printed and put away."""
    return ["-".join(_groups(base64.b32encode(secrets.token_bytes(10)).decode().lower())) for _ in range(_RECOVERY_CODES)]


def recovery_hash(code: str) -> str:
    """What is stored of a recovery code: blanks, hyphens and case do not matter."""
    cleaned = "".join(character for character in code.casefold() if character.isalnum())
    return hashlib.sha256(b"recovery:" + cleaned.encode("utf-8", "replace")).hexdigest()


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
