"""The desk behind every Binance address: who asks, may they, what does it cost, what does it answer."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.simulator.binance_errors import TROUBLE, BinanceError, missing, too_much_weight
from services.simulator.binance_keys import Verify, check_rights, check_window, verifier, wrong_key
from services.simulator.binance_limits import Limits
from services.simulator.binance_params import Params
from services.simulator.binance_requests import Ask
from services.simulator.binance_routes import Endpoint
from services.simulator.journal import Entry
from services.simulator.misfortune import Courier
from services.simulator.records import Account
from services.simulator.wire import Reply
from services.simulator.world import World

_IDS = ("newClientOrderId", "origClientOrderId", "listClientOrderId", "cancelOrigClientOrderId", "workingClientOrderId")
_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>"


class BinanceDesk:
    """Authenticates, weighs, acts."""

    def __init__(self, world: World, limits: Limits) -> None:
        self._world = world
        self.limits = limits
        self.courier = Courier(world)
        self._verifiers: dict[str, Verify] = {}

    def account(self, key: str) -> Account:
        """Whose key this is."""
        account = self._world.venue.accounts.get(("binance", key))
        if account is None:
            raise wrong_key()
        return account

    def verify(self, account: Account, signature: str | None, payload: bytes) -> None:
        """Refuse a signature that is not this account's over these bytes."""
        if not signature:
            raise missing("signature")
        verify = self._verifiers.get(account.secret)
        if verify is None:
            verify = self._verifiers[account.secret] = verifier(account.secret)
        if not verify(payload, signature):
            raise BinanceError(-1022, "Signature for this request is not valid.")

    def authenticate(self, key: str, signature: str | None, payload: bytes, given: Mapping[str, str]) -> Account:
        """Who asks; refuse a bad timestamp, key or signature."""
        account = self.account(key)
        check_window(given, self._world.clock)
        self.verify(account, signature, payload)
        return account

    def identify(self, entry: Entry, given: Mapping[str, str]) -> None:
        """Note which order a request is about."""
        for name in _IDS:
            if name in given:
                entry.client_order_id = given[name]
                return

    def act(self, endpoint: Endpoint, params: Params, account: Account | None, peer: str, *, over_socket: bool) -> object:
        """Do what is asked, and count what it costs."""
        weight = endpoint.weigh(params)
        try:
            if account is not None:
                check_rights(account, endpoint.right)
            result = endpoint.act(Ask(params, account, over_socket))
        except BinanceError:
            self.limits.spend(peer, weight)
            raise
        self.limits.spend(peer, 0 if endpoint.free else weight)
        return result

    def trouble(self, code: int, retry_after: float) -> Reply:
        """An answer that the request did not cause: a status (a proxy's page, or a warning), or one of Binance's codes."""
        if code < 0:
            status, text = TROUBLE[code]
            return Reply(status, msgspec.json.encode({"code": code, "msg": text}))
        if code in (418, 429):
            body = msgspec.json.encode(too_much_weight(self.limits.weight).body())
            return Reply(code, body, [(b"retry-after", str(max(1, round(retry_after))).encode())])
        return Reply(code, _PAGE % (code, code), media_type=b"text/html")
