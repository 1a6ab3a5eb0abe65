"""Taking the screen's port ourselves, and a server that comes to its own end after a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator

import uvicorn

from aristobot.errors import ConfigurationError

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """Uvicorn that stops at a signal, and lets us come to our own end afterwards."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear the signals while serving; do not raise them again."""
        previous = {one: signal.signal(one, self.handle_exit) for one in _STOP_SIGNALS}
        try:
            yield
        finally:
            for one, handler in previous.items():
                signal.signal(one, handler)


def bind(host: str, port: int) -> socket.socket:
    """Take a port; 0 takes a free one. ConfigurationError when it is taken or not ours: uvicorn would end the process."""
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise unusable("port", f"{host}:{port}", error) from None
    bound.setblocking(False)
    return bound


def unusable(field: str, value: str, error: OSError) -> ConfigurationError:
    """Why an address cannot be listened on, naming the setting."""
    return ConfigurationError("port_unusable", field=field, value=value, detail=error.strerror or type(error).__name__)


def shown_host(host: str) -> str:
    """The host by which this machine reaches what listens on `host`."""
    bare = host.strip("[]")
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bare, bare)  # noqa: S104 # compared, not bound
    return f"[{shown}]" if ":" in shown else shown
