"""Kraken's `instrument` channel: what becomes of the pairs that the catalogue lists. Pure: no network, no clock.

The channel tells all pairs in a snapshot, and each that changes in an update. It knows neither fees nor who may trade: a pair
that the catalogue does not list is the catalogue's to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import msgspec
from loguru import logger
from msgspec.structs import replace

from aristobot.errors import DataError
from aristobot.market import Instrument, Symbol
from aristobot.money import ZERO
from services.exchanges.kraken_catalogue import mode_of, our_symbol, step
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_wire import read, real


class PushedPair(msgspec.Struct):
    """One pair on the socket. Zero, or no word, is no rule that we know: then the catalogue's stays."""

    symbol: str
    status: str
    qty_increment: Decimal = ZERO
    qty_min: Decimal | None = None
    tick_size: Decimal = ZERO
    price_increment: Decimal = ZERO
    cost_min: Decimal | None = None
    cost_precision: int | None = None


class Listing(msgspec.Struct):
    """What a push is about; assets are not looked at."""

    pairs: list[msgspec.Raw] = []


_LISTINGS = msgspec.json.Decoder(Listing)
_PAIR = msgspec.json.Decoder(PushedPair)
SUBSCRIBE = msgspec.json.encode({"method": "subscribe", "params": {"channel": "instrument", "snapshot": True}, "req_id": 1})


class Rules:
    """What the socket said last of each pair."""

    def __init__(self) -> None:
        self._said: dict[Symbol, bytes] = {}
        self._texts: set[bytes] = set()

    def heard(self, data: msgspec.Raw, listed: Mapping[Symbol, Instrument]) -> list[Instrument]:
        """The pairs in a push of which something else was said before; of what was never said, those that the list has otherwise.

        Costs some milliseconds for a whole snapshot, so hand that to a thread; a pair in the same words as before is not read
        again. Raise DataError for a push that cannot be read; a pair that cannot be is passed over.
        """
        texts = [text for text in map(bytes, read(_LISTINGS, data).pairs) if text not in self._texts]
        return [news for news in map(partial(self._news, listed), texts) if news is not None]

    def _news(self, listed: Mapping[Symbol, Instrument], text: bytes) -> Instrument | None:
        try:
            pair = read(_PAIR, text)
            known = listed.get(our_symbol(pair.symbol))
            now = known and ruled(known, pair)
        except DataError as error:
            logger.error("{} pushed a pair that cannot be: {} in {!r}", NAME, error, text[:300])
            return None
        if now is None:
            return None
        before = self._said.get(now.symbol)
        if before is not None:
            self._texts.discard(before)
        self._texts.add(text)
        self._said[now.symbol] = text
        return now if before is not None or now != known else None


def ruled(listed: Instrument, pair: PushedPair) -> Instrument:
    """A listed pair under the rules that were pushed. Raise DataError for rules that cannot be."""
    tick, lot = pair.tick_size or pair.price_increment or listed.tick, pair.qty_increment or listed.lot
    least = listed.min_quantity if pair.qty_min is None else pair.qty_min
    cheapest = listed.min_notional if pair.cost_min is None else pair.cost_min
    real(tick, lot, least, cheapest)
    state, kinds = mode_of(pair.status)
    return replace(
        listed,
        tick=tick,
        lot=lot,
        min_quantity=least,
        min_notional=cheapest,
        quote_step=listed.quote_step if pair.cost_precision is None else step(pair.cost_precision),
        state=state,
        order_types=kinds,
    )
