"""Settings: who wins, what is refused, and that the refusal names the cure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from aristobot.errors import ConfigurationError
from aristobot.language import explain
from aristobot.settings import Settings


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """A working folder of the test's own."""
    before = Path.cwd()
    folder = tmp_path / "here"
    folder.mkdir()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that exists."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def load(data: Path, options: dict[str, object] | None = None, **environ: str) -> Settings:
    return Settings.load({"data_dir": data, **(options or {})}, {f"ARISTOBOT_{name}": value for name, value in environ.items()})


def refusal(data: Path, options: dict[str, object] | None = None, **environ: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(data, options, **environ)
    return caught.value


def test_without_anything_said_the_defaults_of_the_contract_hold(here: Path, data: Path) -> None:
    settings = load(data)
    assert (settings.host, settings.port, settings.webhook_host, settings.webhook_port) == ("127.0.0.1", 8080, "127.0.0.1", 8888)
    assert (settings.language, settings.log_level, settings.webhook_rate, settings.webhook_burst) == ("fr", "INFO", 30, 10)
    assert (settings.log_rotation_bytes, settings.log_retention) == (5_000_000, 5)
    assert (settings.log_rotation_seconds, settings.log_retention_seconds) == (None, None)
    assert settings.master_key_file == data / "secret.key"
    assert settings.exchange_urls == {}
    switches = (settings.debug, settings.demo, settings.native, settings.headless, settings.no_orders)
    assert switches == (False,) * 5


def test_an_option_beats_the_environment_which_beats_both_env_files(here: Path, data: Path) -> None:
    names = ("PORT", "WEBHOOK_PORT", "WEBHOOK_RATE", "WEBHOOK_BURST")
    (data / ".env").write_text("".join(f"ARISTOBOT_{name}=7\n" for name in names))
    (here / ".env").write_text("".join(f"ARISTOBOT_{name}=22\n" for name in names[:3]))
    settings = load(data, {"port": 4444}, PORT="3333", WEBHOOK_PORT="3333")
    assert (settings.port, settings.webhook_port, settings.webhook_rate, settings.webhook_burst) == (4444, 3333, 22, 7)


def test_an_option_that_was_not_given_and_an_empty_variable_say_nothing(here: Path, data: Path) -> None:
    assert load(data, {"port": None, "host": ""}, PORT="", HOST="::1").host == "::1"


def test_options_may_be_spelled_as_on_the_command_line(here: Path, data: Path) -> None:
    assert load(data, {"webhook-port": 9, "--log-level": "debug"}).log_level == "DEBUG"


def test_a_misspelt_variable_is_an_error_that_names_the_nearest_one(here: Path, data: Path) -> None:
    error = refusal(data, WEBHOK_PORT="1")
    assert (error.code, error.facts["field"], error.facts["nearest"]) == (
        "setting_unknown",
        "ARISTOBOT_WEBHOK_PORT",
        "ARISTOBOT_WEBHOOK_PORT",
    )
    assert "ARISTOBOT_WEBHOOK_PORT" in explain(error, language="fr")


def test_a_misspelt_line_of_an_env_file_and_a_misspelt_option_are_errors_too(here: Path, data: Path) -> None:
    assert refusal(data, {"log-levle": "INFO"}).facts["nearest"] == "--log-level"
    assert refusal(data, None, OKX_REST_ULR="https://x").facts["nearest"] == "ARISTOBOT_OKX_REST_URL"
    assert refusal(data, None, BINANCE_WS_APIURL="wss://x").facts["nearest"] == "ARISTOBOT_BINANCE_WS_API_URL"
    (data / ".env").write_text("ARISTOBOT_LANGAGE=en\n")
    assert refusal(data).facts["nearest"] == "ARISTOBOT_LANGUAGE"


def test_variables_of_the_tests_and_of_the_start_are_left_alone(here: Path, data: Path) -> None:
    load(data, TEST_PG_URL="x", REQUIRE_PG="1", BOOTSTRAPPED="1")
    Settings.load({"data_dir": data}, {"PATH": "/bin", "OTHER_PORT": "x"})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("PORT", "eighty", "setting_not_whole"),
        ("PORT", "70000", "setting_too_large"),
        ("PORT", "-1", "setting_too_small"),
        ("WEBHOOK_RATE", "0", "setting_too_small"),
        ("WEBHOOK_RATE", "many/min", "setting_not_whole"),
        ("LOG_ROTATION_BYTES", "1", "setting_too_small"),
        ("LANGUAGE", "de", "setting_choice"),
        ("LOG_LEVEL", "LOUD", "setting_choice"),
        ("NO_ORDERS", "peut-être", "setting_not_boolean"),
        ("DATABASE_URL", "mysql://u:hunter22@h/d", "setting_database"),
        ("DATABASE_URL", "sqlite://", "setting_database"),
        ("DATABASE_URL", "sqlite:///:memory:", "setting_database"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, everybody", "setting_proxies"),
        ("WEBHOOK_PUBLIC_URL", "ftp://example.org", "setting_address"),
        ("BINANCE_REST_URL", "wss://example.org", "setting_address"),
        ("BINANCE_WS_URL", "https://example.org", "setting_address"),
        ("KRAKEN_REST_URL", "https://user:hunter22@example.org", "setting_address"),
    ],
)
def test_an_impossible_value_is_refused_with_its_name_in_both_languages(
    here: Path, data: Path, name: str, value: str, code: str
) -> None:
    error = refusal(data, None, **{name: value})
    assert (error.code, error.facts["field"]) == (code, name.lower())
    for language in ("fr", "en"):
        sentence = explain(error, language=language)
        assert f"ARISTOBOT_{name}" in sentence
        assert "{" not in sentence
        assert "hunter22" not in sentence


