"""The list of behaviours: numbered without a gap, each said once, and the same in the guide as in the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from services.exchanges import discover
from services.simulator import discover as discover_dialects
from tests.exchanges.messages import PAYLOADS
from tests.house import ROOT, last_name

HERE = Path(__file__).parent
GUIDE = ROOT / "docs" / "add-an-exchange.md"
LINE = re.compile(r"^\* (X-\d\d) (.+)$", re.MULTILINE)


def behaviours() -> list[tuple[str, str]]:
    """Number and sentence of every behaviour that is tried."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(HERE.glob("test_compliance_*.py")))
    calls = (
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and last_name(node.func) == "behaviour"
    )
    return sorted(tuple(ast.literal_eval(argument) for argument in call.args[:2]) for call in calls)


def test_the_behaviours_are_numbered_without_a_gap() -> None:
    assert [number for number, _ in behaviours()] == [f"X-{count:02}" for count in range(1, len(behaviours()) + 1)]


def test_the_guide_lists_what_is_tried() -> None:
    assert LINE.findall(GUIDE.read_text("utf-8")) == behaviours()


def test_every_client_has_a_dialect_and_samples_to_be_tried_on() -> None:
    for name in discover():
        assert name in discover_dialects()
        assert (PAYLOADS / name / "witness.json").is_file()
