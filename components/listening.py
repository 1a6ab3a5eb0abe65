"""Taking the screen's port ourselves, and a server that comes to its own end after a signal."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator

import uvicorn

from aristobot.errors import ConfigurationError
from services.listener import PatientProtocol, listening_socket

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ScreenProtocol(PatientProtocol):
    """For people who come themselves: nobody takes every connection that this process can hold."""

    most_from_one = 128


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
    """Take a port; 0 takes a free one. ConfigurationError when it is taken or not ours: uvicorn would end the process.

    Who connects before it is served waits.
    """
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise unusable("port", f"{host}:{port}", error) from None


def unusable(field: str, value: str, error: OSError) -> ConfigurationError:
    """Why an address cannot be listened on, naming the setting."""
    return ConfigurationError("port_unusable", field=field, value=value, detail=error.strerror or type(error).__name__)


def shown_host(host: str) -> str:
    """The host by which this machine reaches what listens on `host`."""
    bare = host.strip("[]")
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bare, bare)  # noqa: S104 # compared, not bound
    return f"[{shown}]" if ":" in shown else shown