def test_the_rate_may_be_written_as_the_contract_writes_it(here: Path, data: Path) -> None:
    assert load(data, WEBHOOK_RATE="45/min").webhook_rate == 45


def test_the_addresses_of_exchanges_are_gathered_by_exchange(here: Path, data: Path) -> None:
    settings = load(
        data,
        BINANCE_REST_URL="http://127.0.0.1:9100/binance/",
        BINANCE_WS_URL="ws://127.0.0.1:9100/binance",
        BINANCE_WS_API_URL="ws://127.0.0.1:9100/binance/ws-api/v3",
        KRAKEN_WS_PRIVATE_URL="wss://example.org/v2",
        OKX_REST_URL="https://example.org/okx",
    )
    assert settings.exchange_urls == {
        "binance": {
            "rest": "http://127.0.0.1:9100/binance",
            "stream": "ws://127.0.0.1:9100/binance",
            "trading": "ws://127.0.0.1:9100/binance/ws-api/v3",
        },
        "kraken": {"trading": "wss://example.org/v2"},
        "okx": {"rest": "https://example.org/okx"},
    }


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_every_usual_spelling_of_a_postgresql_address_works(here: Path, data: Path, given: str) -> None:
    settings = load(data, DATABASE_URL=given)
    assert settings.database_url == "postgresql+psycopg://u:p@h/d"
    assert not settings.is_sqlite


def test_the_password_of_the_database_is_known_to_be_masked_and_shows_nowhere(here: Path, data: Path) -> None:
    settings = load(data, DATABASE_URL="postgresql://u:p%40ss%2Fw0rd@h/d")
    assert settings.database_password == "p@ss/w0rd"
    assert "w0rd" not in repr(settings)


@pytest.mark.parametrize("name", ["with space", "é ü 日本", "what?", "50% #1", "a&b=c", "quote'\""])
def test_the_database_lies_in_the_data_folder_whatever_its_name(here: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    settings = load(folder)
    assert make_url(settings.database_url).database == str(folder / "aristobot.db")
    assert not make_url(settings.database_url).query


@pytest.mark.skipif(os.name != "posix", reason="Windows protects the profile's folder by its ACL")
def test_the_data_folder_is_made_for_its_owner_alone(here: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir(mode=0o755)
    assert load(wide).data_dir.stat().st_mode & 0o777 == 0o700
    assert load(tmp_path / "deep" / "new").data_dir.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_everybody_shares_is_refused_and_left_as_it_was(here: Path, tmp_path: Path) -> None:
    shared = tmp_path / "as tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    assert refusal(shared, None).code == "data_folder_unusable"
    assert refusal(shared, {"demo": True}).code == "data_folder_unusable"
    assert shared.stat().st_mode & 0o7777 == 0o1777


def test_a_data_folder_that_cannot_be_is_refused(here: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    error = refusal(tmp_path / "file")
    assert (error.code, error.facts["field"]) == ("data_folder_unusable", "data_dir")


def test_without_a_data_folder_said_the_platforms_own_is_taken(here: Path, tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    folder = Settings.load({}, environ).data_dir
    assert folder.name.lower() == "aristobot"


def test_a_demo_sees_nothing_of_the_real_installation(here: Path, data: Path) -> None:
    (data / ".env").write_text("ARISTOBOT_PORT=1111\n")
    (data / "aristobot.db").write_text("real money")
    settings = load(
        data,
        {"demo": True},
        DATABASE_URL="postgresql://u:p@real/d",
        MASTER_KEY_FILE="/real.key",
        BINANCE_REST_URL="https://real.example",
    )
    assert settings.is_sqlite
    assert settings.data_dir != data
    assert list(settings.data_dir.iterdir()) == []
    assert settings.master_key_file.parent == settings.data_dir
    assert (settings.port, settings.exchange_urls) == (8080, {})
    assert load(data, {"demo": True}).data_dir != settings.data_dir


def test_a_demo_on_a_database_of_ones_own_is_refused(here: Path, data: Path) -> None:
    assert refusal(data, {"demo": True, "database-url": "sqlite:///x"}).code == "demo_is_separate"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "bot.example.org"])
def test_debug_is_refused_where_others_could_reach_it(here: Path, data: Path, host: str) -> None:
    error = refusal(data, DEBUG="true", HOST=host)
    assert (error.code, error.facts["field"]) == ("debug_needs_loopback", "host")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_debug_works_on_this_machine_alone(here: Path, data: Path, host: str) -> None:
    assert load(data, DEBUG="true", HOST=host).debug


def test_a_window_and_no_window_are_not_both_possible(here: Path, data: Path) -> None:
    assert refusal(data, {"native": True, "headless": True}).code == "native_or_headless"
