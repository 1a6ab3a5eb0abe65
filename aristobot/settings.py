"""Everything that can be configured, read once: option, environment, `.env` here, `.env` of the data folder, default.

The only file that reads the environment.
"""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self, TypeVar, get_args
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from aristobot.errors import ConfigurationError
from aristobot.settings_values import (
    database_address,
    default_data_dir,
    is_loopback,
    open_folder,
    proxies,
    rate_per_minute,
    sqlite_address,
    web_address,
)

PREFIX = "ARISTOBOT_"
#: They belong to the tests and to the start itself.
_NOT_OURS = (f"{PREFIX}TEST_", f"{PREFIX}REQUIRE_", f"{PREFIX}BOOTSTRAPPED")

#: Nobody shall switch this on by the way.
_WITHOUT_OPTION = {"debug"}

#: Which part of an exchange's addresses a name sets by what follows the exchange's: `ARISTOBOT_KRAKEN_WS_PUBLIC_URL`. Whether
#: there is such an exchange is not known here; whoever knows the clients refuses what leads nowhere (`address_variable`).
_ADDRESSES = {"rest_url": "rest", "ws_public_url": "stream", "ws_private_url": "trading"}
#: Names of their own, by the exchange's documentation.
_OWN_ADDRESSES = {"binance_ws_url": ("binance", "stream"), "binance_ws_api_url": ("binance", "trading")}
_ADDRESS = re.compile(rf"([a-z0-9]+)_({'|'.join(_ADDRESSES)})")

_S = TypeVar("_S", bound="Settings")
LogLevel = Literal["TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"]


