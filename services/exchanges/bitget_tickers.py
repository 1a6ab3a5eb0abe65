"""The last 24 hours of Bitget's pairs in our words. Pure."""

from __future__ import annotations

import msgspec

from aristobot.market import Symbol, Ticker
from aristobot.money import HUNDRED, amount, times
from services.exchanges.bitget_wire import Reply, moment, number


class NativeTicker(msgspec.Struct, rename="camel", gc=False):
    """The day of one pair. Texts: of all that an answer lists only a few are looked at."""

    symbol: str
    last_pr: str
    bid_pr: str | None = ""
    ask_pr: str | None = ""
    base_volume: str | None = ""
    quote_volume: str | None = ""
    change24h: str | None = ""
    ts: str | None = ""


TICKERS = msgspec.json.Decoder(Reply[list[NativeTicker]])


def ticker_of(native: NativeTicker, symbol: Symbol) -> Ticker:
    """Last price and the day's figures; their change is a fraction, ours is in per cent."""
    return Ticker(
        symbol=symbol,
        last=number(native.last_pr),
        bid=number(native.bid_pr),
        ask=number(native.ask_pr),
        at=moment(native.ts),
        volume=number(native.base_volume),
        quote_volume=number(native.quote_volume),
        change_percent=times(amount(native.change24h or "0", "change"), HUNDRED),
    )
