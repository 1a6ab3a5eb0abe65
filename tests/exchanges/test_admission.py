"""A client or dialect that is not whole is refused at the start, by its file, with all that it lacks."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from aristobot import exchange
from aristobot.conformity import lacks
from aristobot.errors import ConfigurationError
from aristobot.exchange import Capabilities, CredentialField, NativeClient, SupportsFills
from aristobot.language import explain
from aristobot.settings import Settings
from services.commands.doctor_exchanges import exchange_findings
from services.exchanges import discover
from services.exchanges.admission import CLAIMS, admit, admit_name, refuse_strangers
from services.simulator import discover as discover_dialects
from services.simulator.world import Dialect
from tests.exchange_urls import NOWHERE

FILE = "services/exchanges/okx.py"
WHOLE: Any = next(iter(discover().values()))


def another(**members: object) -> type:
    """A client as good as ours, but for some members."""
    return type("OkxClient", (WHOLE,), members)


def refusal(client: type) -> ConfigurationError:
    """What is said of it."""
    with pytest.raises(ConfigurationError) as refused:
        admit(client, FILE)
    return refused.value


def test_every_client_and_dialect_of_the_house_is_whole() -> None:
    for client in discover().values():
        assert lacks(client, NativeClient, SupportsFills, attributes=False) == []  # type: ignore[arg-type]  # a class, seen as what it makes
    for dialect in discover_dialects().values():
        assert lacks(dialect, Dialect) == []  # type: ignore[arg-type]  # as above


async def _no_limit(self: object, symbol: str, timeframe: str, before: object = None) -> list[object]:
    return [self, symbol, timeframe, before]


def _not_async(self: object, keys: object) -> list[object]:
    return [self, keys]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"cancel_order": None}, "async cancel_order(keys, symbol, client_order_id)"),
        ({"candles": _no_limit}, "async candles(symbol, timeframe, limit, before)"),
        ({"balances": _not_async}, "async balances(keys)"),
        ({"fills": None}, "async fills(keys, symbol, since)"),
        ({"clock_reading": None}, "clock_reading"),
        ({"endpoints": None}, "endpoints = Endpoints(rest, stream, trading)"),
    ],
)
def test_what_a_client_lacks_is_named_as_it_is_called(members: dict[str, object], said: str) -> None:
    error = refusal(another(**members))
    assert (error.code, error.facts) == ("client_incomplete", {"file": FILE, "client": "OkxClient", "missing": said})
    for language in ("fr", "en"):
        sentence = explain(error, language=language)
        assert FILE in sentence
        assert said in sentence


@pytest.mark.parametrize(
    ("claims", "calls", "said"),
    [
        ({"native_oco": True}, ("place_oco",), "async place_oco(keys, request) (native_oco)"),
        ({"private_stream": True}, ("stream_account",), "stream_account(keys) (private_stream)"),
        ({"finds_many": True}, ("find_orders",), "async find_orders(keys, wanted, since, until) (finds_many)"),
        ({"tells_fees": True}, ("fees",), "async fees(keys, symbol) (tells_fees)"),
        ({"amends_stops": True, "edit_order": False}, (), "edit_order=True (amends_stops)"),
        ({"request_window": 0.0}, (), "request_window > 0"),
        ({"timeframes": ()}, (), "timeframes"),
        ({"credential_fields": (CredentialField("memo", secret=True),)}, (), "credential_fields: memo"),
    ],
)
def test_a_claim_that_nothing_bears_out_is_named_with_it(claims: dict[str, Any], calls: tuple[str, ...], said: str) -> None:
    client = another(capabilities=replace(WHOLE.capabilities, **claims), **dict.fromkeys(calls))
    assert said in str(refusal(client).facts["missing"])


def test_everything_that_is_lacking_is_said_at_once_and_what_is_not_claimed_may_be_missing() -> None:
    poor = another(cancel_order=None, stats=None)
    assert refusal(poor).facts["missing"] == "async cancel_order(keys, symbol, client_order_id), stats()"
    bare = replace(WHOLE.capabilities, native_oco=False, native_otoco=False)
    admit(another(capabilities=bare, place_oco=None, place_otoco=None, cancel_list=None), FILE)


def test_no_port_is_left_out_of_what_a_client_can_claim() -> None:
    ports = {one for name, one in vars(exchange).items() if name.startswith("Supports")}
    assert ports == {*CLAIMS.values(), SupportsFills}
    assert CLAIMS.keys() <= {field.name for field in fields(Capabilities)}


def test_two_clients_cannot_have_one_name() -> None:
    with pytest.raises(ConfigurationError) as refused:
        admit_name(WHOLE, {WHOLE.name: WHOLE}, FILE)
    assert (refused.value.code, refused.value.facts["exchange"]) == ("client_twice", WHOLE.name)


def test_addresses_of_an_exchange_that_nobody_speaks_to_are_refused_with_the_name_that_was_meant() -> None:
    refuse_strangers({"kraken": {"rest": "https://x"}}, ["binance", "kraken"])
    with pytest.raises(ConfigurationError) as refused:
        refuse_strangers({"krakn": {"stream": "wss://x"}}, ["binance", "kraken"])
    assert refused.value.facts["variable"] == "ARISTOBOT_KRAKN_WS_PUBLIC_URL"
    assert refused.value.facts["nearest"] == "ARISTOBOT_KRAKEN_WS_PUBLIC_URL"


async def test_the_doctor_finds_an_address_that_nobody_heeds(tmp_path: Path) -> None:
    urls = NOWHERE | {"krakn": {"rest": "https://x"}}
    findings = await exchange_findings(Settings.load({"data_dir": tmp_path, "exchange_urls": urls}, {}))
    (found,) = [one for one in findings if one.check == "exchanges.addresses"]
    assert found.state == "failed"
    assert "ARISTOBOT_KRAKN_REST_URL" in found.detail
