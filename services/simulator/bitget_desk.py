"""The desk behind every Bitget address: who asks, may they, how often, what does it answer."""

from __future__ import annotations

import msgspec

from services.simulator.bitget_errors import BitgetError, envelope, too_many_requests
from services.simulator.bitget_keys import Check, check_age, checker, signed_texts
from services.simulator.bitget_limits import Limits
from services.simulator.bitget_params import Ask, Params
from services.simulator.bitget_routes import Endpoint
from services.simulator.bitget_tongue import Tongue
from services.simulator.journal import Entry
from services.simulator.misfortune import Courier
from services.simulator.records import Account
from services.simulator.wire import HttpCall, Reply
from services.simulator.world import World

_PAGE = b"<html><head><title>%d</title></head><body><h1>%d</h1></body></html>"


class BitgetDesk:
    """Authenticates, counts, acts."""

    def __init__(self, world: World, limits: Limits) -> None:
        self._world = world
        self.limits = limits
        self.courier = Courier(world)
        self._checkers: dict[str, Check] = {}

    def account(self, key: str) -> Account | None:
        """Whose key this is."""
        return self._world.venue.accounts.get(("bitget", key))

    def is_signed(self, account: Account, texts: list[bytes], signature: str) -> bool:
        """Whether the signature is this account's over one of the texts."""
        check = self._checkers.get(account.secret)
        if check is None:
            check = self._checkers[account.secret] = checker(account.secret)
        return any(check(text, signature) for text in texts)

    def authenticate(self, call: HttpCall, path: str) -> Account:
        """Who asks; refuse what is missing or wrong in the headers, in the order in which Bitget does."""
        key, signature, timestamp, passphrase = (
            call.headers.get(name, b"").decode("latin-1")
            for name in (b"access-key", b"access-sign", b"access-timestamp", b"access-passphrase")
        )
        if not key:
            raise BitgetError("40001", "ACCESS_KEY cannot be empty")
        if not signature:
            raise BitgetError("40003", "Signature cannot be empty")
        if not passphrase:
            raise BitgetError("40011", "ACCESS_PASSPHRASE cannot be empty")
        check_age(timestamp, self._world.clock)
        account = self.account(key)
        if account is None:
            raise BitgetError("40037", "Apikey does not exist")
        if not self.is_signed(account, signed_texts(timestamp, call.method, path, call.query, call.body), signature):
            raise BitgetError("40009", "sign signature error")
        if account.passphrase is not None and passphrase != account.passphrase:
            raise BitgetError("40012", "apikey/password is incorrect")
        return account

    @staticmethod
    def admit(account: Account, endpoint: Endpoint) -> None:
        """Refuse an account of the other mode, and a key without the right."""
        if account.mode != endpoint.tongue.mode:
            raise endpoint.tongue.wrong_mode()
        if endpoint.right not in account.permissions:
            raise BitgetError("40014", "Incorrect permissions, need " + ("spot trade" if endpoint.right == "trade" else "read"))

    def act(self, endpoint: Endpoint, params: Params, account: Account | None) -> Reply:
        """Do what is asked."""
        data = endpoint.act(Ask(params, account))
        failed = isinstance(data, dict) and data.get("success") == "failure"
        return Reply(200, msgspec.json.encode(envelope(self._world.clock.ms(), data)), refusal="failure" if failed else "")

    def refusal(self, error: BitgetError) -> Reply:
        """An answer that is an error."""
        body = envelope(self._world.clock.ms(), None, error.code, error.text)
        return Reply(error.status, msgspec.json.encode(body), refusal=error.code)

    def trouble(self, tongue: Tongue, code: int, retry_after: float) -> Reply:
        """An answer that the request did not cause: a status (a proxy's page, or a warning), or one of Bitget's codes."""
        if code < 0:
            return self.refusal(BitgetError(*tongue.trouble[code]))
        if code in (418, 429):  # whoever goes on is not banned here, only refused for longer
            reply = self.refusal(too_many_requests())
            reply.headers.append((b"retry-after", str(max(1, round(retry_after))).encode()))
            return reply
        return Reply(code, _PAGE % (code, code), media_type=b"text/html")


def identify(entry: Entry, params: Params) -> None:
    """Note which order a request is about."""
    for name in ("clientOid", "newClientOid", "newClientOrderId"):
        if name in params.given:
            entry.client_order_id = params.given[name]
            return
