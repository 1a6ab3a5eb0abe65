"""Which fees a run on the past may count with: those of the pair, and those that the user's own account pays for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from aristobot.errors import AristobotError
from aristobot.exchange import Fees
from aristobot.market import Symbol
from aristobot.store import brokers, instruments
from aristobot.store.tenancy import SYSTEM
from services.trading_floor import TradingFloor


@dataclass(frozen=True, slots=True)
class KnownFees:
    """Fees as fractions: those of the pair (None: nobody lists it), and `own` ones of the user's `broker` (None: not told)."""

    pair: Fees | None
    broker: str = ""
    own: Fees | None = None


async def known_fees(floor: TradingFloor, user_id: uuid.UUID, exchange: str, symbol: Symbol) -> KnownFees:
    """What is known; of several accounts at an exchange the default one counts. Waits for the exchange, though not for long."""
    listed = await floor.db.read(SYSTEM, lambda s: instruments.get(s, exchange, symbol))
    if listed is None:
        return KnownFees(None)
    pair = Fees(listed.maker_fee, listed.taker_fee)
    mine = [one for one in await floor.db.read(user_id, brokers.mine) if one.exchange == exchange]
    for broker in mine:
        try:
            account = await floor.brokers.owned(user_id, broker.id)
            await floor.fees.learn(account, symbol)
            paid = await floor.fees.instrument(account, symbol)
        except AristobotError:  # no account or no catalogue now: the pair's own are what is known
            continue
        if floor.fees.are_own(account, symbol):
            return KnownFees(pair, broker.name, Fees(paid.maker_fee, paid.taker_fee))
    return KnownFees(pair)
