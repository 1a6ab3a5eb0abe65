"""Kraken's REST interface: an address becomes a call, the call an answer."""

from __future__ import annotations

from collections.abc import Mapping

from services.simulator.journal import Entry
from services.simulator.kraken_desk import KrakenDesk
from services.simulator.kraken_errors import KrakenError
from services.simulator.kraken_params import Params, read_body
from services.simulator.kraken_requests import Ask
from services.simulator.kraken_routes import Endpoint
from services.simulator.misfortune import Question
from services.simulator.records import Account
from services.simulator.times import ExchangeClock
from services.simulator.wire import Ending, HttpCall, Outcome, Reply

_PUBLIC, _PRIVATE = "/0/public/", "/0/private/"


class KrakenRest:
    """Answers requests, by the last part of their path."""

    def __init__(self, clock: ExchangeClock, desk: KrakenDesk, calls: Mapping[str, Endpoint]) -> None:
        self._clock = clock
        self._desk = desk
        self._calls = calls

    async def answer(self, call: HttpCall, path: str) -> Outcome:
        """One request to a path of Kraken's own."""
        endpoint = self._endpoint(call, path)
        if endpoint is None:
            return Outcome(Ending.ANSWERED, self._desk.refuse(KrakenError("EGeneral:Unknown method")))
        key = call.headers.get(b"api-key", b"").decode("latin-1")
        try:
            params = self._read(call)
        except KrakenError as error:
            return Outcome(Ending.ANSWERED, self._desk.refuse(error))
        event = "order.test" if endpoint.event == "order.place" and params.flag("validate") else endpoint.event
        entry = Entry("kraken", key, call.method, path, self._clock.ms(), event, params.text("cl_ord_id"))
        question = Question(
            event,
            bool(endpoint.right),
            entry,
            lambda: self._perform(call, path, endpoint, params),
            self._desk.trouble(event),
        )
        return await self._desk.courier.answer(question)

    def _endpoint(self, call: HttpCall, path: str) -> Endpoint | None:
        private = path.startswith(_PRIVATE)
        if not private and not path.startswith(_PUBLIC):
            return None
        endpoint = self._calls.get(path.removeprefix(_PRIVATE if private else _PUBLIC))
        if endpoint is None or bool(endpoint.right) is not private or (private and call.method != "POST"):
            return None
        return endpoint

    @staticmethod
    def _read(call: HttpCall) -> Params:
        given = read_body(call.query, b"")
        if call.body:
            given |= read_body(call.body, call.headers.get(b"content-type", b""))
        return Params(given)

    def _perform(self, call: HttpCall, path: str, endpoint: Endpoint, params: Params) -> Reply:
        try:
            account = self._sender(call, path, endpoint, params)
            return self._desk.answer(endpoint.act(Ask(params, account)))
        except KrakenError as error:
            return self._desk.refuse(error, public=not endpoint.right)

    def _sender(self, call: HttpCall, path: str, endpoint: Endpoint, params: Params) -> Account | None:
        if not endpoint.right:
            self._desk.limits.spend_public(call.peer, endpoint.cost)
            return None
        headers = call.headers
        key, sign = (headers.get(name, b"").decode("latin-1") for name in (b"api-key", b"api-sign"))
        account = self._desk.authenticate(key, sign, path, call.body, params)
        self._desk.limits.spend_call(key, endpoint.cost)
        self._desk.check_right(account, endpoint.right)
        return account
