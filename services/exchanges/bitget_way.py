"""What the classic and the unified protocol of Bitget have to answer alike, so that the client need not know which it speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from aristobot.exchange import BalanceChanged, Fees, KeyRights
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport, OrderRequest
from aristobot.portfolio import Balance
from services.exchanges.bitget_catalogue import native_of
from services.exchanges.bitget_plans import Plan
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_socket import Frame, Subscription
from services.exchanges.bitget_wire import Naming

T = TypeVar("T")
#: Entries of one page, the most there are; and how many are looked through before a search is given up.
PAGE = 100
MOST_SEEN = 10_000
#: Orders that ended are looked for among so many of the last ones, since they may have rested for long.
WELL_SEEN = 1000

Push = OrderReport | Plan | Fill | BalanceChanged


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks, about which symbol (as the exchange spells it; empty: all), and how symbols are called among us."""

    signer: Signer
    native: str
    naming: Naming

    @classmethod
    def about(cls, signer: Signer, symbol: Symbol | None, naming: Naming) -> Ask:
        """A question about a symbol of ours, None for all; that symbol is ours again in the answer, listed or not."""
        if symbol is None:
            return cls(signer, "", naming)
        native = native_of(symbol)
        return cls(signer, native, lambda other: symbol if other == native else naming(other))


class Way(Protocol):
    """One protocol. Reads raise TryAgain and Refused, what changes an order also OutcomeUnknown."""

    #: What the private socket is told to push.
    subscriptions: tuple[Subscription, ...]

    async def balances(self, signer: Signer) -> list[Balance]:
        """All that is held."""

    async def rights(self, signer: Signer) -> KeyRights:
        """What this key may do."""

    async def fees(self, ask: Ask) -> Fees:
        """What this account pays on the symbol."""

    async def resting(self, ask: Ask) -> list[OrderReport]:
        """Orders in the book, those made by plans among them."""

    async def waiting(self, ask: Ask) -> list[Plan]:
        """Plans that were not triggered yet."""

    async def order(self, ask: Ask, client_id: str, order_id: str = "") -> OrderReport | None:
        """An order by its exchange's id when that is given, else by its client id; None when the exchange knows none."""

    async def older_order(self, ask: Ask, client_id: str) -> OrderReport | None:
        """The same where that first question reaches back a few hours only."""

    async def plan(self, ask: Ask, client_id: str) -> Plan | None:
        """A plan by its client id; None when the exchange lists none."""

    async def child_id(self, ask: Ask, plan: Plan) -> str:
        """The id of the order that a triggered plan made; empty while there is none."""

    async def ended(self, ask: Ask, since: datetime) -> list[OrderReport]:
        """Orders that ended after `since`."""

    async def ended_plans(self, ask: Ask, since: datetime) -> list[Plan]:
        """Plans that were triggered, cancelled or failed after `since`."""

    async def fills(self, ask: Ask, since: datetime | None = None, order_id: str = "") -> list[Fill]:
        """Executions after `since`, or of one order, oldest first."""

    async def place(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Send an order or a plan, once."""

    async def amend(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Give the order or plan of the same client id other values in place. Raises InvalidOrder where that is not possible."""

    async def replace(self, ask: Ask, client_id: str, request: OrderRequest) -> OrderReport | None:
        """Cancel an order and place another in one request; None where the protocol cannot for such an order.

        Raises AmendRefused with what was said when one half failed.
        """

    async def cancel(self, ask: Ask, client_id: str, order_id: str = "") -> None:
        """Have an order cancelled. Raises UnknownOrder when there is none."""

    async def cancel_plan(self, ask: Ask, client_id: str) -> None:
        """Have a plan cancelled. Raises UnknownOrder when there is none."""

    def pushed(self, frame: Frame, naming: Naming) -> list[Push]:
        """What a push of the private socket says. Raises DataError."""


async def walked(page: Callable[[str], Awaitable[tuple[list[T], str]]], enough: Callable[[list[T]], bool]) -> list[T]:
    """Page after page, each asked for with the mark that the last one left, until there is no more or it is `enough`."""
    found: list[T] = []
    mark = ""
    while len(found) < MOST_SEEN:
        entries, mark_after = await page(mark)
        found += entries
        if len(entries) < PAGE or not mark_after or mark_after == mark or enough(found):
            break
        mark = mark_after
    return found
