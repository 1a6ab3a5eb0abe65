"""The two interfaces of Bitget, classic (v2) and unified (v3): they ask for the same things by other names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from services.simulator.bitget_errors import (
    CLASSIC_REFUSALS,
    CLASSIC_TROUBLE,
    IN_CLASSIC_MODE,
    IN_UNIFIED_MODE,
    UNIFIED_REFUSALS,
    UNIFIED_TROUBLE,
    BitgetError,
)
from services.simulator.records import Reason, VenueRefusal


@dataclass(frozen=True, slots=True)
class Tongue:
    """How one interface names things, what client ids it takes, and what it says when it refuses."""

    mode: str
    size: str
    force: str
    client_id: re.Pattern[str]
    bad_client_id: tuple[str, str]
    other_mode: tuple[str, str]
    no_symbol: str
    no_plan: tuple[str, str]
    too_small: tuple[str, str]
    too_little: str
    too_large: tuple[str, str]
    too_high: str
    too_low: str
    too_many: tuple[str, str]
    most_orders_per_symbol: bool
    refusals: Mapping[Reason, tuple[str, str]]
    trouble: Mapping[int, tuple[str, str]]

    def refuse(self, refusal: VenueRefusal) -> BitgetError:
        """The venue's no."""
        return BitgetError(*self.refusals[refusal.reason])

    def wrong_mode(self) -> BitgetError:
        """The account is of the other mode."""
        return BitgetError(*self.other_mode)

    def unknown_symbol(self, name: str) -> BitgetError:
        """Nothing of this name is listed."""
        return BitgetError(self.no_symbol, f"Parameter {name} does not exist")

    def unknown_order(self, *, plan: bool = False) -> BitgetError:
        """No order, or no plan, of this id is open."""
        return BitgetError(*(self.no_plan if plan else self.refusals[Reason.UNKNOWN_ORDER]))


class Tongues:
    """Both of them."""

    CLASSIC: ClassVar = Tongue(
        mode="classic",
        size="size",
        force="force",
        client_id=re.compile(r"[A-Za-z0-9+_#-]{1,49}"),
        bad_client_id=("40305", "client_oid length is not greater than 50, and cannot be Martian characters"),
        other_mode=IN_UNIFIED_MODE,
        no_symbol="40034",
        no_plan=("43025", "Plan order does not exist"),
        too_small=("43006", "The order quantity is less than the minimum transaction quantity"),
        too_little="45110",
        too_large=("45113", "Maximum order value limit triggered"),
        too_high="43009",
        too_low="43008",
        too_many=("43005", "Exceed the maximum number of orders"),
        most_orders_per_symbol=True,
        refusals=CLASSIC_REFUSALS,
        trouble=CLASSIC_TROUBLE,
    )
    UNIFIED: ClassVar = Tongue(
        mode="unified",
        size="qty",
        force="timeInForce",
        client_id=re.compile(r"[.A-Z:/a-z0-9_-]{1,32}"),
        bad_client_id=("400172", "Parameter verification failed"),
        other_mode=IN_CLASSIC_MODE,
        no_symbol="25100",
        no_plan=("25204", "Order does not exist"),
        too_small=("25205", "Less than the minimum order quantity"),
        too_little="25206",
        too_large=("25207", "The maximum order value is exceeded"),
        too_high="25208",
        too_low="25208",
        too_many=("25211", "The maximum number of orders is reached"),
        most_orders_per_symbol=False,
        refusals=UNIFIED_REFUSALS,
        trouble=UNIFIED_TROUBLE,
    )
