"""`backup`, `rotate-keys`: care of what is remembered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aristobot.clock import SystemClock
from aristobot.language import _
from aristobot.store.backups import copy_name
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.safekeeping import backup as back_up
from aristobot.store.shelf import Shelf
from services.commands.memory_access import alone
from services.commands.options import settings_of
from services.key_rotation import rotate

Target = Annotated[str, typer.Argument(metavar="FILE", help="Where to; by default the backups folder")]


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    cli.command("backup")(backup)
    cli.command("rotate-keys")(rotate_keys)


def backup(ctx: typer.Context, file: Target = "") -> None:
    """Copy the database into one sealed file, checked, while it is in use"""
    settings, now = settings_of(ctx), SystemClock().now()
    shelf = Shelf.of(settings)
    target = Path(file) if file else shelf.folder / copy_name("manual", now)
    print(back_up(settings.database_url, target.absolute(), shelf, now))


def rotate_keys(ctx: typer.Context) -> None:
    """New master key, and everything sealed again with it"""
    settings = settings_of(ctx)
    with alone(settings):
        upgrade_at_start(settings.database_url, Shelf.of(settings))
        count = rotate(settings)
    words = _(
        "Sealed again with a new key: {count}. Copy {path} again to where you keep it: it also opens the older backups.",
        count=count,
        path=settings.master_key_file,
    )
    print(words, file=sys.stderr)
