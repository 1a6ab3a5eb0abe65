"""Bitget's REST interface: an address becomes a call, the call an answer with its headers."""

from __future__ import annotations

from collections.abc import Mapping

from services.simulator.bitget_desk import BitgetDesk, identify
from services.simulator.bitget_errors import BitgetError
from services.simulator.bitget_params import of_body, of_query
from services.simulator.bitget_routes import Endpoint
from services.simulator.faults import DELAYS
from services.simulator.journal import Entry
from services.simulator.misfortune import Question
from services.simulator.records import Account
from services.simulator.times import ExchangeClock
from services.simulator.wire import Ending, HttpCall, Outcome, Reply


class BitgetRest:
    """Answers requests, by `METHOD path`."""

    def __init__(self, clock: ExchangeClock, desk: BitgetDesk, calls: Mapping[str, Endpoint]) -> None:
        self._clock = clock
        self._desk = desk
        self._calls = calls

    async def answer(self, call: HttpCall, path: str) -> Outcome:
        """One request to a path of Bitget's own."""
        endpoint = self._calls.get(f"{call.method} {path}")
        if endpoint is None:
            return Outcome(Ending.ANSWERED, self._desk.refusal(BitgetError("40404", "Request URL NOT FOUND", status=404)))
        key = call.headers.get(b"access-key", b"").decode("latin-1") if endpoint.right else ""
        entry = Entry("bitget", key, call.method, path, self._clock.ms(), endpoint.event)
        question = Question(
            endpoint.event,
            bool(endpoint.right),
            entry,
            lambda: self._perform(call, path, endpoint, entry),
            lambda code, retry_after: self._desk.trouble(endpoint.tongue, code, retry_after),
        )
        courier = self._desk.courier
        fault = courier.take(question)
        if fault is not None:
            return await courier.late(question, fault) if fault.do in DELAYS else courier.badly(question, fault)
        return courier.well(question)

    def _perform(self, call: HttpCall, path: str, endpoint: Endpoint, entry: Entry) -> Reply:
        account: Account | None = None
        left = None
        try:
            if endpoint.right:
                account = self._desk.authenticate(call, path)
            who = account.key if account is not None else call.peer
            left = self._desk.limits.spend(call.peer, path, who, endpoint.rate)
            params = of_query(call.query) if call.method == "GET" else of_body(call.body)
            identify(entry, params)
            if account is not None:
                self._desk.admit(account, endpoint)
            reply = self._desk.act(endpoint, params, account)
        except BitgetError as error:
            reply = self._desk.refusal(error)
        reply.headers.append((b"x-mbx-used-remain-limit", str(left or 0).encode()))
        return reply
