"""A catalogue read again: what has not changed is taken over, what has is read, and nothing else is different."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from services.exchanges import binance_catalogue, bitget_catalogue, kraken_catalogue

PAYLOADS = Path(__file__).parent / "payloads"
NO_ASSETS = b'{"error":[],"result":{}}'


def kraken(body: bytes, before: kraken_catalogue.Catalogue | None = None) -> kraken_catalogue.Catalogue:
    """The pairs without the assets."""
    return kraken_catalogue.read_catalogue(body, NO_ASSETS, before)


def bitget(body: bytes, before: bitget_catalogue.Catalogue | None = None) -> bitget_catalogue.Catalogue:
    """The pairs without prices."""
    return bitget_catalogue.read_catalogue(bitget_catalogue.read_symbols(body, before))


def pairs_of_kraken(document: Any) -> list[Any]:
    """The rows, as a list that can be changed."""
    return list(document["result"].values())


CASES: list[tuple[str, Callable[..., Any], Callable[[Any], list[Any]], dict[str, Any]]] = [
    ("binance/catalogue.json", binance_catalogue.read_catalogue, lambda all_: list(all_["symbols"]), {"status": "HALT"}),
    ("kraken/catalogue.json", kraken, pairs_of_kraken, {"ordermin": "7"}),
    ("bitget/catalogue-v2.json", bitget, lambda all_: list(all_["data"]), {"minTradeAmount": "7"}),
]


@pytest.mark.parametrize(("name", "read", "rows", "change"), CASES, ids=["binance", "kraken", "bitget"])
def test_a_catalogue_read_again_says_what_one_read_for_the_first_time_does(
    name: str, read: Callable[..., Any], rows: Callable[[Any], list[Any]], change: dict[str, Any]
) -> None:
    document = json.loads((PAYLOADS / name).read_bytes())
    before = read(json.dumps(document).encode())
    first, second, *_ = rows(document)
    first |= change
    second.clear()
    second |= {**first, "symbol": "NEWUSDT", "altname": "NEWUSD", "wsname": "NEW/USD", "baseAsset": "NEW", "baseCoin": "NEW"}
    again, anew = read(json.dumps(document).encode(), before), read(json.dumps(document).encode())
    assert [one.name for one in fields(anew) if getattr(again, one.name) != getattr(anew, one.name)] == []
    changed = {one.symbol for one in anew.instruments if one not in before.instruments}
    assert len(changed) == 2
    kept = {id(one) for one in before.instruments} & {id(one) for one in again.instruments}
    assert len(kept) == len(before.instruments) - 2


@pytest.mark.parametrize(("name", "read", "rows", "change"), CASES, ids=["binance", "kraken", "bitget"])
def test_nothing_is_kept_of_what_is_listed_no_more(
    name: str, read: Callable[..., Any], rows: Callable[[Any], list[Any]], change: dict[str, Any]
) -> None:
    document = json.loads((PAYLOADS / name).read_bytes())
    before = read(json.dumps(document).encode())
    rows(document)[0] |= change
    again = read(json.dumps(document).encode(), before)
    assert len(again.rows) == len(before.rows)
    assert len(again.rows.keys() - before.rows.keys()) == 1
