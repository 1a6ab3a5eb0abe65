"""One decision of a strategy under work: whose it is, its number, and the parts of the house that carry it out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from aristobot.errors import AristobotError, RiskRefused
from aristobot.kinds import BrokerMode, OrderOrigin, OrderRole
from aristobot.market import Instrument
from aristobot.orders import OrderType, Side, client_order_id
from aristobot.store import activations
from aristobot.store.strategy_tables import Activation
from services.bracket_keeper import BracketKeeper
from services.broker_book import Account
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder
from services.strategy_books import Books, read
from services.trading_floor import TradingFloor


@dataclass(frozen=True, slots=True)
class Said:
    """A line for the log of an activation: a code with its facts, or what the strategy itself says."""

    code: str
    facts: dict[str, Any]
    level: str = "info"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision's number; its entries are void after `expires_at`, at once when there is none, or when it is `overtaken`."""

    number: int
    expires_at: datetime | None
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What the hands need for one decision. The orders of it have ids of their own, made of its number."""

    floor: TradingFloor
    desk: OrderDesk
    keeper: BracketKeeper
    account: Account
    row: Activation
    instrument: Instrument
    turn: Turn

    @property
    def owner(self) -> str:
        """Whose lots are bought and sold."""
        return activations.owner_of(self.row.id)

    @property
    def cause(self) -> uuid.UUID:
        """What the orders of this decision have in common. Numbers come again when a backup is put back, moments do not."""
        moment = self.turn.expires_at.isoformat() if self.turn.expires_at is not None else ""
        return uuid.uuid5(self.row.id, f"{self.turn.number} {moment}")

    def order_id(self, leg: str, attempt: int) -> uuid.UUID:
        """The id of one of its orders."""
        return client_order_id(self.floor.installation, self.account.id, self.cause, leg, attempt)

    async def books(self) -> Books:
        """How the activation stands now."""
        found: Books = await self.floor.db.read(self.row.user_id, lambda s: read(s, self.row.id))
        return found

    async def price(self) -> Decimal:
        """What the market pays. Raises ExchangeError."""
        return await self.floor.prices.price(self.floor.gateway.client_for(self.account.broker), self.row.symbol)

    def wish(self, side: Side, leg: str) -> PlaceOrder:
        """A market order, as yet without a size."""
        return PlaceOrder(
            broker_id=self.account.id,
            symbol=self.row.symbol,
            side=side,
            type=OrderType.MARKET,
            origin=OrderOrigin.STRATEGY,
            role=OrderRole.ENTRY if side is Side.BUY else OrderRole.EXIT,
            owner=self.owner,
            cause=self.cause,
            leg=leg,
        )


def entry_refusal(floor: TradingFloor, account: Account, owner: str) -> AristobotError | None:
    """Why no entry may leave now, as far as it can be told without its size; None when nothing of the house stands before it."""
    if account.broker.mode is not BrokerMode.STRATEGIES:
        return RiskRefused("broker_not_for_strategies", mode=account.broker.mode.value)
    if account.id not in floor.reconciled:
        return RiskRefused("not_reconciled")
    level = floor.kill_switch.level(account.user_id, account.id, owner)
    return RiskRefused("halted", level=level.value) if level is not None else None