class Settings(BaseModel):
    """The settings of one process. Frozen; made by `load`. Sizes in bytes, times in seconds, ports 0 take a free one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    database_url: str = Field(repr=False)
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(8888, ge=0, le=65535)
    webhook_public_url: str = ""
    webhook_rate: int = Field(30, ge=1, le=100_000)
    webhook_burst: int = Field(10, ge=1, le=100_000)
    trusted_proxies: tuple[str, ...] = ()
    language: Literal["fr", "en"] = "fr"
    log_level: LogLevel = "INFO"
    log_rotation_bytes: int = Field(5_000_000, ge=10_000)
    log_rotation_seconds: int | None = Field(None, ge=1)
    log_retention: int = Field(5, ge=0, le=1000)
    log_retention_seconds: int | None = Field(None, ge=1)
    #: Backtests kept per user, besides the pinned ones.
    backtest_retention: int = Field(200, ge=1, le=10_000)
    master_key_file: Path
    debug: bool = False
    demo: bool = False
    native: bool = False
    headless: bool = False
    no_orders: bool = False
    exchange_urls: dict[str, dict[str, str]] = Field(default_factory=dict)
    #: Whose candles make the heartbeat, and whose prices read an alert for a pair that the broker's own exchange does not list.
    market_exchange: str = "binance"
    #: Where Telegram's Bot API answers; another address for a server of one's own.
    telegram_url: str = "https://api.telegram.org"

    @classmethod
    def load(cls, options: Mapping[str, object] = MappingProxyType({}), environ: Mapping[str, str] | None = None) -> Self:
        """Read everything, make the data folder (mode 0700), and return the settings.

        `options` are the command line's, by name (`data_dir` or `data-dir`); None means not given. Raise ConfigurationError,
        naming the field and the cure, for anything unknown, impossible or insecure.
        """
        given = _named_options(options)
        environ = os.environ if environ is None else environ
        environment = _ours(environ)
        here = _ours(dotenv_values(Path.cwd() / ".env"))
        outside = here | environment | given
        demo = _is_true(outside.get("demo"))
        folder = _data_folder(outside.get("data_dir"), environ, demo=demo)
        inside = {} if demo else _ours(dotenv_values(folder / ".env"))
        values: dict[str, Any] = {**inside, **outside, "data_dir": folder}
        if demo:
            _isolate(values, given)
        return _validated(cls, values)

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("language", "market_exchange", mode="before")
    @classmethod
    def _lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("webhook_rate", mode="before")
    @classmethod
    def _rate(cls, value: object) -> object:
        return rate_per_minute(value)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _proxies(cls, value: object) -> object:
        return proxies(value)

    @field_validator("database_url", mode="before")
    @classmethod
    def _database(cls, value: object) -> object:
        return database_address(str(value))

    @field_validator("webhook_public_url", "telegram_url", mode="after")
    @classmethod
    def _public(cls, value: str) -> str:
        return web_address(value, ("https", "http")).rstrip("/") if value else ""

    @property
    def is_sqlite(self) -> bool:
        """Whether the memory is a SQLite file."""
        return self.database_url.startswith("sqlite")

    @property
    def database_password(self) -> str:
        """The password inside the database address, to be masked in the logs; empty when there is none."""
        return unquote(urlsplit(self.database_url).password or "") if not self.is_sqlite else ""


def language_asked(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """The language that line, environment or an `.env` asks for, before anything is checked or made; "" for none."""
    environ = os.environ if environ is None else environ
    outside = dict(_lines(Path.cwd())) | dict(environ)
    told = _typed("--language", arguments) or outside.get(f"{PREFIX}LANGUAGE")
    if not told and "--demo" not in arguments:
        folder = _typed("--data-dir", arguments) or outside.get(f"{PREFIX}DATA_DIR") or default_data_dir(environ)
        told = _lines(Path(folder).expanduser()).get(f"{PREFIX}LANGUAGE")
    return (told or "").lower()


def _typed(option: str, arguments: Sequence[str]) -> str:
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == option or word.startswith(f"{option}="):
            return following if word == option else word.partition("=")[2]
    return ""


def _lines(folder: Path) -> Mapping[str, str | None]:
    """What an `.env` says; nothing when it cannot be read, which is said when it matters."""
    try:
        return dotenv_values(folder / ".env")
    except (OSError, ValueError):
        return {}


def address_variable(exchange: str, part: str) -> str:
    """The environment's name for a part (rest, stream, trading) of an exchange's addresses."""
    return f"{PREFIX}{exchange}_{next(name for name, one in _ADDRESSES.items() if one == part)}".upper()


def _part_of(name: str) -> tuple[str, str] | None:
    """Which part of which exchange's addresses a name sets; None when it is none of theirs."""
    found = _ADDRESS.fullmatch(name)
    return (found[1], _ADDRESSES[found[2]]) if found else _OWN_ADDRESSES.get(name)


def _is_known(name: str) -> bool:
    return name in _known_names() or _part_of(name) is not None


def _known_names() -> set[str]:
    return set(Settings.model_fields) - {"exchange_urls"}


def _ours(source: Mapping[str, str | None]) -> dict[str, Any]:
    """What a source says under our prefix; an empty value says nothing. Raise for a name that nobody knows."""
    found: dict[str, Any] = {}
    for variable, value in source.items():
        if not variable.startswith(PREFIX) or variable.startswith(_NOT_OURS):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if not _is_known(name) or variable != PREFIX + name.upper():
            raise _unknown(variable, PREFIX + _nearest(name).upper())
        if value:
            found[name] = value
    return found


def _named_options(options: Mapping[str, object]) -> dict[str, Any]:
    named = {name.lstrip("-").replace("-", "_"): value for name, value in options.items()}
    for name in named:
        if name != "exchange_urls" and not _is_known(name):
            raise _unknown(_option(name), _option(_nearest(name)))
    return {name: value for name, value in named.items() if value is not None and value != ""}


def _wrong(code: str, field: str, **facts: object) -> ConfigurationError:
    """An error that names the setting as Python, as the environment and, where it is an option, the command line know it."""
    variable, option = PREFIX + field.upper(), _option(field)
    setting = f"{variable} ({option})" if field in _known_names() - _WITHOUT_OPTION else variable
    return ConfigurationError(code, field=field, variable=variable, option=option, setting=setting, **facts)


