"""The desktop window, a process of its own: `python -m aristobot.window URL [STORAGE]`. Closing it stops nothing.

Imports nothing of the house. Where no window engine works, any Chromium shows the page as an application, else the browser.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

TITLE = "Aristobot"
SIZE = (1400, 900)
BACKGROUND = "#0a0e17"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "brave-browser")
#: A browser that has gone after so few seconds never showed anything.
TOO_SHORT = 3.0


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


def show(url: str, storage: Path | None) -> None:
    """Show the page until the window is closed, in the best way that works here."""
    if not (_native(url, storage) or _as_application(url, storage)):
        webbrowser.open(url)


def _native(url: str, storage: Path | None) -> bool:
    try:
        import webview  # only this process pays for it

        webview.settings["ALLOW_DOWNLOADS"] = True
        webview.create_window(TITLE, url, width=SIZE[0], height=SIZE[1], background_color=BACKGROUND, text_select=True)
        folder = _folder(storage, "window")
        webview.start(private_mode=folder is None, storage_path=folder)  # a kept storage keeps the login
    except Exception as error:  # noqa: BLE001 # every engine fails in its own way; there is a next best for all of them
        print(f"No native window ({type(error).__name__}: {error})", file=sys.stderr)
        return False
    return True


def _as_application(url: str, storage: Path | None) -> bool:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return False
    folder = _folder(storage, "window-browser")
    command = [browser, f"--app={url}", f"--window-size={SIZE[0]},{SIZE[1]}", *([f"--user-data-dir={folder}"] if folder else [])]
    began = time.monotonic()
    code = subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return code == 0 or time.monotonic() - began > TOO_SHORT


def _folder(storage: Path | None, name: str) -> str | None:
    if storage is None:
        return None
    folder = storage / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


def main(arguments: list[str]) -> int:
    """Exit code 0 when the window was shown and closed, 1 when nobody answers at the address, 2 for wrong usage."""
    if len(arguments) not in (1, 2) or urlsplit(arguments[0]).scheme not in ("http", "https"):
        print("python -m aristobot.window URL [STORAGE FOLDER]", file=sys.stderr)
        return 2
    url, storage = arguments[0], Path(arguments[1]) if len(arguments) == 2 else None
    if not wait_for(url):
        print(f"Nobody answers at {url}", file=sys.stderr)
        return 1
    show(url, storage)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
