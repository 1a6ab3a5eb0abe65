"""Words for the screen and for errors, in the user's language: every `*.po` in `aristobot/locale/<language>/`, read once.

Screen words are found by their English text, `_("Settings")`. Errors and reasons are found by their code, `error.not_found`,
`reason.stale`, and their facts fill the `{placeholders}`. A word that is missing is said in English, else as its code: never
an exception, because words are looked for when something already went wrong.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from aristobot.errors import AristobotError
from aristobot.money import plain

LANGUAGES = ("fr", "en")
DEFAULT = "fr"
FALLBACK = "en"

#: How a sentence names what somebody else said: where nobody kept it, the sentence ends before.
_AFTER_COLON = re.compile(r"\s?:\s?\{detail\}\.?")
_ELSEWHERE = re.compile(r"\s?(?:\(\{detail\}\)|\{detail\})")

_current: ContextVar[str] = ContextVar("language", default=DEFAULT)


def current_language() -> str:
    """The language in which `_` answers here."""
    return _current.get()


def set_language(language: str) -> None:
    """Speak this language from here on, in this task and those it starts; one that is not spoken becomes the default."""
    _current.set(_spoken(language))


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Speak this language inside the block."""
    token = _current.set(_spoken(language))
    try:
        yield
    finally:
        _current.reset(token)


def _(msgid: str, /, **facts: object) -> str:
    """The words for an English text or a code, in the current language, with the facts filled in."""
    return _filled(_words(msgid, _current.get()) or msgid, facts)


def explain(error: AristobotError | str, facts: Mapping[str, object] | None = None, language: str | None = None) -> str:
    """The sentence for an error, or for a code with its facts: `error.<code>`, else `reason.<code>`, else the code itself.

    A fact `among` says which of several it was: it stands before the sentence.
    """
    code, known = (error.code, error.facts) if isinstance(error, AristobotError) else (error, facts or {})
    spoken = _current.get() if language is None else _spoken(language)
    bare = code.removeprefix("error.").removeprefix("reason.")
    template = next((words for msgid in _msgids(code, bare) if (words := _words(msgid, spoken))), None)
    if template is None:
        return _with_facts(bare, known)
    if "detail" not in known:
        template = _ELSEWHERE.sub("", _AFTER_COLON.sub(".", template))
    with use_language(spoken):  # facts are written in it too
        words = _filled(template, known)
        return _("{among}: {words}", among=known["among"], words=words) if "among" in known else words


def typed(value: object) -> str:
    """A value as the reader types it: `35`, `0,5`, `oui`; numbers without grouping and needless zeros, texts as they are."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float) and isfinite(value):
        value = Decimal(str(value))
    if not isinstance(value, Decimal):
        return str(value)
    return plain(value.normalize()).replace(".", "," if _current.get() == "fr" else ".")


def counted(value: object) -> str:
    """A number, or the text of one, as the reader writes it: grouped, with every digit; what is none as it is."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not number.is_finite():
        return str(value)
    locale = "fr" if _current.get() == "fr" else "en_GB"
    return format_decimal(number, format="#,##0.#", locale=locale, decimal_quantization=False).replace("-", "\u2212")


def catalogue(language: str) -> Mapping[str, str]:
    """Every message of a language that has words, by its msgid."""
    return _catalogue(language)


def _msgids(code: str, bare: str) -> list[str]:
    return [code] if code != bare else [f"error.{code}", f"reason.{code}"]


def _spoken(language: str) -> str:
    return language if language in LANGUAGES else DEFAULT


def _words(msgid: str, language: str) -> str | None:
    return _catalogue(language).get(msgid) or _catalogue(FALLBACK).get(msgid)


@cache
def _catalogue(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "locale" / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if isinstance(message.id, str) and message.id and isinstance(message.string, str) and message.string:
                    found[message.id] = message.string
    return found


class _Lenient(string.Formatter):
    """Fills what is known and leaves the name of what is not."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[object, str]:
        """A fact by its plain name; neither attributes nor items are followed, so no text can reach into objects."""
        return kwargs.get(field_name, f"{{{field_name}}}"), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """Decimals without exponent, days as the reader writes them, lists with commas, the rest as text.

        `{value:n}` is a number, or the text of one, as the reader writes it: `1 234,5`.
        """
        if format_spec == "n":
            return counted(value)
        if isinstance(value, Decimal):
            return plain(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return format_date(value, "d MMM y", locale="fr" if _current.get() == "fr" else "en_GB")
        if isinstance(value, list | tuple | set | frozenset):
            return ", ".join(str(item) for item in value)
        return str(value)


def _filled(template: str, facts: Mapping[str, object]) -> str:
    if "{" not in template:
        return template
    try:
        return _Lenient().vformat(template, (), facts)
    except ValueError:  # unbalanced braces: better the raw words than none
        return template


def _with_facts(code: str, facts: Mapping[str, object]) -> str:
    listed = ", ".join(f"{name}={value}" for name, value in facts.items())
    return f"{code} ({listed})" if listed else code
