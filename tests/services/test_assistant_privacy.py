"""What must not leave the house is hidden in the text that leaves, and comes back with the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot import templates
from aristobot.logs import hide
from services.assistant_privacy import Kind, cleaned

BINANCE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
KRAKEN = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


@pytest.mark.parametrize(
    ("kind", "secret", "text"),
    [
        (Kind.SECRET, BINANCE, f'API = "{BINANCE}"'),
        (Kind.SECRET, KRAKEN, f"my secret is {KRAKEN}, please"),
        (Kind.SECRET, "0x71C7656EC7ab88b098defB751B7401B5f6d8976F", "# wallet 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"),
        (Kind.SECRET, "6f1ed002-ab55-42e7-8c1c-0a1b2c3d4e5f", "id 6f1ed002-ab55-42e7-8c1c-0a1b2c3d4e5f"),
        (Kind.SECRET, "sk-or-v1-abcdefghijkl", "OPENROUTER=sk-or-v1-abcdefghijkl"),
        (Kind.SECRET, "ghp_abcdefghijklmnop", "ghp_abcdefghijklmnop"),
        (Kind.SECRET, "123456789:AAE-abcdefghijklmnopqrstuvwxyz01", "bot 123456789:AAE-abcdefghijklmnopqrstuvwxyz01"),
        (Kind.SECRET, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        (Kind.SECRET, "hunter2!", "password: 'hunter2!'"),
        (Kind.SECRET, "un chat vert", 'mot de passe = "un chat vert"'),
        (Kind.SECRET, "abcdefgh", "Authorization: Bearer abcdefgh"),
        (Kind.SECRET, "MIIB\nAAAA", "-----BEGIN PRIVATE KEY-----\nMIIB\nAAAA\n-----END PRIVATE KEY-----"),
        (Kind.ADDRESS, "hooks.slack.com/services/T0/B0/xyz", 'post("https://hooks.slack.com/services/T0/B0/xyz")'),
        (Kind.ADDRESS, "discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/1/abc"),
        (Kind.ADDRESS, "home.example/webhook/abc-def", "# alerts come to https://home.example/webhook/abc-def"),
        (Kind.ADDRESS, "ann:word@", "https://ann:word@example.org/x"),
        (Kind.ADDRESS, "1234", "https://example.org/x?api_key=1234"),
        (Kind.PERSON, "alice@example.org", "# by alice@example.org"),
        (Kind.PERSON, "alice", 'File "/home/alice/strategies/x.py", line 3'),
        (Kind.PERSON, "Alice", r"C:\Users\Alice\x.py"),
    ],
)
def test_it_is_hidden_and_comes_back(kind: Kind, secret: str, text: str) -> None:
    found = cleaned(text)
    assert secret not in found.text
    assert found.kinds == {kind: 1}
    assert found.restored(found.text) == text
    assert found.restored("x = 'HIDDEN_1'  # HIDDEN_12") == f"x = '{found.hidden['HIDDEN_1']}'  # HIDDEN_12"


def test_what_the_house_has_opened_is_known_to_it_by_heart() -> None:
    hide("plain words that are a key")
    found = cleaned("name = 'xplain words that are a keyx'")
    assert found.text == "name = 'xHIDDEN_1x'"


def test_a_secret_inside_another_leaves_no_half_behind() -> None:
    text = f'secret = "bob@example.org-{BINANCE}"\npassword = "ema long"\nHIDDEN_2 = ema_long'
    found = cleaned(text)
    assert not [part for part in ("bob", "-HIDDEN", BINANCE[:8], '"ema') if part in found.text]
    assert "ema_long" in found.text
    assert found.restored(found.text) == text


@pytest.mark.parametrize("one", templates.TEMPLATES, ids=lambda one: one.name)
def test_an_ordinary_strategy_leaves_as_it_is(one: templates.Template) -> None:
    assert cleaned(one.text).text == one.text
    ordinary = "token = self.vars['token']\nself.password_of_the_house = ExponentialMovingAverage200Period / utils.risk_to_qty"
    assert cleaned(ordinary).text == ordinary


@given(
    st.lists(
        st.sampled_from(
            [BINANCE, KRAKEN, "alice@example.org", "HIDDEN_1", "x = 1", "\\1", 'secret = "', '"', "\n", "https://a.b/webhook/"]
        )
    )
)
def test_whatever_stands_there_comes_back_letter_by_letter(parts: list[str]) -> None:
    text = " ".join(parts)
    found = cleaned(text)
    assert found.restored(found.text) == text
    assert BINANCE not in found.text
    assert KRAKEN not in found.text


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a://",
        "eyJ-",
        "secret",
        "token ",
        'key"   ',
        "-----BEGIN PRIVATE KEY-----",
        "sk-",
        "A1b2+/",
        "/home/",
        "@a.",
        "https://x?y",
    ],
)
def test_a_text_made_to_be_slow_is_read_in_one_go(unit: str) -> None:
    text = unit * (120_000 // len(unit))
    found = cleaned(text)  # a search that goes back and forth would take hours here
    assert found.restored(found.text) == text
