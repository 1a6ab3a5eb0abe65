"""Words: everything the house may say exists in French and English, is spelled as French is, and is said somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from tests.house import ROOMS, ROOT, docstrings, last_name, sources

CODE = re.compile(r"(?:error|reason)\.[a-z][a-z0-9_]*")
FIELD = re.compile(r"\{(\w+)\}")
LOCALE = ROOT / "aristobot" / "locale"


def messages(language: str) -> Iterator[tuple[Path, Message]]:
    """Every message of a language with the file that holds it."""
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            yield from ((path, message) for message in read_po(file, locale=language, abort_invalid=True) if message.id)


@cache
def words(language: str) -> dict[str, str]:
    """The words of a language by their msgid."""
    return {str(message.id): str(message.string) for _, message in messages(language) if message.string}


@cache
def said() -> dict[str, str]:
    """What `_("…")` is asked for, with one place each."""
    return {
        node.value: source.at(call)
        for source in sources(*ROOMS, "migrations")
        for name, call in source.calls()
        if name == "_" and call.args
        for node in ast.walk(call.args[0])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@cache
def errors() -> frozenset[str]:
    """The names of our exceptions."""
    bases = {kind.name: {last_name(base) for base in kind.bases} for source in sources() for kind in source.classes()}

    def ours(name: str) -> bool:
        return name == "AristobotError" or any(ours(base) for base in bases.get(name, ()) if base != name)

    return frozenset(name for name in bases if ours(name))


@cache
def codes() -> dict[str, str]:
    """Every code that an error carries or a reason names, with one place each. Without prefix where the code has none."""
    found: dict[str, str] = {}
    for source in sources(*ROOMS, "migrations"):
        for name, call in source.calls():
            first = call.args[0] if call.args else None
            for chosen in [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]:
                if name in errors() and isinstance(chosen, ast.Constant) and isinstance(chosen.value, str):
                    found[chosen.value] = source.at(call)
        for node in source.nodes:
            if isinstance(node, ast.Assign) and last_name(node.targets[0]) == "default_code":
                assert isinstance(node.value, ast.Constant)
                found[str(node.value.value)] = source.at(node)
        skipped = docstrings(source)
        found |= {text: source.at(node) for text, node in source.texts() if id(node) not in skipped and CODE.fullmatch(text)}
    return found


def spellings(code: str) -> set[str]:
    """The msgids under which a code's words may stand."""
    return {code} if CODE.fullmatch(code) else {f"error.{code}", f"reason.{code}"}


def test_everything_the_screen_says_is_said_in_french() -> None:
    english_codes = {msgid for msgid in said() if CODE.fullmatch(msgid)}
    assert not {msgid: place for msgid, place in said().items() if msgid not in words("fr") and msgid not in english_codes}


def test_every_code_has_its_words_in_both_languages() -> None:
    assert not {
        f"{code} ({language})": place
        for code, place in codes().items()
        for language in ("fr", "en")
        if not spellings(code) & words(language).keys()
    }


def test_no_message_is_unused() -> None:
    texts = {text for source in sources(*ROOMS, "migrations") for text, _ in source.texts()}
    used = texts | {f"{prefix}.{text}" for text in texts for prefix in ("error", "reason")}
    assert not sorted(
        f"{path.parent.name}/{path.name}: {message.id}"
        for language in ("fr", "en")
        for path, message in messages(language)
        if message.id not in used
    )


def test_no_message_is_written_twice_or_left_empty_or_doubtful() -> None:
    for language in ("fr", "en"):
        seen: dict[str, Path] = {}
        for path, message in messages(language):
            msgid = str(message.id)
            assert msgid not in seen, f"{msgid} stands in {seen[msgid].name} and in {path.name}"
            assert message.string, f"{path.name}: {msgid} is empty"
            assert not message.fuzzy, f"{path.name}: {msgid} is marked fuzzy"
            seen[msgid] = path


def test_english_files_hold_codes_alone_and_both_languages_the_same_ones() -> None:
    english = {msgid for msgid in words("en")}
    assert not {msgid for msgid in english if not CODE.fullmatch(msgid)}
    assert english == {msgid for msgid in words("fr") if CODE.fullmatch(msgid)}


def test_a_translation_fills_in_the_same_facts() -> None:
    assert not {
        msgid: (sorted(FIELD.findall(words("en").get(msgid, msgid))), sorted(FIELD.findall(french)))
        for msgid, french in words("fr").items()
        if set(FIELD.findall(words("en").get(msgid, msgid))) != set(FIELD.findall(french))
    }


def test_french_is_spelled_as_french_is() -> None:
    plain_space = re.compile(r" [:;!?»%€]|« |(?<=[\w»)}])[;!?](?=\s|$)|(?<=[\w»)}]):(?=\s|$)|\.\.\.")
    assert not {msgid: french for msgid, french in words("fr").items() if plain_space.search(french)}


def test_french_says_vous() -> None:
    familiar = re.compile(r"(?<![\w-])(?:tu|toi|ton|ta|tes|peux|veux|vérifie|essaie|choisis|clique)(?![\w-])", re.IGNORECASE)
    assert not {msgid: french for msgid, french in words("fr").items() if familiar.search(french)}
