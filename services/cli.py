"""The command `aristobot`: which command, with which settings, in which language, with which exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
import typer.main
from loguru import logger

from aristobot.errors import AristobotError, ConfigurationError, InstanceRunning, InvalidInput, StoreDamaged, StoreError
from aristobot.language import _, explain, use_language
from aristobot.settings import Settings, language_asked
from services.commands import running
from services.commands.options import COMMANDS, EVERYWHERE, arranged, command_in, remember, with_settings

USAGE, IN_USE, UNREACHABLE, MISCONFIGURED, DAMAGED = 2, 3, 4, 5, 6
_INTERRUPTED = 130
#: The first class that fits decides; whatever else is ours was asked for wrongly.
_EXIT_CODES: tuple[tuple[type[AristobotError], int], ...] = (
    (InstanceRunning, IN_USE),
    (StoreDamaged, DAMAGED),
    (StoreError, UNREACHABLE),
    (ConfigurationError, MISCONFIGURED),
    (AristobotError, USAGE),
)


def main(argv: Sequence[str], serve: Callable[[Settings], int]) -> int:
    """Run one command and return its exit code. `serve` opens the house, for `run`.

    Results go to standard output, everything said to people to standard error.
    """
    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{message}")
    with use_language(language_asked(argv)):
        try:
            return _invoke(arranged(argv), serve)
        except AristobotError as error:
            print(explain(error), file=sys.stderr)
            return exit_code(error)
        except (KeyboardInterrupt, typer.Abort):
            return _INTERRUPTED


def exit_code(error: AristobotError) -> int:
    """What a service manager or a script sees of an error."""
    return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))


def parser(serve: Callable[[Settings], int], command: str | None = None) -> Any:
    """Every command, or those of one command's subject, described in the current language."""
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
    cli.callback(help="A trading bot for a household: alerts, strategies, orders by hand")(with_settings(remember, EVERYWHERE))
    for subject in dict.fromkeys(COMMANDS[one] for one in (COMMANDS if command is None else [command])):
        if subject == running.__name__:
            running.add_to(cli, serve)
        else:  # the others reach deep into the house: only those who ask for them wait for what they import
            importlib.import_module(subject).add_to(cli)
    return _translated(typer.main.get_command(cli))


def _invoke(argv: Sequence[str], serve: Callable[[Settings], int]) -> int:
    try:
        result = parser(serve, command_in(argv)).main(args=list(argv), prog_name="aristobot", standalone_mode=False)
    except typer.TyperException as wrong:
        raise _in_our_words(wrong) from None
    return result if isinstance(result, int) else 0


def _translated(command: Any) -> Any:
    """The same command, its help in the current language."""
    command.help = _(command.help) if command.help else None
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _(parameter.help)
    for child in getattr(command, "commands", {}).values():
        _translated(child)
    return command


def _in_our_words(wrong: Any) -> AristobotError:
    """A usage error of the parser as one of ours, which names the option or argument."""
    parameter = getattr(wrong, "param", None)
    spelled = parameter.get_error_hint() if parameter is not None else getattr(wrong, "option_name", "")
    if type(wrong).__name__ == "MissingParameter":
        return InvalidInput("option_missing", field=spelled)
    if type(wrong).__name__ == "NoSuchOption":
        return InvalidInput("option_unknown", field=spelled, nearest=", ".join(wrong.possibilities or ()) or "--help")
    return InvalidInput("usage", field=spelled or "command", detail=str(wrong.message))
