"""What the command line says of a line that it cannot follow."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.cli import MISCONFIGURED, USAGE, main


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("token create --user a --scope emperor", "--scope : « emperor » n’existe pas. Au choix : read, trade, admin"),
        ("token revoke 12", "ID : « 12 » n’est pas un identifiant. Copiez celui que montre la liste."),
        ("simulator --port many", "--port : « many » n’est pas un nombre entier."),
        ("simulator --port", "--port attend une valeur. Voyez : aristobot --help"),
        ("user", "Après user, dites que faire : add, list, disable, reset"),
        ("user ad", "Après user, dites que faire : add, list, disable, reset"),
        ("user list surplus", "De trop à la fin : surplus. Mettez entre guillemets ce qui contient des espaces."),
        ("restore", "Il manque FILE. Voyez : aristobot --help"),
        ("halt --scope user", "Il manque ID. Voyez : aristobot --help"),
        ("halt --scope user Nobody", "Il n’y a pas d’utilisateur « Nobody ». Voyez : aristobot user list"),
        (
            "backtest nope --exchange binance --symbol BTC/USDT --timeframe 1h --since 2024-01-01",
            "Il n’y a pas de stratégie « nope ». Donnez un nom de la page Stratégies, un modèle, ou un fichier .py.",
        ),
    ],
)
def test_wrong_usage_is_said_in_french_with_its_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    code = main([*line.split(), "--data-dir", str(tmp_path), "--language", "fr"], lambda _: 0)

    out, err = capsys.readouterr()
    assert (code, out, err.strip().replace("\N{NO-BREAK SPACE}", " ")) == (USAGE, "", said)


@pytest.mark.parametrize("port", ["taken", "99999"])
def test_a_simulator_without_a_port_of_its_own_says_so(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = str(other.getsockname()[1]) if port == "taken" else port
        code = main(["simulator", "--port", wanted, "--control-port", "0"], lambda _: 0)
    assert code == MISCONFIGURED
    assert wanted in capsys.readouterr().err


def test_the_line_about_help_itself_is_in_french_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "add", "--help", "--language", "fr"], lambda _: 0) == 0
    assert "Affiche cette aide." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "said", "not_said"),
    [
        (
            "fr",
            ("Usage :", "Arguments :", "Options :", "[obligatoire]", "[par défaut : 10000]"),
            ("[required]", "default:", "Options:"),
        ),
        ("en", ("Usage:", "Arguments:", "Options:", "[required]", "[default: 10000]"), ("obligatoire", "défaut")),
    ],
)
def test_help_is_in_one_language(
    capsys: pytest.CaptureFixture[str], language: str, said: tuple[str, ...], not_said: tuple[str, ...]
) -> None:
    assert main(["backtest", "--help", "--language", language], lambda _: 0) == 0
    out = capsys.readouterr().out.replace("\N{NO-BREAK SPACE}", " ")
    assert [one for one in said if one not in out] == []
    assert [one for one in not_said if one in out] == []


@pytest.mark.parametrize("beside", ["the command", "the memory"])
def test_a_wrong_line_is_answered_in_the_language_of_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], beside: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARISTOBOT_LANGUAGE", raising=False)
    ((tmp_path if beside == "the command" else data) / ".env").write_text("ARISTOBOT_LANGUAGE=en\n")
    assert main(["restore", "--data-dir", str(data)], lambda _: 0) == USAGE
    assert capsys.readouterr().err.startswith("FILE is missing.")


def test_a_setting_without_an_option_is_named_as_the_environment_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARISTOBOT_BINANCE_REST_URL", "nowhere")
    assert main(["doctor", "--data-dir", str(tmp_path), "--language", "en"], lambda _: 0) == MISCONFIGURED
    assert capsys.readouterr().err.startswith("ARISTOBOT_BINANCE_REST_URL: “nowhere” is not an address.")
