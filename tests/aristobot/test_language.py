"""Words: French and English, from codes and from English texts, and never an exception."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import AristobotError, ConfigurationError, ExchangeOffline, InvalidInput, NotFound
from aristobot.language import _, catalogue, current_language, explain, set_language, typed, use_language


def test_french_is_spoken_by_default_and_english_on_demand() -> None:
    assert explain(NotFound()) == "Élément introuvable."
    with use_language("en"):
        assert explain(NotFound()) == "There is no such thing here."
    assert explain(NotFound(), language="en") == "There is no such thing here."
    assert current_language() == "fr"


def test_a_language_that_nobody_speaks_here_becomes_french() -> None:
    with use_language("de"):
        assert current_language() == "fr"
    assert explain("not_found", language="tlh") == explain("not_found", language="fr")


def test_setting_the_language_lasts() -> None:
    with use_language("fr"):
        set_language("en")
        assert explain("not_found") == "There is no such thing here."


def test_facts_fill_the_words() -> None:
    error = ConfigurationError("setting_unknown", field="x", variable="ARISTOBOT_PROT", nearest="ARISTOBOT_PORT")
    assert explain(error, language="en") == "There is no setting ARISTOBOT_PROT. Did you mean ARISTOBOT_PORT?"
    assert explain("setting_unknown", error.facts, "en") == explain(error, language="en")


def test_facts_that_are_missing_leave_their_name_standing() -> None:
    assert explain(InvalidInput(field="name"), language="en") == "The field “name” is not valid."
    assert explain("setting_unknown", {}, "en") == "There is no setting {variable}. Did you mean {nearest}?"


def test_what_nobody_kept_of_somebody_elses_words_leaves_no_hole() -> None:
    assert explain("exchange_error", {"detail": "code -1"}).endswith(" : code -1".replace(" ", "\u00a0", 1))
    assert explain("exchange_error") == "L’exchange a répondu de façon inattendue."
    for language in ("fr", "en"):
        for code in catalogue(language):
            if code.startswith(("error.", "reason.")):
                assert "{detail}" not in explain(code, {}, language), code


def test_an_unknown_code_is_said_with_its_facts() -> None:
    assert explain(AristobotError("nobody_wrote_this", limit=3), language="fr") == "nobody_wrote_this (limit=3)"


@pytest.mark.parametrize("spelled", ["not_found", "error.not_found"])
def test_a_code_may_come_with_its_prefix(spelled: str) -> None:
    assert explain(spelled, language="en") == "There is no such thing here."


def test_a_text_without_translation_stays_english() -> None:
    assert _("Nobody has translated this {thing} yet", thing="sentence") == "Nobody has translated this sentence yet"


def test_amounts_and_lists_are_written_for_people() -> None:
    assert _("at least {amount}", amount=Decimal("1E-7")) == "at least 0.0000001"
    assert _("one of {choices}", choices=("fr", "en")) == "one of fr, en"


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        ("0.5800012", "0,5800012", "0.5800012"),
        (Decimal("12345.50"), "12\u202f345,5", "12,345.5"),
        (Decimal("1E-7"), "0,0000001", "0.0000001"),
        ("-3", "\u22123", "\u22123"),
        (5, "5", "5"),
        ("2%", "2%", "2%"),
        ("NaN", "NaN", "NaN"),
        (None, "None", "None"),
    ],
)
def test_figures_of_a_sentence_are_written_as_its_reader_does(value: object, french: str, english: str) -> None:
    facts = {"value": value, "minimum": 10}
    assert french in explain("below_min_notional", facts, "fr")
    assert english in explain("below_min_notional", facts, "en")


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (35.0, "35", "35"), (0.5, "0,5", "0.5"), (Decimal("10000.50"), "10000,5", "10000.5"), (-1e-7, "-0,0000001", "-0.0000001"),
        (1e21, "1" + "0" * 21, "1" + "0" * 21), (14, "14", "14"), (True, "oui", "yes"), ("0.5", "0.5", "0.5"), (None, "None", "None"),
        (float("nan"), "nan", "nan"), (float("inf"), "inf", "inf"),
    ],
)  # fmt: skip
def test_values_are_written_as_their_reader_types_them(value: object, french: str, english: str) -> None:
    assert typed(value) == french
    with use_language("en"):
        assert typed(value) == english


def test_days_are_written_for_people() -> None:
    facts = {"since": date(2027, 1, 1), "until": date(2026, 11, 21)}
    assert explain("nothing_between", facts, "fr").startswith("Entre le 1 janv. 2027 et le 21 nov. 2026")
    assert "1 Jan 2027" in explain("nothing_between", facts, "en")


def test_words_do_not_reach_into_objects() -> None:
    assert "secret" not in _("{error.facts}", error=ExchangeOffline(detail="secret"))
    assert "secret" not in _("{error[0]}", error=["secret"])


@given(text=st.text(), fact=st.one_of(st.none(), st.text(), st.integers(), st.decimals(allow_nan=True)))
def test_no_text_and_no_fact_makes_it_raise(text: str, fact: object) -> None:
    assert isinstance(_(text, fact=fact), str)
    assert isinstance(explain(text, {"fact": fact, text: fact}), str)


def test_both_languages_know_the_same_codes() -> None:
    codes = {
        language: {msgid for msgid in catalogue(language) if msgid.startswith(("error.", "reason."))} for language in ("fr", "en")
    }
    assert codes["fr"] == codes["en"]
    assert len(codes["fr"]) > 40
