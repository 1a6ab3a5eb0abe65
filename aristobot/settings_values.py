"""Reading single settings: folders, addresses, rates. What cannot be is raised as a code that settings.py turns into an error."""

from __future__ import annotations

import ipaddress
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic_core import PydanticCustomError

_POSTGRES = ("postgres://", "postgresql://")
_NO_FILE = ("", "/", "/:memory:")
_SUPPORTED = ("sqlite:///", "postgresql+psycopg://")


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """The platform's folder for a user's data: local, since SQLite in a synchronised folder gets damaged."""
    if os.name == "nt":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Aristobot"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Aristobot"
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "aristobot"


def open_folder(path: Path) -> Path:
    """Make the folder if need be, for its owner alone, and return its absolute path; OSError when that is impossible."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & stat.S_ISVTX:  # as /tmp: closed to others, it would be missed by the whole system
        raise PermissionError(1, os.strerror(1))
    if os.name == "posix":
        path.chmod(0o700)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13))
    return path.resolve()


def sqlite_address(path: Path) -> str:
    """The address of a SQLite file, whatever characters its folder's name holds."""
    return "sqlite:///" + quote(path.as_posix(), safe=" +/")


def database_address(text: str) -> str:
    """`postgres://` and `postgresql://`, as panels give and people paste them, with our driver; SQLite as it is."""
    address = text.strip()
    for prefix in _POSTGRES:
        if address.startswith(prefix):
            address = "postgresql+psycopg://" + address.removeprefix(prefix)
    if not address.startswith(_SUPPORTED) or address.removeprefix("sqlite://") in _NO_FILE:
        raise PydanticCustomError("setting_database", "unknown database")
    return address


def web_address(text: str, schemes: tuple[str, ...]) -> str:
    """An absolute address with one of the schemes and a host, without user or password."""
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in schemes and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = "***" if "@" in text else text[:80]  # it may hold a password
        raise PydanticCustomError("setting_address", "not an address", {"schemes": ", ".join(schemes), "value": shown})
    return text.strip()


def rate_per_minute(value: object) -> object:
    """`30` or `30/min`."""
    return value.strip().removesuffix("/min").strip() if isinstance(value, str) else value


def proxies(value: object) -> object:
    """A comma-separated list of addresses and networks, or such a sequence; `*` is refused: it would believe everybody."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    for part in parts:
        try:
            ipaddress.ip_network(str(part), strict=False)
        except ValueError:
            raise PydanticCustomError("setting_proxies", "not a network", {"value": str(part)[:80]}) from None
    return tuple(str(part) for part in parts)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback  # ::ffff:127.0.0.1, of a dual-stack listener
