"""Showing the screen to whoever sits in front of this machine: the window, or the browser."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import webbrowser

from aristobot.settings import Settings


def show(url: str, settings: Settings) -> None:
    """Open the native window as a process of its own, or the browser where there is a desktop; nothing when headless."""
    if settings.native:
        command = [sys.executable, "-m", "aristobot.window", url, str(settings.data_dir / "window")]
        subprocess.Popen(command, stdout=subprocess.DEVNULL)
    elif not settings.headless and _has_desktop():
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


def _has_desktop() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
