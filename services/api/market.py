"""`/api/exchanges/` and `/api/symbols/`: what can be traded where, and what each exchange needs and can do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aristobot.market import InstrumentState
from aristobot.store import instruments
from services.api.auth import House, Reader
from services.api.paging import Page
from services.api.values import Money, Out

router = APIRouter(prefix="/api", tags=["market"])


class KeyField(Out):
    """One thing to copy from the exchange's key page."""

    name: str
    secret: bool


class ExchangeOut(Out):
    """An exchange for which there is a client."""

    name: str
    credential_fields: list[KeyField]
    native_oco: bool
    native_otoco: bool
    edit_order: bool
    private_stream: bool
    trading_socket: bool
    max_candles: int
    timeframes: list[str]


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


@router.get("/exchanges/")
async def exchanges(house: House, who: Reader) -> Page[ExchangeOut]:
    """Every exchange, the credentials it needs and what it can do."""
    items = []
    for name in house.brokers.exchanges():
        can = house.gateway.client(name).capabilities
        items.append(
            ExchangeOut(
                name=name,
                credential_fields=[KeyField.model_validate(one) for one in can.credential_fields],
                native_oco=can.native_oco,
                native_otoco=can.native_otoco,
                edit_order=can.edit_order,
                private_stream=can.private_stream,
                trading_socket=can.trading_socket,
                max_candles=can.max_candles,
                timeframes=[timeframe.value for timeframe in can.timeframes],
            )
        )
    return Page[ExchangeOut](items=items)


@router.get("/symbols/")
async def symbols(
    house: House,
    who: Reader,
    exchange: Annotated[str, Query(max_length=32)],
    quote: Annotated[str, Query(max_length=24)] = "",
    search: Annotated[str, Query(max_length=48)] = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Page[SymbolOut]:
    """The symbols of an exchange, of one quote asset, whose name holds `search`."""
    found = await house.db.read(who.user_id, lambda s: instruments.search(s, exchange.lower(), quote, search, limit))
    return Page[SymbolOut](items=[SymbolOut.model_validate(one) for one in found])
