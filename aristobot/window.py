"""The desktop window, a process of its own: `python -m aristobot.window URL [STORAGE]`. Closing it stops nothing.

Imports nothing of the house. Where no window engine works, any Chromium shows the page as an application, else the browser.
The engine runs in one more process: one that lacks a library of the system ends its process instead of raising an error.
With `--leash` the window closes when standard input ends: the house holds the other end, however it ends itself.
No engine shows a page's own notifications on every desktop: the window offers `pywebview.api.tell` instead, which hands them
to the desktop's own program. A Chromium shows them by itself.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

TITLE = "Aristobot"
SIZE = (1400, 900)
BACKGROUND = "#0a0e17"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "brave-browser")
#: Characters of a notification's title or text that are shown.
LONGEST = 250
#: Windows: an icon beside the clock that speaks, and goes again.
_BALLOON = (
    "Add-Type -AssemblyName System.Windows.Forms; $icon = New-Object System.Windows.Forms.NotifyIcon; "
    "$icon.Icon = [System.Drawing.SystemIcons]::Information; $icon.Visible = $true; "
    "$icon.ShowBalloonTip(8000, $env:ARISTOBOT_TITLE, $env:ARISTOBOT_TEXT, 'Info'); Start-Sleep -Seconds 8; $icon.Dispose()"
)
#: Seconds that a desktop's program may take: the balloon stays for eight.
_PATIENCE = 20.0
#: A browser or an engine that has gone after so few seconds never showed anything.
TOO_SHORT = 3.0
#: Exit code of an engine that is not there.
NO_ENGINE = 3
ADVICE = "On Linux `pip install 'pywebview[qt]'` brings a window engine." if sys.platform.startswith("linux") else ""


def wait_for(url: str, seconds: float = 30.0) -> bool:
    """Wait until somebody listens behind the address; False when nobody did in time."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(address, timeout=1.0):
            return True
        time.sleep(0.1)
    return False


def show(url: str, storage: Path | None, leash: Leash) -> None:
    """Show the page until the window is closed or the leash is let go, in the best way that works here."""
    if _by_engine(url, storage, leash) or leash.let_go:
        return
    _say(f"There is no native window here. {ADVICE}")
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is not None:
        _say(f"{Path(browser).name} shows the page in a window of its own instead.")
        if _as_application(browser, url, storage, leash) or leash.let_go:
            return
    _say(f"The page is at {url}, in your browser.")
    webbrowser.open(url)


class Leash:
    """What holds the programs that are started here: once it is let go, the one that runs is ended, and no other begins."""

    def __init__(self) -> None:
        self.let_go = False
        self._running: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def watch(self, descriptor: int) -> None:
        """Let go when this file ends, in a thread that holds nobody up."""
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def run(self, command: list[str], quiet: int | None = None) -> int:
        """Run a program to its end; its exit code. Negative, as of one that was killed, when there was no leash any more."""
        with self._lock:
            if self.let_go:
                return -1
            self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=quiet, stderr=quiet)
        return self._running.wait()

    def _read(self, descriptor: int) -> None:
        with suppress(OSError):
            while os.read(descriptor, 64):
                pass
        with self._lock:
            self.let_go = True
            if self._running is not None:
                self._running.terminate()


def _by_engine(url: str, storage: Path | None, leash: Leash) -> bool:
    """Whether a window was shown by an engine; one that fell over at once never showed any."""
    began = time.monotonic()
    code = leash.run([sys.executable, "-m", "aristobot.window", "--engine", url, *([str(storage)] if storage else [])])
    return code == 0 or (code != NO_ENGINE and time.monotonic() - began > TOO_SHORT)


def _native(url: str, storage: Path | None) -> bool:
    try:
        import webview  # only this process pays for it

        logging.getLogger("pywebview").setLevel(logging.CRITICAL)  # what it misses is said below, in one line
        webview.settings["ALLOW_DOWNLOADS"] = True
        width, height = SIZE
        webview.create_window(
            TITLE, url, width=width, height=height, background_color=BACKGROUND, text_select=True, js_api=Desktop()
        )
        folder = _folder(storage, "window")
        webview.start(private_mode=folder is None, storage_path=folder)  # a kept storage keeps the login
    except Exception as error:  # noqa: BLE001 # every engine fails in its own way; there is a next best for all of them
        _say(f"No window engine works here ({type(error).__name__}: {error}).")
        return False
    return True


class Desktop:
    """What the page may ask of the desktop."""

    def tell(self, title: str, text: str) -> bool:
        """Show a notification outside the window; False where this desktop has no program for it."""
        title, text = str(title)[:LONGEST], str(text)[:LONGEST]
        command = notifier(sys.platform, title, text)
        program = shutil.which(command[0])
        if program is None:
            return False
        words = {"ARISTOBOT_TITLE": title, "ARISTOBOT_TEXT": text}
        quiet = subprocess.DEVNULL
        with suppress(OSError, subprocess.TimeoutExpired, ValueError):  # ValueError: a text with a zero byte
            done = subprocess.run(
                [program, *command[1:]], stdout=quiet, stderr=quiet, timeout=_PATIENCE, check=False, env={**os.environ, **words}
            )
            return done.returncode == 0
        return False


def notifier(platform: str, title: str, text: str) -> list[str]:
    """The program of a desktop that shows a notification, with its arguments.

    The words reach it as values, never as code: as arguments, or on Windows by the environment.
    """
    if platform == "darwin":
        script = ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"]
        return ["osascript", *(word for line in script for word in ("-e", line)), title, text]
    if platform == "win32":
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", _BALLOON]
    return ["notify-send", f"--app-name={TITLE}", "--", title, text]


def _as_application(browser: str, url: str, storage: Path | None, leash: Leash) -> bool:
    folder = _folder(storage, "window-browser")
    command = [browser, f"--app={url}", f"--window-size={SIZE[0]},{SIZE[1]}", *([f"--user-data-dir={folder}"] if folder else [])]
    began = time.monotonic()
    code = leash.run(command, subprocess.DEVNULL)
    return code == 0 or time.monotonic() - began > TOO_SHORT


def _folder(storage: Path | None, name: str) -> str | None:
    if storage is None:
        return None
    folder = storage / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


def main(arguments: list[str]) -> int:
    """Exit code 0 when the window was shown and closed, 1 when nobody answers at the address, 2 for wrong usage."""
    way = arguments[0] if arguments and arguments[0] in ("--engine", "--leash") else ""
    rest = arguments[1:] if way else arguments
    if len(rest) not in (1, 2) or urlsplit(rest[0]).scheme not in ("http", "https"):
        _say("python -m aristobot.window [--leash] URL [STORAGE FOLDER]")
        return 2
    url, storage = rest[0], Path(rest[1]) if len(rest) == 2 else None
    if way == "--engine":
        return 0 if _native(url, storage) else NO_ENGINE
    leash = Leash()
    if way == "--leash":
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every program of a terminal: the house lets go in its order
        leash.watch(sys.stdin.fileno())
    if not wait_for(url):
        _say(f"Nobody answers at {url}")
        return 1
    show(url, storage, leash)
    if way == "--leash" and not leash.let_go:
        _say(f"The window is closed. Aristobot keeps working: {url}")
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
