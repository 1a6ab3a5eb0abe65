"""What a client must have before the house speaks through it: said at the start, not by the first order that goes wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields

from aristobot.conformity import lacks
from aristobot.errors import ConfigurationError
from aristobot.exchange import (
    Capabilities,
    ClientFactory,
    Credentials,
    Endpoints,
    NativeClient,
    SupportsAccountStream,
    SupportsAmend,
    SupportsFees,
    SupportsFills,
    SupportsInstrumentStream,
    SupportsOrderLists,
    SupportsPreparing,
    SupportsPriceStream,
    SupportsSearch,
)
from aristobot.settings import address_variable

#: What has to be there once a client claims it.
CLAIMS: Mapping[str, type] = {
    "native_oco": SupportsOrderLists,
    "native_otoco": SupportsOrderLists,
    "edit_order": SupportsAmend,
    "amends_stops": SupportsAmend,
    "private_stream": SupportsAccountStream,
    "finds_many": SupportsSearch,
    "tells_fees": SupportsFees,
    "streams_prices": SupportsPriceStream,
    "streams_instruments": SupportsInstrumentStream,
    "prepares_orders": SupportsPreparing,
}


def admit(client: type, file: str) -> None:
    """Raise ConfigurationError for a client that is not whole, with all that it lacks; `file` is where it stands."""
    missing = lacks(client, NativeClient, SupportsFills, attributes=False) + lacks(client, ClientFactory)
    capabilities = getattr(client, "capabilities", None)
    if isinstance(capabilities, Capabilities):
        for claim, port in CLAIMS.items():
            if getattr(capabilities, claim):
                missing += [f"{one} ({claim})" for one in lacks(client, port)]
        missing += _contradictions(capabilities)
    if not isinstance(getattr(client, "endpoints", None), Endpoints):
        missing.append("endpoints = Endpoints(rest, stream, trading)")
    if missing:
        raise ConfigurationError(
            "client_incomplete", file=file, client=client.__name__, missing=", ".join(dict.fromkeys(missing))
        )


def _contradictions(capabilities: Capabilities) -> list[str]:
    known = {field.name for field in fields(Credentials)}
    wrong = [f"credential_fields: {one.name}" for one in capabilities.credential_fields if one.name not in known]
    if capabilities.amends_stops and not capabilities.edit_order:
        wrong.append("edit_order=True (amends_stops)")
    wrong += [f"{name} > 0" for name in ("max_candles", "request_window") if getattr(capabilities, name) <= 0]
    return wrong if capabilities.timeframes else [*wrong, "timeframes"]


def admit_name(client: ClientFactory, known: Mapping[str, ClientFactory], file: str) -> None:
    """Raise ConfigurationError for a client of a name that another one has."""
    other = known.get(client.name)
    if other is not None:
        raise ConfigurationError("client_twice", file=file, exchange=client.name)


def refuse_strangers(addresses: Mapping[str, Mapping[str, str]], known: Iterable[str]) -> None:
    """Raise ConfigurationError for addresses of an exchange that has no client: a misspelt name would be heeded by nobody."""
    names = sorted(known)
    for exchange, parts in addresses.items():
        if exchange not in names:
            part = next(iter(parts), "rest")
            variable, (near,) = address_variable(exchange, part), difflib.get_close_matches(exchange, names, n=1, cutoff=0.0)
            raise ConfigurationError("setting_unknown", field=variable, variable=variable, nearest=address_variable(near, part))
