"""The options: which there are, which belong to every command, and where on the line they may stand."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

import typer

from aristobot.errors import InvalidInput
from aristobot.language import set_language
from aristobot.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON")]
#: Every setting that is an option, with what it means. Values are read, and refused, by the settings themselves.
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "data_dir": "Folder for database, keys, logs, backups and your own pages",
        "database_url": "postgresql://user:password@host/name; by default SQLite in the data folder",
        "host": "Address of the screen and the API; 0.0.0.0 for the local network",
        "port": "Port of the screen and the API; 0 takes a free one",
        "webhook_host": "Address on which alerts are received",
        "webhook_port": "Port on which alerts are received; 0 takes a free one",
        "webhook_public_url": "Address by which TradingView reaches the webhook port",
        "webhook_rate": "Alerts accepted per token and minute",
        "webhook_burst": "Alerts accepted per token at once",
        "trusted_proxies": "Addresses or networks of proxies whose forwarded address is believed, separated by commas",
        "language": "fr or en",
        "log_level": "DEBUG, INFO, WARNING or ERROR",
        "log_rotation_bytes": "Size at which a log file is put away",
        "log_rotation_seconds": "Age at which a log file is put away",
        "log_retention": "Number of old log files kept per service",
        "log_retention_seconds": "Age at which old log files are deleted",
        "backtest_retention": "Number of backtests kept per user, besides those that are pinned",
        "master_key_file": "File with the key that seals secrets",
        "demo": "A fresh, separate house with a simulated exchange and play money",
        "native": "Show a window instead of a browser page",
        "headless": "Neither browser nor window: for a server",
        "no_orders": "Everything works, but no order leaves",
        "telegram_url": "Address of the Telegram Bot API, for a server of your own",
        "market_exchange": "Exchange of the heartbeat, and of prices that another exchange does not list",
    }
)
#: Those that also make sense for the other commands.
EVERYWHERE = ("data_dir", "database_url", "master_key_file", "language", "log_level")
#: Every command with the module that holds it.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "run": "services.commands.running",
        "init": "services.commands.household",
        "user": "services.commands.household",
        "token": "services.commands.household",
        "simulator": "services.commands.running",
        "candles": "services.commands.candles",
        "check": "services.commands.checking",
        "backtest": "services.commands.backtesting",
        "optimise": "services.commands.optimising",
        "halt": "services.commands.stops",
        "resume": "services.commands.stops",
        "backup": "services.commands.memory",
        "restore": "services.commands.restoring",
        "verify": "services.commands.restoring",
        "rotate-keys": "services.commands.memory",
        "doctor": "services.commands.doctor",
    }
)


def flag(name: str) -> str:
    """The spelling of a setting on the command line."""
    return "--" + name.replace("_", "-")


def is_switch(name: str) -> bool:
    """Whether an option takes no value."""
    return Settings.model_fields[name].annotation is bool


def arranged(argv: Sequence[str]) -> list[str]:
    """The line as the parser wants it: common options, then the command, then the rest. Without a command: `run`.

    Raises InvalidInput for a command that there is not.
    """
    words = list(argv)
    place = _command_at(words)
    if place is None:
        return words if {"--help", "-h", "--version"} & set(words) else ["run", *words]
    command = words.pop(place)
    if command not in COMMANDS:
        nearest = difflib.get_close_matches(command, COMMANDS, n=1, cutoff=0.0)[0]
        raise InvalidInput("unknown_command", field="command", value=command, nearest=nearest)
    if command == "run":
        return ["run", *words]
    common, others = _split(words)
    return [*common, command, *others]


def command_in(words: Sequence[str]) -> str | None:
    """The command of a line that `arranged` has arranged; None when it has none, and asks for help."""
    place = _command_at(words)
    return None if place is None else words[place]


def with_settings(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """The same function, with an option for each setting named, as the parser reads it from a signature."""
    own = [one for one in inspect.signature(function).parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    added = []
    for name in names:
        kind: Any = bool if is_switch(name) else str
        spelled = typer.Option(flag(name), help=MEANINGS[name], show_default=False)
        default = False if is_switch(name) else ""
        kind = Annotated[kind, spelled]
        added.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))

    def taking(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    taking.__doc__ = function.__doc__
    taking.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]  # inspect looks for it
    taking.__annotations__ = {one.name: one.annotation for one in (*own, *added)}
    return taking


def remember(ctx: typer.Context, **options: str) -> None:
    """Keep the options common to all commands for the command that follows."""
    ctx.obj = options


def settings_of(ctx: typer.Context, **more: object) -> Settings:
    """The settings of this command, in whose language everything is said from here on."""
    given: Mapping[str, object] = ctx.obj or {}
    settings = Settings.load({**given, **more})
    set_language(settings.language)
    return settings


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Rows for a program, or one line each for people."""
    if as_json:
        print(json.dumps(list(rows)))
        return
    for row in rows:
        print("  ".join("-" if value in (None, "") else str(value) for value in row.values()))


def _command_at(words: Sequence[str]) -> int | None:
    """Where the first word stands that is neither an option nor the value of one."""
    taking = {flag(name) for name in MEANINGS if not is_switch(name)}
    skip = False
    for place, word in enumerate(words):
        if skip or word.startswith("-"):
            skip = not skip and word in taking
        else:
            return place
    return None


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of every command with their values, and the rest."""
    everywhere = {flag(name) for name in EVERYWHERE}
    common: list[str] = []
    others: list[str] = []
    waiting = False
    for word in words:
        ours = waiting or word.partition("=")[0] in everywhere
        (common if ours else others).append(word)
        waiting = not waiting and word in everywhere
    return common, others
