"""Kraken's private socket: orders, executions, balances. Each request carries a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.simulator.journal import Entry
from services.simulator.kraken_desk import KrakenDesk, trouble_text
from services.simulator.kraken_errors import INVALID_SESSION, KrakenError, invalid
from services.simulator.kraken_feeds import Feeds
from services.simulator.kraken_json import Json, order_id, wanted_of
from services.simulator.kraken_keys import check_right
from services.simulator.kraken_orders import KrakenOrders
from services.simulator.kraken_params import Params, as_text, flat
from services.simulator.kraken_requests import Ask, order_from_socket
from services.simulator.kraken_session import Line, Request
from services.simulator.misfortune import Question
from services.simulator.records import Account, Order
from services.simulator.wire import Ending, Outcome, Reply
from services.simulator.world import World

_PUBLIC = ("ticker", "ohlc", "trade", "book", "instrument", "level3")
_ELSEWHERE = "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
_EVENTS = {
    "add_order": "order.place",
    "amend_order": "order.amend",
    "edit_order": "order.replace",
    "cancel_order": "order.cancel",
    "cancel_all": "orders.cancel",
}


@dataclass(slots=True)
class _Answers:
    """What a request is answered with: one text, or one for each order that it named. `afterwards` follows the answer."""

    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)

    def reply(self) -> Reply:
        """The same as one answer; a no only when all of it was refused."""
        refusal = self.errors[0] if len(self.errors) == len(self.texts) and self.errors else ""
        return Reply(200, "\n".join(self.texts).encode(), refusal=refusal)


class PrivateSession:
    """One connection to the private socket."""

    def __init__(self, world: World, desk: KrakenDesk, orders: KrakenOrders, line: Line) -> None:
        self._world = world
        self._desk = desk
        self._orders = orders
        self._feeds = Feeds(world, desk.limits, line)
        self._trusted: dict[str, Account] = {}
        self._afterwards: list[Callable[[], None]] = []
        self._line = line

    def close(self) -> None:
        """The connection is gone: nobody listens any more."""
        self._feeds.close()

    def handle(self, request: Request, came: int) -> None:
        """One request: through the script of misfortunes, as any other."""
        account = self._owner(request)
        event = _EVENTS.get(request.method, "session")
        if event == "order.place" and request.params.get("validate"):
            event = "order.test"
        key = account.key if account is not None else ""
        client_id = request.params.get("cl_ord_id", "")
        entry = Entry("kraken", key, "WS", request.method, self._world.clock.ms(), event, as_text(client_id))
        question = Question(
            event,
            True,
            entry,
            lambda: self._perform(request, came),
            lambda code, _: self._trouble(request, came, trouble_text(code, event)),
        )
        self._desk.courier.carry(question, self._send)

    def _send(self, outcome: Outcome) -> None:
        reply = outcome.reply
        if outcome.ending is Ending.CUT:
            self._line.cut()
        elif reply is not None:
            text = reply.body.decode()
            texts = [text[: len(text) // 2]] if outcome.ending is Ending.SHORT else text.split("\n")
            for one in texts[:-1]:
                self._line.send(one)
            self._line.send(texts[-1], outcome.told)
        afterwards, self._afterwards = self._afterwards, []
        for act in afterwards:
            act()

    def _trouble(self, request: Request, came: int, words: str) -> Reply:
        return Reply(200, self._line.refused(request, came, words).encode(), refusal=words)

    def _owner(self, request: Request) -> Account | None:
        token = as_text(request.params.get("token", ""))
        return self._trusted.get(token) or self._desk.tokens.owner(token)

    def _perform(self, request: Request, came: int) -> Reply:
        answers = _Answers()
        act = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "add_order": self._add,
            "amend_order": self._amend,
            "edit_order": self._edit,
            "cancel_order": self._cancel,
            "cancel_all": self._cancel_all,
        }.get(request.method)
        more: Json = {}
        try:
            if act is None:
                raise KrakenError(f"Unsupported method: {request.method}")
            account = self._owner(request)
            if request.params.get("channel") in _PUBLIC:
                raise KrakenError(_ELSEWHERE)
            if account is None:
                more = {"channel": request.params["channel"], "status": "error"} if "channel" in request.params else {}
                raise KrakenError(INVALID_SESSION)
            self._line.key = account.key
            act(request, came, account, answers)
        except KrakenError as error:
            answers.texts.append(self._line.refused(request, came, error.text, **more))
            answers.errors.append(error.text)
        self._afterwards += answers.afterwards
        return answers.reply()

    def _subscribe(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        check_right(account, "read")
        channel = as_text(request.params.get("channel", ""))
        result = self._feeds.subscribe(channel, account, request.params)
        self._trusted[as_text(request.params.get("token"))] = account
        answers.texts.append(self._line.agreed(request, came, result))
        answers.afterwards.append(lambda: self._feeds.start(channel))

    def _unsubscribe(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        channel = as_text(request.params.get("channel", ""))
        self._feeds.end(channel)
        answers.texts.append(self._line.agreed(request, came, {"channel": channel}))

    def _add(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        check_right(account, "trade")
        placed = self._orders.place(Ask(Params(order_from_socket(request.params)), account))
        result = _named(placed.order) if placed.order is not None else {}
        answers.texts.append(self._line.agreed(request, came, result))

    def _amend(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        check_right(account, "trade")
        given = flat(request.params)
        order = self._orders.amend(Ask(Params(given | {"txid": given.get("order_id", "")}), account))
        result = {"amend_id": self._orders.amend_id(order)} | _named(order)
        answers.texts.append(self._line.agreed(request, came, result))

    def _edit(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        check_right(account, "trade")
        given = flat(request.params)
        first = given.get("triggers[price]", given.get("limit_price", ""))
        told_so = {"txid": given.get("order_id", ""), "volume": given.get("order_qty", ""), "price": first}
        if "triggers[price]" in given:
            told_so["price2"] = given.get("limit_price", "")
        placed = self._orders.edit(Ask(Params(given | told_so), account))
        result = {"original_order_id": told_so["txid"]} | (_named(placed.order) if placed.order is not None else {})
        answers.texts.append(self._line.agreed(request, came, result))

    def _cancel(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        """One answer for each order that was named."""
        check_right(account, "trade")
        given = request.params
        named = [
            (field_name, as_text(one))
            for name, field_name in (("order_id", "txid"), ("cl_ord_id", "cl_ord_id"), ("order_userref", "txid"))
            for one in (given.get(name) or [])
        ]
        if not named:
            raise invalid("order_id")
        for name, one in named:
            params = Params({name: one, "deadline": as_text(given.get("deadline") or "")})
            try:
                for order in self._orders.cancel(Ask(params, account)):
                    answers.texts.append(self._line.agreed(request, came, _named(order)))
            except KrakenError as error:
                answers.texts.append(self._line.refused(request, came, error.text))
                answers.errors.append(error.text)

    def _cancel_all(self, request: Request, came: int, account: Account, answers: _Answers) -> None:
        check_right(account, "trade")
        count = len(self._orders.cancel_all(Ask(Params({}), account)))
        answers.texts.append(self._line.agreed(request, came, {"count": count}))


def _named(order: Order) -> Json:
    wanted = wanted_of(order)
    named: Json = {"order_id": order_id(order)}
    if wanted.client_id:
        named["cl_ord_id"] = wanted.client_id
    if wanted.userref is not None:
        named["order_userref"] = wanted.userref
    return named
