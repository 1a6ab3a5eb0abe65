"""What a strategy's own process does for the house: describe the strategy, play a backtest, decide at a candle's close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from aristobot import strategy_loader
from aristobot.backtest.history import History
from aristobot.backtest.larger import LargerCandles
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Entrant, Setup
from aristobot.errors import StrategyError
from aristobot.indicators import ta, utils
from aristobot.market import timeframe_of
from aristobot.strategy import Strategy, cached
from aristobot.strategy_orders import Decision
from aristobot.strategy_parameters import parameters_of, values_for
from aristobot.strategy_run import Event, Facts, Standing
from aristobot.strategy_step import Seat
from aristobot.strategy_warmup import leading_of

Progress = Callable[[dict[str, Any]], None]


class Job:
    """Runs the user's text once, then answers `{"do": "backtest" | "warm" | "decide" | "tell" | "view", …}`.

    For a run of several strategies `{"do": "join", "text": …}` runs one text more; an entrant's `strategy` counts them.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.texts: list[str] = []
        self.kinds: list[type[Strategy]] = []
        self._asked: tuple[dict[str, Any], dict[str, Any]] | None = None
        strategy_loader.import_plain()
        strategy_loader.import_ours()

    def load(self, text: str) -> dict[str, Any]:
        """Run the text; the strategy's name, timeframe, version and parameters."""
        kind = self._loaded(text)
        self.texts, self.kinds = [text], [kind]
        return _described(kind)

    def do(self, request: dict[str, Any], progress: Progress) -> object:
        """Answer one request, in what JSON can hold."""
        match request["do"]:
            case "backtest":
                setup = self.setup(request)
                return backtest(setup, lambda part: progress({"done": part})).as_json()
            case "join":
                self.kinds.append(self._loaded(request["text"]))
                self.texts.append(request["text"])
                return _described(self.kinds[-1])
            case "warm":
                return self._warmup(request)
            case "decide":
                return _answer(self._seat(request).decide(*self._standing(request)))
            case "tell":
                event = msgspec.convert(request["event"], Event)
                return _answer(self._seat(request).tell(*self._standing(request), event))
            case "view":
                return self._seat(request).view(*self._standing(request))
        raise StrategyError("unknown_request", what=str(request["do"])[:40])

    def setup(self, request: dict[str, Any]) -> Setup:
        """The backtest that a request asks for; candles are named after the arrays that were handed over."""
        entrants = tuple(
            msgspec.convert(
                {
                    **one,
                    "kind": self.kinds[one.get("strategy", 0)],
                    "history": self._history(one["history"]),
                    "detail": self._history(one["detail"]) if one.get("detail") else None,
                },
                Entrant,
                dec_hook=_as_it_is,
            )
            for one in request["entrants"]
        )
        given = {name: value for name, value in request.items() if name != "do"}
        given["bitcoin"] = self._history(request["bitcoin"]) if request.get("bitcoin") else None
        return msgspec.convert({**given, "entrants": entrants, "code": "\0".join(self.texts)}, Setup, dec_hook=_as_it_is)

    def _loaded(self, text: str) -> type[Strategy]:
        given = {"Strategy": Strategy, "cached": cached, "ta": ta, "utils": utils, "np": np}
        return strategy_loader.load(text, Strategy, given)

    def _history(self, named: dict[str, str]) -> History:
        return History.of(named["symbol"], timeframe_of(named["timeframe"]), self.arrays[named["array"]])

    def _seat(self, request: dict[str, Any]) -> Seat:
        asked = (request["facts"], request.get("parameters", {}))
        if asked != self._asked:  # the same ones candle after candle
            self._facts = msgspec.convert(request["facts"], Facts)
            self._hp = values_for(self.kinds[0], asked[1])
            self._asked = asked
        larger = LargerCandles(self._facts.exchange, self._own_history(self._facts, request))
        return Seat(self.kinds[0], self._facts, self._hp, larger)

    def _warmup(self, request: dict[str, Any]) -> dict[str, Any]:
        """How many candles it needs before it can be asked, and whether these were enough to tell."""
        seat, candles = self._seat(request), self.arrays[request["candles"]]
        leading = leading_of(self.kinds[0], seat.facts, seat.hp, candles, seat.larger)
        return {"candles": max(self.kinds[0].warmup_candles, (leading or 0) + 1) + 1, "told": leading is not None}

    def _own_history(self, facts: Facts, request: dict[str, Any]) -> History:
        return History(facts.symbol, timeframe_of(facts.timeframe), self.arrays[request["candles"]])

    def _standing(self, request: dict[str, Any]) -> tuple[Any, Standing, dict[str, Any] | None]:
        return self.arrays[request["candles"]], msgspec.convert(request["standing"], Standing), request.get("state")


def _as_it_is(_: type, value: Any) -> Any:
    return value


def _described(kind: type[Strategy]) -> dict[str, Any]:
    listed = msgspec.to_builtins(parameters_of(kind))
    return {"name": kind.__name__, "timeframe": kind.timeframe, "version": kind.version, "parameters": listed}


def _answer(decided: tuple[Decision, dict[str, Any]]) -> dict[str, Any]:
    decision, state = decided
    return {"decision": msgspec.to_builtins(decision), "state": state}
