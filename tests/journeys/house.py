"""Whole processes for the journeys: Aristobot as a user starts it, and the exchange simulator beside it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.exchange_urls import as_environment, exchange_urls
from tests.house import ROOT
from tests.journeys.memory import a_database

PASSWORD = "un chat vert sur le toit"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
#: What Chromium does without. Of several such lists it takes the last alone: Playwright's own stand here again.
_UNWANTED = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",  # two pages behind the address bar of every window: as much work as one of ours
    "SpareRendererForSitePerProcess",  # a process for a page that nobody may ever open
)  # fmt: skip
CHROMIUM_ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    f"--disable-features={','.join(_UNWANTED)}",
]  # fmt: skip


#: Seconds until a process must say that it is ready, and in which it must end; a crowded machine may take some.
_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Exchange:
    """A simulator that runs: where it listens, and the keys of its ready account."""

    url: str
    control: str
    key: str
    secret: str

    @property
    def settings(self) -> dict[str, str]:
        """The environment that leads the exchanges' addresses to it."""
        return as_environment(exchange_urls(self.url))


@dataclass(frozen=True, slots=True)
class Home:
    """An Aristobot that runs."""

    url: str
    webhooks: str
    folder: Path
    environment: Mapping[str, str]
    pid: int

    def console(self) -> str:
        """What it has said on standard error."""
        return (self.folder / "console.txt").read_text("utf-8")

    def first_code(self) -> str:
        """The one-time code for the first administrator."""
        found = re.search(r"\b\d{8}\b", self.console())
        assert found is not None, self.console()
        return found.group()

    def command(self, *arguments: str) -> str:
        """Run one command of the command line on the same data folder; what it printed."""
        whole = [sys.executable, "-m", "aristobot", *arguments]
        done = subprocess.run(whole, cwd=ROOT, env={**self.environment}, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def an_exchange() -> Iterator[Exchange]:
    """Start the simulator on free ports; its prices walk by themselves, second by second."""
    arguments = [sys.executable, "-m", "services.simulator", "--port", "0", "--control-port", "0"]
    with _started(arguments, clean_environment(), subprocess.DEVNULL) as ready:
        account = next(one for one in ready["accounts"] if one["exchange"] == "binance")
        yield Exchange(ready["url"], ready["control"], account["key"], account["secret"])


@contextmanager
def a_home(folder: Path, options: list[str], extra: Mapping[str, str]) -> Iterator[Home]:
    """Start Aristobot on a data folder, on free ports, without a window."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, "-m", "aristobot", "run", "--headless", "--port", "0", "--webhook-port", "0", *options]
    with ExitStack() as around:
        memory = around.enter_context(a_database(options))
        environment = {**clean_environment(), **memory, **extra, "ARISTOBOT_DATA_DIR": str(folder)}
        console = around.enter_context((folder / "console.txt").open("w", encoding="utf-8"))
        ready = around.enter_context(_started(arguments, environment, console))
        yield Home(ready["ui"], ready["webhooks"], folder, environment, ready["pid"])


@contextmanager
def _started(arguments: list[str], environment: Mapping[str, str], errors: TextIO | int) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _WITHIN)
        line = process.stdout.readline() if ready else ""
        assert line, f"{' '.join(arguments)} was not ready in time, or ended before"
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def clean_environment() -> dict[str, str]:
    """The environment without what belongs to the tests or to a desktop."""
    foreign = ("NICEGUI_", "PYTEST", "ARISTOBOT_", "DISPLAY", "WAYLAND")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