def _unknown(name: str, nearest: str) -> ConfigurationError:
    return ConfigurationError("setting_unknown", field=name, variable=name, nearest=nearest)


def _nearest(name: str) -> str:
    exchange, behind, _ = name.partition("_")
    addresses = {f"{exchange}_{one}" for one in _ADDRESSES} if behind else set()
    return difflib.get_close_matches(name, sorted(_known_names() | addresses | set(_OWN_ADDRESSES)), n=1, cutoff=0.0)[0]


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _is_true(value: object) -> bool:
    return value is True or str(value).strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _data_folder(given: object, environ: Mapping[str, str], *, demo: bool) -> Path:
    wanted = Path(str(given)).expanduser() if given else default_data_dir(environ)
    try:
        if demo:  # always a fresh one: a demo may neither see nor touch what is kept
            inside = open_folder(wanted) if given else Path(tempfile.gettempdir())
            return Path(tempfile.mkdtemp(prefix="aristobot-demo-", dir=inside)).resolve()
        return open_folder(wanted)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise _wrong("data_folder_unusable", "data_dir", path=str(wanted), detail=detail) from None


def _isolate(values: dict[str, Any], given: Mapping[str, object]) -> None:
    """A demo has its own database, key and exchange, whatever the environment says of the real ones."""
    for name in ("database_url", "master_key_file", *filter(_part_of, list(values))):
        if name in given:
            raise _wrong("demo_is_separate", name)
        values.pop(name, None)


def _validated(kind: type[_S], values: dict[str, Any]) -> _S:
    folder: Path = values["data_dir"]
    values.setdefault("database_url", sqlite_address(folder / "aristobot.db"))
    values["master_key_file"] = Path(values.get("master_key_file") or folder / "secret.key").expanduser().absolute()
    urls: dict[str, dict[str, str]] = {name: dict(parts) for name, parts in values.get("exchange_urls", {}).items()}
    for name in list(values):
        if (told := _part_of(name)) is not None and (address := values.pop(name)) is not None:
            exchange, part = told
            urls.setdefault(exchange, {})[part] = _checked_address(name, str(address), part)
    try:
        settings = kind.model_validate({**values, "exchange_urls": urls})
    except ValidationError as error:
        raise _configuration_error(error) from None
    if settings.debug and not is_loopback(settings.host):
        raise _wrong("debug_needs_loopback", "host", value=settings.host)
    if settings.native and settings.headless:
        raise _wrong("native_or_headless", "native")
    return settings


def _checked_address(name: str, address: str, part: str) -> str:
    try:
        return web_address(address, ("https", "http") if part == "rest" else ("wss", "ws")).rstrip("/")
    except PydanticCustomError as error:
        raise _wrong(error.type, name, **(error.context or {})) from None


def _configuration_error(invalid: ValidationError) -> ConfigurationError:
    """The first fault, in facts. The value is left out where it may hold a password."""
    first = invalid.errors(include_url=False)[0]
    field, kind = str(first["loc"][0]), first["type"]
    facts = {name: value for name, value in first.get("ctx", {}).items() if name in ("ge", "le", "schemes", "value")}
    facts.setdefault("value", "***" if field == "database_url" else str(first["input"])[:80])
    if kind == "literal_error":
        facts["expected"] = get_args(Settings.model_fields[field].annotation)
    return _wrong(kind if kind.startswith("setting_") else _CODES.get(kind, "setting_invalid"), field, **facts)


_CODES = {
    "greater_than_equal": "setting_too_small",
    "less_than_equal": "setting_too_large",
    "literal_error": "setting_choice",
    "int_parsing": "setting_not_whole",
    "int_type": "setting_not_whole",
    "int_from_float": "setting_not_whole",
    "bool_parsing": "setting_not_boolean",
    "bool_type": "setting_not_boolean",
}
