"""What a search is asked on the command line: texts become a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from aristobot.backtest.settings import FeeAsset
from aristobot.candle_import import symbol_of
from aristobot.candle_series import CandleSeries
from aristobot.errors import InvalidInput
from aristobot.kinds import SamplerKind
from aristobot.market import timeframe_of
from aristobot.money import amount
from aristobot.search.definition import AHEAD, Definition
from aristobot.search.spans import Plan, Scheme
from services import study_candles, study_space
from services.commands.candles import moment_of
from services.commands.memory_access import Memory
from services.commands.trial_options import chosen, split_pair, text_of

_Word = TypeVar("_Word", bound=StrEnum)


async def definition(
    memory: Memory, strategy: str, given: Mapping[str, str], asked: Sequence[str], size: int
) -> tuple[Definition, str]:
    """What is asked, and the strategy's text; `size` is how many will play at once. Raises InvalidInput for what cannot be."""
    for name in ("exchange", "symbol", "timeframe", "since"):
        if not given[name]:
            raise InvalidInput("option_missing", field=f"--{name}")
    text = await text_of(memory, strategy)
    series = CandleSeries(given["exchange"].lower(), symbol_of(given["symbol"]), timeframe_of(given["timeframe"]))
    name, space = await study_space.asked_space(text, dict(split_pair(one) for one in asked))
    wish = Definition(
        strategy=name,
        exchange=series.exchange,
        symbol=series.symbol,
        timeframe=series.timeframe.value,
        since=_milliseconds(moment_of(given["since"], "--since")),
        until=_milliseconds(moment_of(given["until"], "--until") if given["until"] else memory.clock.now()),
        instrument=msgspec.to_builtins(await study_candles.listed(memory.db, series)),
        axes=space.axes,
        fixed=dict(space.fixed),
        goal=study_space.goal_of(given["goal"], whole(given, "least-trades")),
        plan=Plan(chosen(given, "scheme", _words(Scheme)), float(amount(given["train"])) / 100, whole(given, "windows")),
        sampler=chosen(given, "sampler", _words(SamplerKind)),
        trials=whole(given, "trials"),
        seed=whole(given, "seed"),
        cash=str(amount(given["cash"])),
        costs=_costs(given),
        ahead=max(AHEAD, 2 * size),
    )
    return wish, text


def whole(given: Mapping[str, str], name: str) -> int:
    """A whole number, 0 or more."""
    if not given[name].isascii() or not given[name].isdigit():
        raise InvalidInput("not_a_whole_number", field=f"--{name}", value=given[name][:40])
    return int(given[name])


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _costs(given: Mapping[str, str]) -> dict[str, str | float]:
    """Costs as a run takes them; what is not said is the pair's own."""
    fees = {name: str(amount(given[name])) for name in ("maker", "taker") if given[name]}
    share = float(amount(given["slippage-range"]))
    asset = chosen(given, "fee-asset", _words(FeeAsset)).value
    return {**fees, "slippage_bps": float(amount(given["slippage-bps"])), "slippage_range": share, "fee_asset": asset}


def _words(kind: type[_Word]) -> Mapping[str, _Word]:
    return {one.value: one for one in kind}
