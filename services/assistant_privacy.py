"""What must not leave the house, found in a text that is about to: each value is replaced by a name, and comes back with it.

The shapes follow what exchanges, providers and messengers hand out as keys; values that the house itself has opened are known
to it letter by letter. A search by shape finds much and proves nothing: the user sees the text before it leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from aristobot.logs import secrets_in


class Kind(StrEnum):
    """What was replaced."""

    SECRET = "secret"
    ADDRESS = "address"
    PERSON = "person"


#: What stands for the first value that was replaced, the second, and so on: a name that survives in code and in prose.
_NAME = "HIDDEN_{}"
_NAMES = re.compile(r"HIDDEN_\d+")
#: Random enough to be a key: so many different characters, and digits in more than one place.
_FEWEST_KINDS = 10

#: Each search walks over the text once, whatever stands in it: repetitions are bounded, or begin where a run of letters does.
_URL = re.compile(r"(?<!\w)\w{1,20}://[^\s\"'<>]+")
_OPENING = re.compile(r"(?i)/webhooks?/|/services/|/bot\d|@|[?&]\w{0,40}(?:key|token|signature|sig)=")
_ASSIGNED = r"""(?ix)
    (?: api_?key | api_?secret | secret | passphrase | passwo?rd | passwd | pwd | mot\ de\ passe | token | jeton )
    \w{0,40} ["']? \s{0,20} (?: [:=] | :\s?str\s?= ) \s{0,20} ["'] ([^"'\n]{6,1000}) ["'] """
_PEM = r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
_SHAPES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.PERSON, re.compile(r"/(?:home|Users)/[^\s/\"']+|\b[A-Za-z]:\\{1,2}Users\\{1,2}[^\s\\\"']+")),
    (Kind.PERSON, re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")),
    (Kind.SECRET, re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*")),
    (Kind.SECRET, re.compile(r"\b(?:sk|pk|rk|ghp|gho|github_pat|glpat|xox[abprs]|bg)[-_][A-Za-z0-9_-]{12,}")),
    (Kind.SECRET, re.compile(r"\b(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,}")),
    (Kind.SECRET, re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}")),
    (Kind.SECRET, re.compile(r"(?i)(?<=bearer )[^\s\"',;]{8,}")),
    (Kind.SECRET, re.compile(_ASSIGNED)),
    (Kind.SECRET, re.compile(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")),
)
_LONG = re.compile(r"(?<![A-Za-z0-9+/=_.])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9_])")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without what must not leave. `hidden` are the values by the names that stand for them."""

    text: str
    hidden: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[Kind, int] = field(default_factory=dict)

    def restored(self, text: str) -> str:
        """`text` with every value back in its place: what the names stand for never left the house."""
        for name in reversed(list(self.hidden)):  # a later one may hold an earlier one
            text = re.sub(rf"{name}(?!\d)", self.hidden[name].replace("\\", r"\\"), text)
        return text


def cleaned(text: str) -> Cleaned:
    """Replace what the house knows to be secret, and what looks like it."""
    hidden: dict[str, str] = {}
    kinds: dict[Kind, int] = {}
    for kind, found in _searches():
        for value in sorted(found(text), key=len, reverse=True):  # none may be left half
            name = _free_name(text, len(hidden))
            changed = text if _NAMES.fullmatch(value) else _replaced(text, value, name)
            if changed != text:
                hidden[name], text = value, changed
                kinds[kind] = kinds.get(kind, 0) + 1
    return Cleaned(text, hidden, kinds)


def _searches() -> Iterator[tuple[Kind, Callable[[str], Collection[str]]]]:
    """One after the other over what the one before left."""
    yield Kind.SECRET, secrets_in
    yield Kind.SECRET, partial(_shaped, re.compile(_PEM))
    yield Kind.ADDRESS, lambda text: {url for url in _URL.findall(text) if _OPENING.search(url)}
    yield from ((kind, partial(_shaped, shape)) for kind, shape in _SHAPES)
    yield Kind.SECRET, lambda text: {value for value in _LONG.findall(text) if _is_random(value)}


def _shaped(shape: re.Pattern[str], text: str) -> set[str]:
    return {match[shape.groups] for match in shape.finditer(text)}


def _replaced(text: str, value: str, name: str) -> str:
    """Wherever the value stands by itself: a short one may well be a part of other words. A known secret goes everywhere."""
    if secrets_in(value):
        return text.replace(value, name)
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", name, text)


def _is_random(value: str) -> bool:
    """Whether it is no word and no number: digits and letters in a wild mixture."""
    return len(re.findall(r"\d+", value)) > 1 and len(set(value)) >= _FEWEST_KINDS


def _free_name(text: str, taken: int) -> str:
    """A name that the text does not use itself."""
    number = taken + 1
    while _NAME.format(number) in text:
        number += 1
    return _NAME.format(number)
