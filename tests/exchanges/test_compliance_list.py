"""The guide: its behaviours are those that are tried, numbered without a gap, and what it names is there."""

from __future__ import annotations

import ast
import re
from inspect import get_annotations, isfunction
from pathlib import Path

from aristobot.settings import address_variable
from services.exchanges import discover
from services.exchanges.admission import CLAIMS
from services.simulator import discover as discover_dialects
from services.simulator.world import Dialect
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
        assert name in discover_dialects(), f"services/simulator/{name}.py is missing, or has no DIALECT"
        assert (PAYLOADS / name / "witness.json").is_file(), f"tests/exchanges/payloads/{name}/witness.json is missing"


def test_the_guide_names_all_that_a_dialect_has_and_a_client_can_claim() -> None:
    dialect = {*get_annotations(Dialect), *(name for name, one in vars(Dialect).items() if isfunction(one) and name[0] != "_")}
    ports = {one.__name__ for one in CLAIMS.values()}
    assert not {*dialect, *CLAIMS, *ports} - named()


def test_the_guide_names_every_event_that_a_behaviour_asks_for() -> None:
    nodes = [node for path in HERE.glob("*compliance*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    asked = {node.args[0] for node in nodes if isinstance(node, ast.Call) and last_name(node.func) == "asked"}
    scripted = {
        value
        for node in nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "on"
    }
    events = {str(one.value) for one in asked | scripted if isinstance(one, ast.Constant)}
    assert {"account", "order.place", "user.message"} <= events
    assert not {one for one in events if one.partition(".")[0] != "any"} - named()


def test_what_the_guide_points_to_is_there() -> None:
    text = GUIDE.read_text("utf-8")
    for path in re.findall(r"(?:aristobot|docs|services|tests)/[\w./-]*\w", text):
        assert "okx" in path or (ROOT / path).exists(), path
    for part in ("rest", "stream", "trading"):
        assert address_variable("okx", part) in text


def named() -> set[str]:
    """Every word that the guide sets as code."""
    return {word for code in re.findall(r"`([^`\n]+)`", GUIDE.read_text("utf-8")) for word in re.findall(r"[\w.]+", code)}
