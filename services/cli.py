"""The command `aristobot`: which command, with which settings, in which language, with which exit code."""

from __future__ import annotations

import importlib
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
import typer.main
from loguru import logger
from pydantic import ValidationError

from aristobot.errors import AristobotError, ConfigurationError, InstanceRunning, InvalidInput, StoreDamaged, StoreError
from aristobot.language import _, explain, use_language
from aristobot.settings import Settings, language_asked
from services.commands import running
from services.commands.helping import HelpContext
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Windows writes into files in the code page of the country
            stream.reconfigure(errors="backslashreplace")
    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{message}")
    with use_language(language_asked(argv)):
        try:
            return _invoke(arranged(argv), serve)
        except AristobotError as error:
            print(_in_full(error), file=sys.stderr)
            return exit_code(error)
        except (KeyboardInterrupt, typer.Abort):
            return _INTERRUPTED


def _in_full(error: AristobotError) -> str:
    """The sentence, with what the database itself said: whoever starts the house may see addresses, a screen may not."""
    words, detail = explain(error), str(error.facts.get("detail", ""))
    return f"{words} ({detail})" if isinstance(error, StoreError) and detail and detail not in words else words


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


def _translated(command: Any, parent: Any = None) -> Any:
    """The same command, its help in the current language."""
    command.context_class = HelpContext
    context = HelpContext(command, parent=parent, **command.context_settings)
    command.get_help_option(context).help = _("Show this message and exit.")
    command.help = _(command.help) if command.help else None
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = _(parameter.help)
    for child in getattr(command, "commands", {}).values():
        _translated(child, context)
    return command


def _in_our_words(wrong: Any) -> AristobotError:
    """A usage error of the parser as one of ours, which names the option or argument."""
    parameter = getattr(wrong, "param", None)
    spelled = (parameter.get_error_hint() if parameter is not None else getattr(wrong, "option_name", "")).strip("'")
    match type(wrong).__name__:
        case "MissingParameter":
            return InvalidInput("option_missing", field=spelled)
        case "NoSuchOption":
            return InvalidInput("option_unknown", field=spelled, nearest=", ".join(wrong.possibilities or ()) or "--help")
        case "BadOptionUsage":
            return InvalidInput("option_without_value", field=spelled)
    if isinstance(wrong.__cause__, ValidationError):
        return _bad_value(spelled, wrong.__cause__)
    if surplus := re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", str(wrong.message), re.DOTALL):
        return InvalidInput("surplus", field="command", value=surplus[1])
    context: Any = getattr(wrong, "ctx", None)
    if context is not None and (choices := ", ".join(getattr(context.command, "commands", ()))):
        return InvalidInput("subcommand", field=context.info_name, choices=choices)
    return InvalidInput("usage", field=spelled or "command", detail=str(wrong.message))


def _bad_value(spelled: str, invalid: ValidationError) -> AristobotError:
    """A value of a wrong kind, with what it must be."""
    first = invalid.errors(include_url=False)[0]
    value = str(first["input"])[:80]
    match first["type"]:
        case "int_parsing":
            return InvalidInput("option_not_whole", field=spelled, value=value)
        case "uuid_parsing":
            return InvalidInput("option_not_an_id", field=spelled, value=value)
    choices = re.findall(r"'([^']*)'", first["msg"].rpartition(" is not one of ")[2])
    if choices:
        return InvalidInput("option_choice", field=spelled, value=value, choices=", ".join(choices))
    return InvalidInput("usage", field=spelled, detail=first["msg"])
