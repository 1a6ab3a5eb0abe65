"""Binance's REST interface: an address becomes a call, the call an answer with its headers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.simulator.binance_desk import BinanceDesk
from services.simulator.binance_errors import BinanceError
from services.simulator.binance_keys import check_key_form, without_signature
from services.simulator.binance_params import Params, parse_query
from services.simulator.binance_routes import Endpoint
from services.simulator.journal import Entry
from services.simulator.misfortune import Question
from services.simulator.records import Account
from services.simulator.times import ExchangeClock
from services.simulator.wire import Ending, HttpCall, Outcome, Reply

_NOT_FOUND = b"<html><head><title>404 Not Found</title></head><body></body></html>"


class BinanceRest:
    """Answers requests, by `METHOD path`."""

    def __init__(self, clock: ExchangeClock, desk: BinanceDesk, calls: Mapping[str, Endpoint]) -> None:
        self._clock = clock
        self._desk = desk
        self._calls = calls

    async def answer(self, call: HttpCall, path: str) -> Outcome:
        """One request to a path of Binance's own."""
        endpoint = self._calls.get(f"{call.method} {path}")
        if endpoint is None:
            known = any(address.endswith(f" {path}") for address in self._calls)
            return Outcome(Ending.ANSWERED, Reply(405 if known else 404, _NOT_FOUND, media_type=b"text/html"))
        key = call.headers.get(b"x-mbx-apikey", b"").decode("latin-1")
        entry = Entry("binance", key, call.method, path, self._clock.ms(), endpoint.event)
        trouble = self._desk.trouble
        question = Question(
            endpoint.event, bool(endpoint.right), entry, lambda: self._perform(call, endpoint, key, entry), trouble
        )
        return await self._desk.courier.answer(question)

    def _perform(self, call: HttpCall, endpoint: Endpoint, key: str, entry: Entry) -> Reply:
        account: Account | None = None
        try:
            self._desk.limits.admit(call.peer)
            given = parse_query(call.query, {})
            if call.body:
                parse_query(call.body, given)
            params = Params(given)
            self._desk.identify(entry, given)
            if endpoint.right:
                account = self._sender(call, key, given)
            result = self._desk.act(endpoint, params, account, call.peer, over_socket=False)
            reply = Reply(200, msgspec.json.encode(result))
        except BinanceError as error:
            reply = Reply(error.status, msgspec.json.encode(error.body()))
            if error.status in (418, 429):
                reply.headers.append((b"retry-after", str(self._desk.limits.retry_after(call.peer)).encode()))
        used = str(self._desk.limits.used(call.peer)).encode()
        reply.headers += [(b"x-mbx-used-weight", used), (b"x-mbx-used-weight-1m", used)]
        if account is not None and endpoint.right == "trade":
            recent, today = self._desk.limits.counts(account)
            reply.headers += [(b"x-mbx-order-count-10s", str(recent).encode()), (b"x-mbx-order-count-1d", str(today).encode())]
        return reply

    def _sender(self, call: HttpCall, key: str, given: Mapping[str, str]) -> Account:
        if not key:
            raise BinanceError(-2014, "API-key format invalid.", status=401)
        check_key_form(key)
        signature = given.get("signature")
        payload = without_signature(call.query) + without_signature(call.body)
        return self._desk.authenticate(key, signature, payload, given)
