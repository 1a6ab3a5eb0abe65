"""A bare machine: the environment is made once, with uv or without it, and the program starts inside as if nothing were."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from aristobot import bootstrap

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for uv is a script")

#: What `uv sync` does, as far as the start can see it: an environment that has what was asked for and finds the project.
STANDS_IN_FOR_UV = """\
#!{python}
import os, subprocess, sys
from pathlib import Path
if sys.argv[1] == "--version":
    sys.exit({version_code})
print("a word of uv on standard output")
project = Path(sys.argv[sys.argv.index("--project") + 1])
with (project / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
subprocess.check_call([{python!r}, "-m", "venv", "--without-pip", str(project / ".venv")])
(packages,) = (project / ".venv" / "lib").glob("python*/site-packages")
(packages / "project.pth").write_text(str(project))
for name in ("surely_not_installed", "surely_not_installed_either"):
    (packages / f"{{name}}-1.0.dist-info").mkdir(exist_ok=True)
    (packages / f"{{name}}-1.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: 1.0\\n")
"""
PROBE = """\
import json, os, sys
from aristobot.bootstrap import prepare
prepare("aristobot.probe", sys.argv[1:], extra=os.environ.get("EXTRA", ""))
print(json.dumps({"prefix": sys.prefix, "arguments": sys.argv[1:], "folder": os.getcwd(), "process": os.getpid()}))
"""


class House:
    """A checkout of a tiny project, with our bootstrap in it, in a folder with a name to stumble over."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "maison é %41 'x'"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.root / "aristobot").mkdir(parents=True)
        (self.root / "aristobot" / "__init__.py").touch()
        (self.root / "aristobot" / "probe.py").write_text(PROBE)
        shutil.copy(bootstrap.__file__, self.root / "aristobot" / "bootstrap.py")
        self.ask_for("surely-not-installed")

    def ask_for(self, *requirements: str) -> None:
        (self.root / "pyproject.toml").write_text(
            textwrap.dedent(f"""\
                [project]
                name = "tiny"
                version = "1"
                dependencies = {[f"{name}>=1" for name in requirements]!r}
                [project.optional-dependencies]
                dev = ["surely_not_installed_either[extra]>=1; python_version > '3'"]
                """)
        )

    def bring_uv(self, *, version_code: int = 0) -> None:
        script = self.bin / "uv"
        script.write_text(STANDS_IN_FOR_UV.format(python=sys.executable, version_code=version_code))
        script.chmod(0o755)

    def start(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": str(self.bin), "HOME": str(self.root), "LANG": "C.UTF-8", "PIP_NO_INDEX": "1", **environ}
        command = [sys.executable, "-m", "aristobot.probe", *arguments]
        return subprocess.run(command, cwd=self.root, env=known, capture_output=True, text=True, timeout=300, check=False)

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_first_start_makes_the_environment_and_starts_inside_it(house: House) -> None:
    house.bring_uv()
    done = house.start("--port", "0", "a b", "é;$x")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)  # nothing else may stand there: scripts read it
    assert said["prefix"] == str(house.root / ".venv")
    assert said["arguments"] == ["--port", "0", "a b", "é;$x"]
    assert said["folder"] == str(house.root)
    assert "préparation" in done.stderr


def test_the_process_stays_the_same_so_signals_reach_it(house: House) -> None:
    house.bring_uv()
    command = [sys.executable, "-m", "aristobot.probe"]
    environ = {"PATH": str(house.bin), "HOME": str(house.root)}
    with subprocess.Popen(command, cwd=house.root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["process"] == process.pid


def test_the_environment_is_made_once_and_again_when_the_requirements_change(house: House) -> None:
    house.bring_uv()
    house.start()
    assert house.start().returncode == 0
    assert len(house.calls) == 1
    house.ask_for("surely-not-installed", "surely-not-installed-either")
    assert house.start().returncode == 0
    assert len(house.calls) == 2


def test_the_tests_get_what_they_need_besides_and_the_program_is_content_with_that(house: House) -> None:
    house.bring_uv()
    assert house.start(EXTRA="dev").returncode == 0
    assert "--group dev" in house.calls[0]
    assert house.start().returncode == 0
    assert len(house.calls) == 1


def test_words_before_the_languages_are_there_are_english_on_demand(house: House) -> None:
    house.bring_uv()
    assert "First use" in house.start(ARISTOBOT_LANGUAGE="en").stderr


def test_without_a_working_uv_and_without_internet_the_cure_is_said(house: House) -> None:
    house.bring_uv(version_code=127)
    done = house.start()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Vérifiez la connexion à Internet" in done.stderr
    assert (house.root / ".venv" / "bin" / "python").exists()
    assert house.calls == []


def test_an_environment_that_still_lacks_something_is_not_prepared_for_ever(house: House) -> None:
    house.bring_uv()
    house.ask_for("surely-not-installed", "nobody-provides-this")
    done = house.start()
    assert done.returncode == 1
    assert "nobody-provides-this" in done.stderr
    assert len(house.calls) == 1


def test_an_installed_wheel_needs_no_preparation(house: House) -> None:
    (house.root / "pyproject.toml").unlink()
    done = house.start()
    assert json.loads(done.stdout)["prefix"] == sys.prefix


def test_this_environment_has_all_that_is_needed() -> None:
    assert bootstrap.missing_here("") == bootstrap.missing_here("dev") == []


def test_our_rooms_are_our_own() -> None:
    assert bootstrap.stranger() is None


@pytest.mark.parametrize("room", bootstrap.ROOMS)
def test_a_strangers_room_on_the_path_stops_the_start_with_a_sentence(tmp_path: Path, room: str) -> None:
    (tmp_path / room).mkdir()
    (tmp_path / room / "__init__.py").touch()
    environ = {**os.environ, "PYTHONPATH": str(bootstrap.ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "aristobot"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 5
    assert done.stdout == ""
    assert f"« {room} » vient de {tmp_path}" in done.stderr


@pytest.mark.parametrize("name", ["bootstrap", "window", "__init__"])
def test_what_runs_on_a_bare_machine_imports_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((bootstrap.ROOT / "aristobot" / f"{name}.py").read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in imported} - set(sys.stdlib_module_names) <= {"webview"}


@pytest.mark.parametrize("name", ["bootstrap", "__main__", "__init__"])
def test_a_python_that_is_too_old_can_read_as_far_as_the_sentence_that_says_so(name: str) -> None:
    ast.parse((bootstrap.ROOT / "aristobot" / f"{name}.py").read_text("utf-8"), feature_version=(3, 8))
