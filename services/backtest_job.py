"""What the process of a backtest does: the whole run, and its report packed, so that the house has nothing to compute."""

from __future__ import annotations

import base64
import os
from typing import Any

from aristobot.backtest.report import packed, report_of
from aristobot.backtest.runner import backtest
from services import strategy_job
from services.strategy_job import Progress

#: Whoever trades goes first.
_PATIENT = 10


class Job(strategy_job.Job):
    """As for every strategy; on `{"do": "report", …}` it plays the backtest and answers the packed report."""

    def __init__(self) -> None:
        super().__init__()
        if hasattr(os, "nice"):
            os.nice(_PATIENT)

    def do(self, request: dict[str, Any], progress: Progress) -> object:
        """Answer one request, in what JSON can hold."""
        if request["do"] != "report":
            return super().do(request, progress)
        setup = self.setup(request)
        result = backtest(setup, lambda part: progress({"done": part}))
        names = [str(one.get("name", ""))[:64] for one in request["entrants"]]
        return base64.b64encode(packed(report_of(setup, result, names))).decode("ascii")
