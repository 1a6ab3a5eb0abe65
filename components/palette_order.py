"""Which commands answer a few letters, and in which order: accents and case do not count, letters may be left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

WHOLE, BEGINS, WORD_BEGINS, INSIDE, SCATTERED = 100, 90, 75, 50, 20
#: What a command gains by having been used lately, the last one most.
LATELY = 24


class Named(Protocol):
    """What can be found: by its label, and less well by other words."""

    @property
    def id(self) -> str:
        """What tells it from the others."""

    @property
    def label(self) -> str:
        """What stands in the list."""

    @property
    def also(self) -> str:
        """Further words by which somebody may look for it."""


N = TypeVar("N", bound=Named)


def ordered(commands: Sequence[N], text: str, recent: Sequence[str]) -> list[N]:
    """Those that answer `text`, the likeliest first; without text all of them, those in `recent` first."""
    places = {one: place for place, one in enumerate(recent)}
    asked = plain(text).split()
    ranked = []
    for number, command in enumerate(commands):
        likeness = _likeness(asked, command)
        if likeness is not None:
            lately = LATELY - places[command.id] if command.id in places else 0
            ranked.append((-likeness - lately, number, command))
    return [command for _, _, command in sorted(ranked, key=lambda one: one[:2])]


def _likeness(asked: Sequence[str], command: Named) -> int | None:
    """How well a command answers; None when one of the asked words is not in it at all."""
    total, label, other = 0, plain(command.label), plain(command.also)
    for word in asked:
        best = max(_of_word(word, label), _of_word(word, other) // 2 if _of_word(word, other) >= INSIDE else 0)
        if not best:
            return None
        total += best
    return total // max(len(asked), 1)


def _of_word(word: str, text: str) -> int:
    if text == word:
        return WHOLE
    if text.startswith(word):
        return BEGINS
    if f" {word}" in text or f"/{word}" in text:
        return WORD_BEGINS
    if word in text:
        return INSIDE
    return SCATTERED if len(word) > 1 and _scattered(word, text) else 0


def _scattered(word: str, text: str) -> bool:
    """Whether the letters stand in the text in their order, whatever is between."""
    letters = iter(text)
    return all(letter in letters for letter in word)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Lower case, no accents, no typographic marks."""
    parts = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return " ".join("".join(letter for letter in parts if not unicodedata.combining(letter)).split())
