"""What a browser calls itself, in words that people know."""

from __future__ import annotations

import re

from aristobot.language import _

_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux",
}  # fmt: skip
_NUMBERS = re.compile(r"[\d._]+")


def browser_words(agent: str) -> str:
    """Browser and system, as far as the header tells."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in agent), _("Unknown browser"))
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), "")
    return f"{browser} · {system}" if system else browser


def same_device(one: str, other: str) -> bool:
    """Whether two headers are of the same kind of browser on the same kind of machine; an update makes no new device."""
    return _NUMBERS.sub("", one) == _NUMBERS.sub("", other)
