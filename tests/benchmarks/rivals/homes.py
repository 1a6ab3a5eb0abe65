"""Environments for rivals that cannot live in ours: made by uv when a race needs them, kept in the user's cache folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The wall for one installation and for one run, in seconds.
_INSTALLING, _RUNNING = 900, 900
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Rival:
    """A package that is raced, what else it needs, and the module that runs it."""

    package: str
    version: str
    more: tuple[str, ...]
    module: str

    @property
    def home(self) -> Path:
        """Where its environment lies."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cache / "aristobot-benchmarks" / f"{self.package}-{self.version}-python{python}"

    @property
    def python(self) -> Path:
        """Its interpreter: the same Python as ours."""
        return self.home / "bin" / "python"


class Missing(Exception):
    """A rival that cannot be raced here, and why."""


def prepare(rival: Rival) -> None:
    """Make its environment unless it is there; raise Missing when that cannot be done. Says what it does."""
    ready = rival.home / "ready"
    if ready.exists():
        return
    if shutil.which("uv") is None:
        raise Missing("uv is needed to prepare it")
    wanted = [f"{rival.package}=={rival.version}", *rival.more]
    print(f"preparing {wanted[0]}: needs the internet, a minute or two, up to 600 MB in {rival.home}", flush=True)
    began = time.monotonic()
    shutil.rmtree(rival.home, ignore_errors=True)
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(rival.home)],
        ["uv", "pip", "install", "--quiet", "--python", str(rival.python), *wanted],
    ):
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLING, check=True, cwd=rival.home.anchor)
        except subprocess.TimeoutExpired:
            raise Missing(f"not prepared within {_INSTALLING} s") from None
        except subprocess.CalledProcessError as error:
            told = error.stderr.strip().splitlines() or ["no reason given"]
            raise Missing(f"could not be prepared: {told[0]}") from None
    ready.touch()
    print(f"prepared in {time.monotonic() - began:.0f} s", flush=True)


def run(rival: Rival, candles: Path) -> dict[str, Any]:
    """One run over a file of candles, in a process of its own."""
    command = [str(rival.python), "-W", "ignore", "-m", rival.module, str(candles)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_RUNNING, check=True, cwd=_ROOT)
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.rindex('{"cpu"') :])
    return told
