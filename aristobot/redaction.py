"""What must never stand in a log: secret values that were opened, and the shapes that secrets usually have."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

MASK = "***"
#: A shorter value would blot out ordinary words everywhere; the shapes below still catch it where it is named.
SHORTEST = 8

_NAMED = re.compile(
    r"""(?ix)
    ( (?: api[-_]?key | api[-_]?sign | api[-_]?secret | apikey | secret | passphrase | password | passwd | pwd
        | signature | token | listenkey | authorization | cookie | otp
        | access-(?:key|sign|passphrase) | x-mbx-apikey )
      (?: \\* ["'] )? \s* [=:,] \s* (?: \\* ["'] )? (?: (?:bearer|basic) \s+ )? )
    ( [^\s"'&,;}\])\\]{6,} )
    """
)
_WEBHOOK_PATH = re.compile(r"(/webhook/)[^\s\"'?&/\\]+")
_URL_PASSWORD = re.compile(r"(://[^\s/:@\"']*:)[^\s/@\"']+(?=@)")
_AI_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----)", re.DOTALL)


class Redactor:
    """Masks registered values and known shapes in a finished line."""

    def __init__(self) -> None:
        self._values: tuple[str, ...] = ()

    def hide(self, *secrets: str) -> None:
        """Register values: from now on they are masked wherever they appear, as text, in JSON or in a URL."""
        found = {form for secret in secrets for form in _forms(secret)}
        if not found.issubset(self._values):
            self._values = tuple(sorted(found.union(self._values), key=len, reverse=True))

    def found(self, text: str) -> tuple[str, ...]:
        """The registered values that stand in `text`."""
        return tuple(value for value in self._values if value in text)

    def clean(self, line: str) -> str:
        """The line with every secret replaced by `***`."""
        for value in self._values:
            if value in line:
                line = line.replace(value, MASK)
        line = _PRIVATE_KEY.sub(rf"\1{MASK}\2", line)
        line = _NAMED.sub(rf"\1{MASK}", line)
        line = _WEBHOOK_PATH.sub(rf"\1{MASK}", line)
        line = _URL_PASSWORD.sub(rf"\1{MASK}", line)
        return _AI_KEY.sub(MASK, line)


def _forms(secret: str) -> set[str]:
    """Every way in which a value may be spelled in a line; of a key in PEM form each line counts by itself."""
    parts = [secret.strip(), *(part.strip() for part in secret.splitlines())]
    values = {part for part in parts if len(part) >= SHORTEST and not part.startswith(("-----BEGIN", "-----END"))}
    spelled = values | {repr(value)[1:-1] for value in values} | {quote(value, safe="") for value in values}
    spelled |= {_escaped(form) for form in spelled} | {_escaped(form, ascii_only=True) for form in spelled}
    return spelled | {_escaped(form) for form in spelled}  # JSON inside the JSON of the line


def _escaped(text: str, *, ascii_only: bool = False) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]
