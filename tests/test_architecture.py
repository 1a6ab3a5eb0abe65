"""The house stands as drawn: tools, floors, doors, measures. Each test lists every offender with its place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict

import pytest

from services.exchanges import discover
from tests.house import ROOT, Function, Source, docstrings, last_name, sources

ORDER_CALLS = {"place_order", "prepare_order", "cancel_order", "edit_order", "place_oco", "place_otoco", "cancel_list"}
ORDER_DOORS = {f"services/{name}.py" for name in ("order_desk", "order_sender", "exit_mover", "returned_orders")}
SQL_FILES = {
    f"aristobot/store/{name}.py"
    for name in (
        "database",
        "tenancy",
        "inbox",
        "intents",
        "prepared",
        "migrate",
        "columns",
        "tables",
        "trading_tables",
        "instance",
    )
}
#: Rooms whose doorplate discovers the files beside it.
DISCOVERING = {"pages/__init__.py", "services/exchanges/__init__.py", "services/simulator/__init__.py"}
#: What a user's strategy, its editor and its engine import.
STRATEGY_IMPORTS = {
    "aristobot.indicators.catalog",
    "aristobot.figures.table",
    "aristobot.figures.breakdown",
    "aristobot.templates",
    "services.strategy_job",
    "services.backtest_job",
}
#: Started by name, or read by a tool, never imported.
ENTRANCES = {
    "aristobot.__main__",
    "aristobot.window",
    "services.simulator.__main__",
    "services.strategy_child",
    "services.study_child",
    *STRATEGY_IMPORTS,
}
EXCHANGES = tuple(discover())
#: Who may name one: addresses and what is looked at first, an example for an alert, the demo.
NAMING_AN_EXCHANGE = {"aristobot/settings.py", "aristobot/alert_text.py", "services/heartbeat.py", "services/demo.py"}
LARGEST_FILE, LONGEST_FUNCTION, MOST_ARGUMENTS, MOST_METHODS, MOST_IMPORTS = 400, 50, 7, 20, 20
MOST_CLIENT_CALLS, MOST_DESK_CALLS = 14, 12
DEEPEST_INHERITANCE = 2
LINES_PER_SUPPRESSION = 1000


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--output-format=concise", "."],
        ["ruff", "format", "--check", "--output-format=concise", "."],
        ["mypy"],
        ["importlinter.cli", "--no-logo"],
    ],
    ids=["lint", "format", "types", "floors"],
)
def test_the_tools_have_nothing_to_say(command: list[str]) -> None:
    module, *arguments = command
    run = ["-c", "from importlinter.cli import lint_imports_command as main; main()"] if "." in module else ["-m", module]
    done = subprocess.run([sys.executable, *run, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=570, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def test_only_the_desk_and_who_mends_what_became_of_its_orders_speak_of_them_to_an_exchange() -> None:
    assert not [
        source.at(call, name)
        for source in sources()
        for name, call in source.calls()
        if name in ORDER_CALLS and source.path not in ORDER_DOORS
        if not source.path.startswith(("services/exchanges/", "services/simulator/"))
    ]


def test_sql_by_hand_stays_in_the_store() -> None:
    def by_hand(source: Source) -> list[str]:
        found = [
            source.at(node, "__table__") for node in source.nodes if isinstance(node, ast.Attribute) and node.attr == "__table__"
        ]
        plain_text = any(name == "sqlalchemy.text" for name, _ in source.imports())
        for name, call in source.calls():
            owner = last_name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            is_text = name == "text" and (owner in ("sa", "sqlalchemy") or (isinstance(call.func, ast.Name) and plain_text))
            is_driver_sql = name == "exec_driver_sql" and not source.path.startswith("aristobot/store/")
            if is_text or is_driver_sql or name == "connection":
                found.append(source.at(call, f"{name}()"))
        return found

    assert not [found for source in sources() if source.path not in SQL_FILES for found in by_hand(source)]


def test_only_the_store_puts_queries_to_a_session() -> None:
    assert not [
        source.at(call, ast.unparse(call))
        for source in sources()
        for name, call in source.calls()
        if name == "exec" and isinstance(call.func, ast.Attribute) and not source.path.startswith("aristobot/store/")
    ]


def test_answers_of_exchanges_are_read_behind_one_door() -> None:
    doors = {"httptools": "services/exchanges/line.py", "aiohappyeyeballs": "services/exchanges/lines.py", "aiohttp": ""}
    assert not [
        source.at(node, name)
        for source in sources()
        for name, node in source.imports()
        if source.path != doors.get(name.split(".")[0], source.path)
    ]


def test_no_decimal_is_made_from_a_float() -> None:
    def is_float(node: ast.expr) -> bool:
        if isinstance(node, ast.UnaryOp):
            return is_float(node.operand)
        return (isinstance(node, ast.Constant) and isinstance(node.value, float)) or (
            isinstance(node, ast.Call) and last_name(node.func) in ("float", "monotonic", "timestamp", "total_seconds", "random")
        )

    assert not [
        source.at(call, ast.unparse(call))
        for source in sources()
        for name, call in source.calls()
        if name == "from_float" or (name in ("Decimal", "amount") and call.args and is_float(call.args[0]))
    ]


def test_an_exchange_is_named_in_its_own_files_alone() -> None:
    def own(source: Source) -> str:
        return source.path.rpartition("/")[2].split("_")[0].removesuffix(".py")

    def names_others(source: Source) -> list[str]:
        skipped = docstrings(source)
        words = [(text, node) for text, node in source.texts() if id(node) not in skipped]
        words += [(name, node) for name, node in source.imports()]  # type: ignore[misc] # texts and imports alike have a line
        others = [name for name in EXCHANGES if name != own(source)]
        return [source.at(node, text[:60]) for text, node in words if any(other in text.lower() for other in others)]

    rooms = ("services/exchanges/", "services/simulator/")
    assert not [found for source in sources() if source.path.startswith(rooms) for found in names_others(source)]
    outside = [source for source in sources() if not source.path.startswith(rooms)]
    assert not [found for source in outside if source.path not in NAMING_AN_EXCHANGE for found in names_others(source)]
    assert not [
        source.at(node, ast.unparse(node))
        for source in outside
        for node in source.nodes
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in EXCHANGES
    ]


def test_every_file_is_used() -> None:
    everything = sources()
    known = {source.module for source in everything}
    used = set(ENTRANCES)
    for source in everything:
        names = [name for name, _ in source.imports()] + [text for text, _ in source.texts() if text in known]
        used.update(name if name in known else name.rpartition(".")[0] for name in names)
    discovered = tuple(path.removesuffix("__init__.py") for path in DISCOVERING)
    assert not [
        source.path
        for source in everything
        if source.module not in used and not source.path.startswith(discovered) and not source.path.endswith("__init__.py")
    ]


def test_every_room_has_a_doorplate_and_hands_nothing_on() -> None:
    for source in sources():
        if source.path.endswith("__init__.py"):
            assert ast.get_docstring(source.tree), f"{source.path} says nothing"
            if source.path not in DISCOVERING:
                assert not list(source.imports()), f"{source.path} hands names on"


def test_nothing_happens_at_import() -> None:
    def acts(node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            return not any(name in ast.unparse(node.test) for name in ("TYPE_CHECKING", "__name__", "sys.platform", "os.name"))
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        return isinstance(node, ast.Expr | ast.For | ast.While | ast.With | ast.Try | ast.AugAssign) and not is_docstring

    assert not [source.at(node, ast.unparse(node)[:60]) for source in sources() for node in source.tree.body if acts(node)]


def test_trade_alone_is_no_name() -> None:
    banned = {"Trade", "Trades", "trade", "trades"}
    assert not [
        source.at(node, name)
        for source in sources()
        for node in source.nodes
        if isinstance(node, Function | ast.ClassDef | ast.Name | ast.arg)
        and (name := getattr(node, "name", getattr(node, "id", getattr(node, "arg", "")))) in banned
    ]


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    assert not [f"{one.path} {len(one.lines)}" for one in sources(*_everywhere()) if len(one.lines) > LARGEST_FILE]


def test_no_function_is_longer_than_fifty_lines() -> None:
    def length(node: Function) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    assert not [
        source.at(node, f"{node.name} {length(node)}")
        for source in sources(*_everywhere())
        for node in source.functions()
        if length(node) > LONGEST_FUNCTION
    ]


def test_no_function_takes_more_than_seven_arguments() -> None:
    def arguments(node: Function) -> int:
        given = node.args
        names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        return len([name for name in names if name not in ("self", "cls")])

    assert not [
        source.at(node, f"{node.name} {arguments(node)}")
        for source in sources()
        for node in source.functions()
        if arguments(node) > MOST_ARGUMENTS
    ]


def _methods(node: ast.ClassDef) -> list[str]:
    return sorted({one.name for one in node.body if isinstance(one, Function) and not one.name.startswith("__")})


def test_no_class_has_more_than_twenty_methods() -> None:
    optional = {
        name
        for one in sources("aristobot")
        for kind in one.classes()
        if kind.name.startswith("Supports")
        for name in _methods(kind)
    }
    assert not [
        source.at(kind, f"{kind.name} {len(set(_methods(kind)) - optional)}")
        for source in sources()
        for kind in source.classes()
        if len(set(_methods(kind)) - optional) > MOST_METHODS
    ]
    for source in sources("services", "aristobot"):
        for kind in source.classes():
            public = {name for name in _methods(kind) if not name.startswith("_")} - optional
            limit = MOST_DESK_CALLS if kind.name == "OrderDesk" else MOST_CLIENT_CALLS if kind.name == "ExchangeClient" else 99
            assert len(public) <= limit, f"{source.path} {kind.name}: {sorted(public)}"


def test_no_file_imports_from_more_than_twenty_places() -> None:
    def places(source: Source) -> int:
        return len(
            [
                node
                for node in source.nodes
                if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != "__future__")
            ]
        )

    assert not [f"{one.path} {places(one)}" for one in sources() if places(one) > MOST_IMPORTS and one.path != "services/app.py"]


def test_nothing_inherits_through_more_than_two_classes_of_ours() -> None:
    bases: dict[str, set[str]] = defaultdict(set)
    for source in sources():
        for kind in source.classes():
            bases[kind.name] |= {last_name(base) for base in kind.bases}

    def depth(name: str) -> int:
        return max((1 + depth(base) for base in bases.get(name, ()) if base in bases and base != name), default=0)

    assert not [
        source.at(kind, kind.name)
        for source in sources()
        if source.path != "aristobot/errors.py"  # the tree of errors is a tree
        for kind in source.classes()
        if depth(kind.name) > DEEPEST_INHERITANCE and not _is_error(kind.name, bases)
    ]


def _is_error(name: str, bases: dict[str, set[str]]) -> bool:
    return name in ("AristobotError", "Exception") or any(_is_error(base, bases) for base in bases.get(name, ()) if base != name)


def test_a_suppression_is_rare_and_gives_its_reason() -> None:
    pattern = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b(?P<codes>(?::\s*|\[)[A-Za-z0-9,\s-]+\]?)?(?P<rest>.*)$")
    files = [source for source in sources(*_everywhere(), "migrations") if source.path != "tests/test_architecture.py"]
    found = [
        (source.path, number, match)
        for source in files
        for number, line in enumerate(source.lines, 1)
        if (match := pattern.search(line))
    ]
    unexplained = [
        f"{path}:{number}" for path, number, match in found if not match["codes"] or not re.search(r"#\s*\w", match["rest"])
    ]
    assert not unexplained
    assert len(found) <= sum(len(source.lines) for source in files) / LINES_PER_SUPPRESSION, [
        f"{path}:{number}" for path, number, _ in found
    ]


def test_no_six_lines_stand_in_two_files() -> None:
    seen: dict[tuple[str, ...], str] = {}
    twice: list[str] = []
    for source in sources():
        fields = (ast.Import, ast.ImportFrom, ast.AnnAssign)  # two classes may well have the same fields
        skipped = {line for node in source.nodes if isinstance(node, fields) for line in _span(node)}
        skipped |= {
            line for node in source.nodes if isinstance(node, ast.Assign) and _says_abilities(node) for line in _span(node)
        }
        code = [
            (number, line.strip())
            for number, line in enumerate(source.lines, 1)
            if number not in skipped and len(line.strip()) > 3
        ]
        for start in range(len(code) - 5):
            run = tuple(line for _, line in code[start : start + 6])
            first = seen.setdefault(run, f"{source.path}:{code[start][0]}")
            if not first.startswith(f"{source.path}:"):
                twice.append(f"{first} = {source.path}:{code[start][0]}")
    assert not twice


def _says_abilities(node: ast.Assign) -> bool:
    """Two exchanges may well be able to do the same."""
    return isinstance(node.value, ast.Call) and last_name(node.value.func) == "Capabilities"


def _span(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def test_the_readme_names_all_four_floors_and_nothing_that_is_not_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?<![\w/.-])(?:aristobot|services|components|pages|migrations|tests|docs|\.ci)/[\w./-]*", text))
    assert {name.split("/")[0] for name in named} >= {"aristobot", "services", "components", "pages"}
    assert not sorted(
        name for name in named if not (ROOT / name.rstrip("./")).exists() and not (ROOT / name.rstrip(".")).exists()
    )


def _everywhere() -> tuple[str, ...]:
    return ("aristobot", "services", "components", "pages", "tests")
