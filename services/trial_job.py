"""What a strategy's own process does in a search: many short runs with other parameters over candles that it keeps."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aristobot.backtest.quick import quick_record, with_noise
from aristobot.backtest.settings import Setup
from aristobot.errors import StrategyError
from aristobot.figures.record import Record
from aristobot.figures.table import FIGURES
from services import strategy_job


class Job(strategy_job.Job):
    """Answers `{"do": "trials" | "closer" | "noise", …}` besides."""

    def do(self, request: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> object:
        """Answer one request, in what JSON can hold."""
        match request["do"]:
            case "trials":
                setup = self.setup(request["setup"])
                return [self._tried(setup, request, one) for one in request["trials"]]
            case "closer":
                setup = self.setup(request["setup"])
                return [self._looked_at(setup, request, one) for one in request["trials"]]
            case "noise":
                return self._noise(self.setup(request["setup"]), request)
        return super().do(request, progress)

    def _tried(self, setup: Setup, request: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        """The figures of one trial, or the code of what it did wrong."""
        try:
            record = quick_record(_with(setup, parameters), request["since"], request["until"])
        except StrategyError as error:
            return {"figures": {}, "fault": error.code}
        finally:
            gc.collect()  # a strategy and its run hold each other, and each holds arrays as long as the candles
        return {"figures": _figures(record, request["figures"]), "fault": ""}

    def _looked_at(self, setup: Setup, request: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        """Besides, what its doubts are computed from."""
        try:
            record = quick_record(_with(setup, parameters), request["since"], request["until"])
        except StrategyError as error:
            return {"figures": {}, "fault": error.code, "returns": [], "profits": []}
        found = {"returns": record.returns, "profits": record.profits} if record else {"returns": [], "profits": []}
        return {"figures": _figures(record, request["figures"]), "fault": "", **found}

    def _noise(self, setup: Setup, request: dict[str, Any]) -> list[dict[str, Any]]:
        """The figures over candles with noise, once per seed."""
        (entrant,) = setup.entrants
        tick = float(entrant.instrument.tick)
        found = []
        for seed in request["seeds"]:
            moved = with_noise(entrant.history, request["share"], tick, seed)
            disturbed = replace(setup, entrants=(replace(entrant, history=moved),))
            found.append(self._tried(disturbed, request, request["parameters"]))
        return found


def _with(setup: Setup, parameters: dict[str, Any]) -> Setup:
    return replace(setup, entrants=(replace(setup.entrants[0], parameters=parameters),))


def _figures(record: Record | None, names: list[str]) -> dict[str, float | None]:
    """The figures asked for; None where one is undefined."""
    if record is None:
        return dict.fromkeys(names)
    return {name: FIGURES[name].function(record) for name in names}
