"""How the tests are handed out to processes."""

from __future__ import annotations

from tests.house import ROOT
from tests.spread import APART, FIRST, piece_of, place_of


def test_what_starts_first_or_apart_is_there() -> None:
    assert not [name for name in (*APART, *FIRST) if not list(ROOT.glob(f"{name.partition('::')[0].removesuffix('.py')}*"))]


def test_the_tests_of_a_file_stay_together_unless_they_share_nothing() -> None:
    assert piece_of("tests/store/test_types.py::test_one[sqlite]") == "tests/store/test_types.py"
    assert piece_of(f"{APART[0]}::test_one") == f"{APART[0]}::test_one"


def test_the_longest_test_starts_first_and_the_unnamed_last() -> None:
    named = [place_of(f"{name}::test_one") for name in FIRST]
    assert named == sorted(named)
    assert place_of("tests/aristobot/test_money.py::test_one") == len(FIRST)
