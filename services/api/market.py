"""`/api/exchanges/` and `/api/symbols/`: what can be traded where, and what each exchange needs and can do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from aristobot.market import InstrumentState
from aristobot.store import instruments
from services.api.auth import House, Reader
from services.api.paging import Page, number_of
from services.api.values import Money, Out

router = APIRouter(prefix="/api", tags=["market"])

#: Credentials that everybody may see.
_PLAIN = frozenset({"uid", "accountId", "login", "walletAddress"})


class KeyField(Out):
    """One thing to copy from the exchange's key page."""

    name: str
    secret: bool


class ExchangeOut(Out):
    """An exchange; only one that is `supported` has a client, and the figures of what it can do."""

    name: str
    title: str
    supported: bool = True
    credential_fields: list[KeyField]
    native_oco: bool = False
    native_otoco: bool = False
    edit_order: bool = False
    private_stream: bool = False
    trading_socket: bool = False
    max_candles: int = 0
    timeframes: tuple[str, ...] = ()


class SymbolOut(Out):
    """What can be traded on one exchange, with its steps and bounds; zero means that there is no rule."""

    exchange: str
    symbol: str
    base: str
    quote: str
    tick: Money
    lot: Money
    min_quantity: Money
    max_quantity: Money
    min_notional: Money
    maker_fee: Money
    taker_fee: Money
    state: InstrumentState
    order_types: Annotated[list[str], BeforeValidator(sorted)]


@router.get("/exchanges/")
async def exchanges(house: House, who: Reader, everything: Annotated[bool, Query(alias="all")] = False) -> Page[ExchangeOut]:
    """Every exchange with a client, the credentials it needs and what it can do; with `all`, the rest of the world's too.

    The others are looked up at the first question and stand in the answer a few seconds later.
    """
    items = []
    for name in house.brokers.exchanges():
        can = house.gateway.client(name).capabilities
        items.append(
            ExchangeOut(
                name=name,
                title=house.gateway.factory(name).title,
                credential_fields=[KeyField.model_validate(one) for one in can.credential_fields],
                native_oco=can.native_oco,
                native_otoco=can.native_otoco,
                edit_order=can.edit_order,
                private_stream=can.private_stream,
                trading_socket=can.trading_socket,
                max_candles=can.max_candles,
                timeframes=tuple(timeframe.value for timeframe in can.timeframes),
            )
        )
    ours = {one.name for one in items}
    others = [one for one in house.credential_names.known() if one.name not in ours] if everything else []
    for other in others:
        fields = [KeyField(name=name, secret=name not in _PLAIN) for name in other.credentials]
        items.append(ExchangeOut(name=other.name, title=other.title, supported=False, credential_fields=fields))
    return Page[ExchangeOut](items=items)


@router.get("/symbols/")
async def symbols(
    house: House,
    who: Reader,
    exchange: Annotated[str, Query(max_length=32)],
    quote: Annotated[str, Query(max_length=24)] = "",
    search: Annotated[str, Query(max_length=48)] = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    cursor: Annotated[str, Query(max_length=20)] = "",
) -> Page[SymbolOut]:
    """The symbols of an exchange, of one quote asset, whose name holds `search`."""
    house.gateway.factory(exchange.lower())  # an unknown one is said to be so, not to list nothing
    first = number_of(cursor) if cursor else 0
    found = await house.db.read(who.user_id, lambda s: instruments.search(s, exchange.lower(), quote, search, limit + 1, first))
    more = str(first + limit) if len(found) > limit else None
    return Page[SymbolOut](items=[SymbolOut.model_validate(one) for one in found[:limit]], next=more)
