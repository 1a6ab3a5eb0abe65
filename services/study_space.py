"""Where a search may look and what is to improve: a strategy's parameters as its own process tells them, narrowed by wishes."""

from __future__ import annotations

from collections.abc import Mapping

from aristobot.errors import InvalidInput, StrategyError
from aristobot.figures.table import FIGURES
from aristobot.search.goal import Goal
from aristobot.search.space import Space, space_of
from services.strategy_process import StrategyProcess
from services.trial_bench import JOB, UNKNOWN


async def asked_space(text: str, asked: Mapping[str, str]) -> tuple[str, Space]:
    """The name of the strategy in a text, and where a search may look. Raises StrategyError, InvalidInput."""
    process = await StrategyProcess.start(JOB, text)
    try:
        told = process.described.value
        return str(told["name"])[:64], space_of(told["parameters"], asked)
    except (KeyError, TypeError):
        raise StrategyError("strategy_answer_unreadable") from None
    finally:
        await process.close()


def goal_of(figure: str, least_trades: int) -> Goal:
    """What is to improve; InvalidInput for a figure that a search cannot have."""
    known = sorted(FIGURES.keys() - UNKNOWN)
    if figure not in known:
        raise InvalidInput("no_such_figure", field="--goal", value=figure[:40], known=", ".join(known))
    return Goal(figure, least_trades)
