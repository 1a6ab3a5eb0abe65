"""What a user wants searched, and the row that remembers it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from aristobot.errors import InvalidInput
from aristobot.kinds import SamplerKind, StudyStatus
from aristobot.market import Instrument, timeframe_of
from aristobot.search.definition import AHEAD, Definition
from aristobot.search.space import Space, space_of
from aristobot.search.spans import Plan
from aristobot.store.study_tables import Study
from services.study_sources import MOST_TRIALS, workers_here
from services.study_space import goal_of
from services.wish_checks import check_cash, check_span, check_text, checked_costs

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.strategy_parameters import Parameter

_SCHEDULER = re.compile(r"(tcp|tls|ws|wss)://[A-Za-z0-9._\-\[\]:]{1,200}:\d{1,5}")


@dataclass(frozen=True, slots=True)
class StudyWish:
    """What a user wants searched. `text` is pinned; `version_id` or `template` say where it came from.

    asked       per parameter: `20` stands still, `10:50` and `10:50:5` are a range, `a,b` a choice; else its own bounds
    goal        the figure to improve, by its name in `aristobot.figures.table`
    trials      on each stretch of a walk forward
    workers     processes here; 0: one per core        scheduler   address of a Dask scheduler instead
    """

    strategy: str
    text: str
    exchange: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    asked: Mapping[str, str] = field(default_factory=dict)
    goal: str = "sharpe"
    least_trades: int = 10
    plan: Plan = field(default_factory=Plan)
    sampler: SamplerKind = SamplerKind.TPE
    trials: int = 100
    seed: int = 0
    costs: Mapping[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(10_000)
    fetch: bool = False
    workers: int = 0
    scheduler: str = ""
    version_id: uuid.UUID | None = None
    template: str = ""


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """How far a study under way is: queued, candles, searching or weighing; `done` trials of `total`, the best score so far."""

    stage: str = "queued"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    best: float | None = None


def study_row(
    user_id: uuid.UUID, wish: StudyWish, parameters: Sequence[Parameter], instrument: Instrument, now: datetime
) -> Study:
    """The row of a wish for a strategy with these parameters. Raises InvalidInput for what cannot be searched."""
    try:
        asked = _definition(wish, parameters, instrument, now)
    except InvalidInput as error:
        raise _as_typed(error) from None
    return Study(
        user_id=user_id,
        strategy_version_id=wish.version_id,
        strategy=asked.strategy,
        template=wish.template,
        status=StudyStatus.QUEUED,
        code=wish.text,
        definition=msgspec.to_builtins(asked),
        fetch=wish.fetch,
        workers=wish.workers,
        scheduler=checked_scheduler(wish.scheduler) if wish.scheduler else "",
        created_at=now,
    )


def checked_scheduler(address: str) -> str:
    """The address of a scheduler, or InvalidInput when it cannot be one."""
    if not _SCHEDULER.fullmatch(address.strip()):
        raise InvalidInput("bad_scheduler_address", field="scheduler", value=address[:60])
    return address.strip()


def _check(wish: StudyWish, until: datetime) -> None:
    check_span(wish.since, until, wish.until)
    check_text(wish.text)
    check_cash(wish.cash)
    for name, value, least, most in (
        ("trials", wish.trials, 1, MOST_TRIALS),
        ("workers", wish.workers, 0, workers_here()),
        ("least_trades", wish.least_trades, 0, MOST_TRIALS),
    ):
        if not least <= value <= most:
            raise InvalidInput("out_of_range", field=name, minimum=least, maximum=most)


def _definition(wish: StudyWish, parameters: Sequence[Parameter], instrument: Instrument, now: datetime) -> Definition:
    until = min(wish.until, now)
    _check(wish, until)
    space: Space = space_of(msgspec.to_builtins(tuple(parameters)), wish.asked)
    asked = Definition(
        strategy=wish.strategy[:64],
        exchange=wish.exchange,
        symbol=wish.symbol,
        timeframe=timeframe_of(wish.timeframe).value,
        since=_milliseconds(wish.since),
        until=_milliseconds(until),
        instrument=msgspec.to_builtins(instrument),
        axes=space.axes,
        fixed=dict(space.fixed),
        goal=goal_of(wish.goal, wish.least_trades),
        plan=wish.plan,
        sampler=wish.sampler,
        trials=wish.trials,
        seed=wish.seed,
        cash=str(wish.cash),
        costs=_costs(wish.costs),
        ahead=max(AHEAD, 2 * (wish.workers or workers_here())),
    )
    asked.folds  # noqa: B018 # raises for a plan that cannot be
    return asked


def _costs(given: Mapping[str, Any]) -> dict[str, Any]:
    """Costs as a run takes them: fees exact, the rest as numbers; what is not said is the pair's own."""
    known = {name: value for name, value in checked_costs(given).items() if value is not None}
    exact = ("maker", "taker", "fee_asset")
    return {name: str(value) if name in exact else float(value) for name, value in known.items()}


def _as_typed(error: InvalidInput) -> InvalidInput:
    """The same error at the field of a form: a parameter's own, or the option without its dashes."""
    facts = {name: value for name, value in error.facts.items() if name != "field"}
    named = error.field == "--param" and "name" in facts
    return InvalidInput(error.code, field=str(facts["name"]) if named else error.field.removeprefix("--"), **facts)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
