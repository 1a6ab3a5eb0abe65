"""Binance's error codes and words (spot API documentation, "Error codes")."""

from __future__ import annotations

from services.simulator.records import Reason, VenueRefusal


class BinanceError(Exception):
    """An answer with a code and a text; `data` is what cancel-replace adds."""

    def __init__(self, code: int, text: str, *, status: int = 400, data: object = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.data = data

    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        body: dict[str, object] = {"code": self.code, "msg": self.text}
        if self.data is not None:
            body["data"] = self.data
        return body


def missing(name: str) -> BinanceError:
    """A mandatory parameter is not there."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, pattern: str) -> BinanceError:
    """A parameter has characters that it must not have."""
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def filter_failure(name: str) -> BinanceError:
    """A filter of the symbol says no."""
    return BinanceError(-1013, f"Filter failure: {name}")


_REFUSED = {
    Reason.DUPLICATE_ID: "Duplicate order sent.",
    Reason.MARKET_CLOSED: "Market is closed.",
    Reason.INSUFFICIENT_FUNDS: "Account has insufficient balance for requested action.",
    Reason.WOULD_TRIGGER: "Order would trigger immediately.",
    Reason.WOULD_MATCH: "Order would immediately match and take.",
    Reason.BAD_PRICES: "The relationship of the prices for the orders is not correct.",
    Reason.RESTRICTED: "Order was not canceled due to cancel restrictions.",
    Reason.NO_LIQUIDITY: "Order book liquidity is less than LOT_SIZE filter minimum quantity.",
    Reason.NOT_REACHED: "This action is disabled on this account.",
    Reason.UNKNOWN_ORDER: "Unknown order sent.",
}


def new_order_rejected(refusal: VenueRefusal) -> BinanceError:
    """The venue's no to a new order; a closed market says it before the matching engine does."""
    return BinanceError(-1013 if refusal.reason is Reason.MARKET_CLOSED else -2010, _REFUSED[refusal.reason])


def cancel_rejected(refusal: VenueRefusal) -> BinanceError:
    """The venue's no to a cancellation."""
    return BinanceError(-2011, _REFUSED[refusal.reason])


#: Answers without a cause in the request: servers that are slow, busy, or that count requests.
TROUBLE = {
    -1000: (400, "An unknown error occurred while processing the request."),
    -1001: (500, "Internal error; unable to process your request. Please try again."),
    -1006: (500, "An unexpected response was received from the message bus. Execution status unknown."),
    -1007: (408, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    -1008: (503, "Server is currently overloaded with other requests. Please try again in a few minutes."),
}


def too_much_weight(limit: int) -> BinanceError:
    """The budget of this minute is used up."""
    words = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
    return BinanceError(-1003, words + "Please use WebSocket Streams for live updates to avoid polling the API.", status=429)


def banned(until: int) -> BinanceError:
    """The warnings were not heard."""
    words = f"Way too much request weight used; IP banned until {until}. "
    return BinanceError(-1003, words + "Please use WebSocket Streams for live updates to avoid bans.", status=418)


def too_many_orders(limit: int, span: str) -> BinanceError:
    """Too many orders of this account rest unfilled."""
    return BinanceError(-1015, f"Too many new orders; current limit is {limit} orders per {span}.", status=429)
