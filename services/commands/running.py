"""`run` and `simulator`: what goes on until somebody stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from aristobot.errors import ConfigurationError
from aristobot.settings import Settings
from services.commands.options import MEANINGS, settings_of, with_settings


def add_to(cli: typer.Typer, serve: Callable[[Settings], int]) -> None:
    """Hang the commands on the parser; `serve` opens the house."""

    def run(ctx: typer.Context, **options: Any) -> int:
        """Start everything: screen, API, alerts, services"""
        given = {name: value for name, value in options.items() if value not in ("", False)}
        return serve(settings_of(ctx, **given))

    cli.command("run")(with_settings(run, tuple(MEANINGS)))
    cli.command("simulator")(simulator)


def simulator(
    port: Annotated[int, typer.Option(help="Port of the exchanges; 0 takes a free one")] = 9100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same prices")] = 7,
    control_port: Annotated[int, typer.Option(help="Port for accounts, prices and faults; 0 takes a free one")] = 9101,
) -> int:
    """A local exchange, real on the wire, to try things with"""
    from services.simulator.__main__ import main as simulate  # a house that runs has no use for it

    try:
        return simulate(["--port", str(port), "--seed", str(seed), "--control-port", str(control_port)])
    except (OSError, OverflowError) as error:  # taken, not ours, or no port at all
        detail = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError("port_unusable", field="port", value=f"{port}, {control_port}", detail=detail) from None
