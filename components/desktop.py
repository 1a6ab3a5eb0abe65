"""Showing the screen to whoever sits in front of this machine: the window, or the browser."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import webbrowser

from aristobot.settings import Settings

#: Seconds that a window may take to close.
_PATIENCE = 5.0


class DesktopScreen:
    """What is shown on the machine of the house; a window closes with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._window: subprocess.Popen[bytes] | None = None

    def show(self, url: str) -> None:
        """Open the native window as a process of its own, or the browser where there is a desktop; nothing when headless."""
        if self._settings.native:
            command = [sys.executable, "-m", "aristobot.window", "--leash", url, str(self._settings.data_dir / "window")]
            self._window = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        elif not self._settings.headless and _has_desktop():
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)

    async def close(self) -> None:
        """Close the window, if it is still open: without the house it shows nothing."""
        if self._window is not None:
            await asyncio.to_thread(_let_go, self._window)


def _let_go(window: subprocess.Popen[bytes]) -> None:
    if window.stdin is not None:
        window.stdin.close()
    try:
        window.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        window.kill()
        window.wait()


def _has_desktop() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
