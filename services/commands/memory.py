"""`backup`, `restore`, `verify`, `rotate-keys`: care of what is remembered."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from aristobot.clock import SystemClock
from aristobot.language import _
from aristobot.settings import Settings
from aristobot.store.backups import copy_name
from aristobot.store.instance import InstanceLock
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.safekeeping import backup as back_up
from aristobot.store.safekeeping import restore as put_back
from aristobot.store.verification import verify as look_at
from aristobot.vault import Vault
from services.commands.memory_access import OPERATOR
from services.commands.options import settings_of
from services.key_rotation import rotate

CHECK_FAILED = 7
Target = Annotated[str, typer.Argument(metavar="[FILE]", help="Where to; by default the backups folder")]


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    cli.command("backup")(backup)
    cli.command("restore")(restore)
    cli.command("verify")(verify)
    cli.command("rotate-keys")(rotate_keys)


def backup(ctx: typer.Context, file: Target = "") -> None:
    """Copy the database into one file, checked, while it is in use"""
    settings = settings_of(ctx)
    target = Path(file) if file else settings.data_dir / "backups" / copy_name("manual", SystemClock().now())
    print(back_up(settings.database_url, target.absolute()))


def restore(ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup")]) -> None:
    """Put a backup in the place of the database; trading then waits for a human"""
    settings = settings_of(ctx)
    with _alone(settings):
        put_back(settings.database_url, file, settings.data_dir / "backups", SystemClock().now(), by=OPERATOR.name)
    print(_("The backup is in place. Trading is halted: look at your exchanges, then resume."), file=sys.stderr)


def verify(ctx: typer.Context) -> int:
    """Check integrity, migrations, seals and invariants; answers in JSON"""
    settings = settings_of(ctx)
    vault = Vault.open_or_create(settings.master_key_file)
    report = look_at(settings.database_url, vault.derive("audit"))
    print(json.dumps(report.as_json(), default=str))
    return 0 if report.passed else CHECK_FAILED


def rotate_keys(ctx: typer.Context) -> None:
    """New master key, and everything sealed again with it"""
    settings = settings_of(ctx)
    with _alone(settings):
        upgrade_at_start(settings.database_url, settings.data_dir / "backups")
        count = rotate(settings)
    words = _("Sealed again with a new key: {count}. Keep a copy of {path}.", count=count, path=settings.master_key_file)
    print(words, file=sys.stderr)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """While no instance runs, and none can start."""
    lock = InstanceLock(settings)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
