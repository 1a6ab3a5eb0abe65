"""Standard library only: on a bare machine make the environment (uv if it works, else venv and pip), then start again inside.

Everything it says goes to standard error: standard output belongs to the program.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
ROOMS = ("services", "components", "pages")
OLDEST, NEWEST = (3, 11), (3, 13)
#: Set for the program that is started inside the prepared environment: it never prepares again.
PREPARED = "ARISTOBOT_BOOTSTRAPPED"

_WORDS = {
    "preparing": (
        "Première utilisation : préparation de l'environnement (une à deux minutes)…",
        "First use: preparing the environment (one or two minutes)…",
    ),
    "uv_failed": ("uv n'a pas abouti, nouvel essai avec pip…", "uv did not succeed, trying pip…"),
    "python": (
        "Aristobot a besoin de Python 3.11, 3.12 ou 3.13 (ici : {here}). Installez-en un, ou installez uv (https://docs.astral.sh/uv).",
        "Aristobot needs Python 3.11, 3.12 or 3.13 (this is {here}). Install one, or install uv (https://docs.astral.sh/uv).",
    ),
    "no_venv": (
        "L'environnement n'a pas pu être créé. Sous Debian ou Ubuntu : apt install python3-venv. Sinon, installez uv.",
        "The environment could not be made. On Debian or Ubuntu: apt install python3-venv. Otherwise install uv.",
    ),
    "pip_failed": (
        "L'installation des dépendances a échoué (message ci-dessus). Vérifiez la connexion à Internet, puis recommencez.",
        "Installing the dependencies failed (message above). Check the Internet connection, then try again.",
    ),
    "missing": (
        "Il manque toujours : {names}. Supprimez le dossier {folder} puis recommencez.",
        "Still missing: {names}. Delete the folder {folder}, then try again.",
    ),
    "stranger": (
        "« {room} » vient de {found} et non de {root} : lancez Aristobot d'un autre dossier, ou par la commande « aristobot ».",
        "“{room}” comes from {found}, not from {root}: start Aristobot in another folder, or with the command “aristobot”.",
    ),
}


class NotPrepared(SystemExit):
    """The program cannot start; the sentence for the user is its text, on standard error."""


def say(code: str, **facts: object) -> str:
    """A sentence in the language of `ARISTOBOT_LANGUAGE`, French by default."""
    return _WORDS[code][os.environ.get("ARISTOBOT_LANGUAGE", "fr").lower() == "en"].format(**facts)


def prepare(module: str, arguments: list[str], *, extra: str = "") -> None:
    """Return when this interpreter has all that is needed; otherwise make it so and run `module` there instead.

    `extra` names a set of optional dependencies that is needed as well. Raise NotPrepared when that cannot be done.
    """
    if not (ROOT / "pyproject.toml").is_file():  # an installed wheel: whoever installed it brought what it needs
        return
    missing = missing_here(extra)
    if not missing:
        return
    if os.environ.get(PREPARED):
        raise NotPrepared(say("missing", names=", ".join(missing), folder=ENVIRONMENT))
    if not _is_fresh(extra):
        _make(extra)
    _start_again([str(environment_python()), "-P", "-m", module, *arguments])


def missing_here(extra: str) -> list[str]:
    """What pyproject.toml asks for and this interpreter does not have: distributions, or Python itself."""
    if not _supported(sys.version_info[:2]):
        return [f"Python {OLDEST[0]}.{OLDEST[1]}"]
    import tomllib  # an older Python does not have it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    names = [re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0] for requirement in wanted]
    return [name for name in names if not _installed(name)]


def stranger() -> str | None:
    """A sentence when one of our rooms would be imported from a folder that is not ours; None when all is well."""
    for room in ROOMS:
        spec = PathFinder.find_spec(room)
        found = Path(next(iter(spec.submodule_search_locations or [spec.origin or ""]))).resolve() if spec else Path()
        if found.parent != ROOT:
            return say("stranger", room=room, found=found.parent, root=ROOT)
    return None


def environment_python() -> Path:
    """The interpreter of the environment beside the code."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _supported(version: tuple[int, ...]) -> bool:
    return OLDEST <= version <= NEWEST


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _stamp(extra: str) -> Path:
    return ENVIRONMENT / f"prepared-{extra or 'run'}"


def _wanted() -> str:
    """Changes when the dependencies change."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    if (ROOT / "uv.lock").is_file():
        wanted.update((ROOT / "uv.lock").read_bytes())
    return wanted.hexdigest()


def _is_fresh(extra: str) -> bool:
    stamps = [_stamp(extra), _stamp("dev")]  # what the tests need holds all the rest
    return environment_python().exists() and any(file.is_file() and file.read_text() == _wanted() for file in stamps)


def _make(extra: str) -> None:
    if not environment_python().exists():
        print(say("preparing"), file=sys.stderr, flush=True)
    if not _made_with_uv(extra):
        _make_with_pip(extra)
    _stamp(extra).write_text(_wanted())


def _made_with_uv(extra: str) -> bool:
    uv = shutil.which("uv")
    if uv is None or _run([uv, "--version"], quiet=True) != 0:  # a shim that leads nowhere is no uv
        return False
    wanted = ["--group", extra] if extra else ["--no-default-groups"]
    python = ["--python", sys.executable] if _supported(sys.version_info[:2]) and not environment_python().exists() else []
    if _run([uv, "sync", "--frozen", "--inexact", "--quiet", "--project", str(ROOT), *wanted, *python]) == 0:
        return True
    print(say("uv_failed"), file=sys.stderr, flush=True)
    return False


def _make_with_pip(extra: str) -> None:
    python = str(environment_python())
    if not _usable(python) and _run([_base_python(), "-m", "venv", "--clear", str(ENVIRONMENT)]) != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise NotPrepared(say("no_venv"))
    if _run([python, "-m", "pip", "--version"], quiet=True) != 0:  # uv makes environments without pip
        _run([python, "-m", "ensurepip", "--upgrade"], quiet=True)
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    if _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target]) != 0:
        raise NotPrepared(say("pip_failed"))


def _base_python() -> str:
    candidates = [sys.executable, *(shutil.which(f"python3.{minor}") or "" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))]
    for candidate in candidates:
        if candidate and _usable(candidate):
            return candidate
    raise NotPrepared(say("python", here=sys.version.split()[0]))


def _usable(python: str) -> bool:
    """Whether there is a supported Python behind this path."""
    asked = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    return bool(shutil.which(python)) and _run([python, "-c", asked], quiet=True) == 0


def _run(command: list[str], *, quiet: bool = False) -> int:
    environ = {name: value for name, value in os.environ.items() if name not in ("UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV")}
    try:
        out = subprocess.DEVNULL if quiet else sys.stderr
        return subprocess.call(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environ)
    except OSError:
        return 127


def _start_again(command: list[str]) -> None:
    environ = {**os.environ, PREPARED: "1"}
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":  # the same process: signals, terminal and process id stay what they were
        os.execve(command[0], command, environ)
    try:
        code = subprocess.call(command, env=environ)
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)
