"""Kraken's errors: a text of severity, category and words, such as `EOrder:Insufficient funds` (REST documentation, "Errors")."""

from __future__ import annotations

from services.simulator.records import Reason, VenueRefusal


class KrakenError(Exception):
    """An answer that is a no."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


UNKNOWN_PAIR = "EQuery:Unknown asset pair"
UNKNOWN_ORDER = "EOrder:Unknown order"
INVALID_SESSION = "ESession:Invalid session"
PERMISSION_DENIED = "EGeneral:Permission denied"
DEADLINE_ELAPSED = "EService:Deadline elapsed"
UNAVAILABLE = "EService:Unavailable"


def invalid(name: str) -> KrakenError:
    """A parameter is missing or makes no sense."""
    return KrakenError(f"EGeneral:Invalid arguments:{name}")


def used_client_id() -> KrakenError:
    """Another open order has this `cl_ord_id`. The documentation does not give the words; users were told these."""
    return invalid("cl_ord_id not unique")


_REFUSED = {
    Reason.MARKET_CLOSED: "EService:Market in cancel_only mode",
    Reason.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Reason.WOULD_MATCH: "EOrder:Post only order",
    Reason.NO_LIQUIDITY: "EOrder:Order minimum not met",
    Reason.UNKNOWN_ORDER: UNKNOWN_ORDER,
}


def refused(refusal: VenueRefusal) -> KrakenError:
    """The venue's no."""
    return KrakenError(_REFUSED.get(refusal.reason, "EOrder:Invalid order"))


#: Answers without a cause in the request, by the codes of the script.
TROUBLE = {
    -1000: "EGeneral:Internal error",
    -1001: "EGeneral:Internal error",
    -1006: "EGeneral:Internal error",
    -1007: UNAVAILABLE,
    -1008: "EService:Busy",
    418: "EGeneral:Temporary lockout",
    429: "EAPI:Rate limit exceeded",
}
