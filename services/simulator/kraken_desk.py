"""The desk behind every Kraken address: who asks, may they, what does it cost, what does it answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from services.simulator.kraken_errors import TROUBLE, KrakenError
from services.simulator.kraken_keys import Nonces, Tokens, check_right, check_signature
from services.simulator.kraken_limits import Limits
from services.simulator.kraken_params import Params
from services.simulator.misfortune import Courier
from services.simulator.records import Account
from services.simulator.wire import Reply
from services.simulator.world import World

_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>"
_ORDERS = ("order.", "orders.cancel")


class KrakenDesk:
    """Authenticates and counts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.limits = Limits(world.clock)
        self.tokens = Tokens(world.clock)
        self.courier = Courier(world)
        self._nonces: dict[Account, Nonces] = {}

    def authenticate(self, key: str, sign: str, path: str, body: bytes, params: Params) -> Account:
        """Who asks; refuse an unknown key, a bad signature, a nonce that does not grow."""
        account = self._world.venue.accounts.get(("kraken", key))
        if account is None:
            raise KrakenError("EAPI:Invalid key")
        nonce = params.text("nonce")
        if not nonce:
            raise KrakenError("EAPI:Invalid nonce")
        check_signature(account, path, nonce, body, sign)
        self._nonces.setdefault(account, Nonces()).use(nonce, account.nonce_window)
        return account

    @staticmethod
    def check_right(account: Account, right: str) -> None:
        """Refuse what this key may not do; `any` is what every key may."""
        if right != "any":
            check_right(account, right)

    @staticmethod
    def answer(result: object) -> Reply:
        """A good answer of the REST interface."""
        return Reply(200, msgspec.json.encode({"error": [], "result": result}), media_type=b"application/json; charset=utf-8")

    @staticmethod
    def refuse(error: KrakenError, *, public: bool = False) -> Reply:
        """A no of the REST interface, which has a good status too."""
        body: dict[str, object] = {"error": [error.text]} | ({"result": None} if public else {})
        media_type = b"application/json; charset=utf-8"
        return Reply(200, msgspec.json.encode(body), media_type=media_type, refusal=error.text)

    def trouble(self, event: str) -> Callable[[int, float], Reply]:
        """Answers that a request did not cause: a proxy's page for a status, else one of Kraken's texts."""

        def make(code: int, retry_after: float) -> Reply:
            if code > 0 and code not in TROUBLE:
                return Reply(code, _PAGE % (code, code), media_type=b"text/html")
            return self.refuse(KrakenError(trouble_text(code, event)))

        return make


def trouble_text(code: int, event: str) -> str:
    """Kraken's words for a code of the script; too many orders are not too many calls."""
    text = TROUBLE.get(code, "EGeneral:Internal error")
    return "EOrder:Rate limit exceeded" if code == 429 and event.startswith(_ORDERS) else text
