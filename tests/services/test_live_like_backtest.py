"""Every template, and a strategy with exits of its own, decides at work what it decides in a backtest over the same candles."""

from __future__ import annotations

import inspect
import itertools
import math
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aristobot.backtest.history import History
from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, FeeAsset, Setup
from aristobot.candle_rows import Rows
from aristobot.market import Instrument, Timeframe
from aristobot.store import activations
from aristobot.strategies.bollinger_reversion import BollingerReversion
from aristobot.strategies.breakout import Breakout
from aristobot.strategies.dca_budget import DcaBudget
from aristobot.strategies.ema_cross import EmaCross
from aristobot.strategies.rsi_reversal import RsiReversal
from aristobot.strategies.supertrend_trail import SupertrendTrail
from aristobot.strategy import Strategy
from aristobot.strategy_orders import NOTHING, Decision
from aristobot.templates import TEMPLATES
from services.app import App
from services.strategy_answers import Answer
from tests.services.at_work import PatientHost, WorkingHouse, a_working_house

D = Decimal
#: Each template with parameters under which an hour is long.
PLAYED: Mapping[str, tuple[type[Strategy], dict[str, Any]]] = {
    "ema_cross": (EmaCross, {"fast": 5, "slow": 20}),
    "rsi_reversal": (RsiReversal, {"period": 5, "oversold": 40.0, "overbought": 60.0}),
    "breakout": (Breakout, {"length": 6, "reward": 0.5}),
    "bollinger_reversion": (BollingerReversion, {"period": 10, "width": 1.0}),
    "supertrend_trail": (SupertrendTrail, {"period": 5, "factor": 1.0}),
    "dca_budget": (DcaBudget, {"portions": 4, "every": 4, "gain_percent": 0.5}),
}


class Seller(Strategy):
    """Enters once, with two targets, then sells at limits of its own, and says what stands for it."""

    timeframe = "1m"
    position_fraction = 0.5

    def should_long(self) -> bool:
        return "held" not in self.vars

    def take_profit_price(self) -> list[tuple[float, float]]:
        return [(0.5, self.price * 1.05), (0.5, self.price * 1.06)]

    def update_position(self) -> None:
        parts = [f"{one.quantity / self.position.qty:.2f} {one.type.value}" for one in self.exit_orders]
        self.log(", ".join(parts))
        held = self.vars["held"] = self.vars.get("held", 0) + 1
        if held == 2:
            self.sell = 0.25 * self.position.qty, self.price * 1.03
        elif held == 4:
            self.stop_loss = self.position.qty, self.price * 0.9
            self.take_profit = self.position.qty, self.price * 1.08
            self.sell = [(0.3 * self.position.qty, self.price * 1.04), (0.25 * self.position.qty, self.price)]

    def should_exit(self) -> bool:
        return bool(self.vars.get("held", 0) == 6)


OWN: Mapping[str, tuple[type[Strategy], dict[str, Any]]] = {"seller": (Seller, {})}
EVERY = {**PLAYED, **OWN}
CANDLES = 30
STEPS = 5
#: The spread of two ticks, and a stop that is filled at the next step of the price: so far figures may differ. What was lost
#: or gained by it is missing or there at the next entry, which is as much smaller or larger.
NEAR = {"price": 1e-3, "quantity": 2e-2, "share": 1e-9}


class ListeningHost(PatientHost):
    """Writes down what strategies are asked at the close of candles, and what they answer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.decided: dict[uuid.UUID, dict[int, Decision]] = {}
        self.rows: dict[int, Any] = {}

    async def ask(self, key: Any, request: Mapping[str, Any], arrays: Mapping[str, Any] = {}) -> Answer:
        """As it is, and written down."""
        answer = await super().ask(key, request, arrays)
        if request["do"] == "decide":
            rows = arrays["candles"]
            self.rows.update((int(row[0]), row) for row in rows)
            self.decided.setdefault(key, {})[int(rows[-1, 0])] = msgspec.convert(answer.value["decision"], Decision)
        return answer


class ListeningHouse(WorkingHouse):
    """A house that is listened to."""

    def _built(self, **options: Any) -> App:
        app = super()._built(**options)
        app.runner._tools = replace(app.runner._tools, host=ListeningHost(self.clock, self.limits))
        return app

    async def all_decided(self, closes: datetime) -> None:
        """Wait until everybody has decided on the candle that closed then, and carried it out."""

        async def look() -> bool:
            rows = await self.read(activations.at_work)
            return all(row.decided_at is not None and row.decided_at >= closes and row.work is None for row in rows)

        await self.when(look)


def waves() -> Iterator[float]:
    """Closes: long and short waves, so that everybody finds an entry and an exit."""
    for minute in range(CANDLES):
        yield round(60_000 * (1 + 0.004 * math.sin(minute / 4) + 0.008 * math.sin(minute / 0.9)), 2)


async def moved(house: ListeningHouse, before: float, after: float) -> None:
    """One candle: in a straight line, from where the one before ended."""
    house.price(f"{before:.2f}")
    for step in range(1, STEPS + 1):
        await house.clock.sleep(50 / STEPS)
        house.price(f"{before + (after - before) * step / STEPS:.2f}")


def played(
    kind: type[Strategy], parameters: dict[str, Any], rows: Rows, first: int, instrument: Instrument
) -> dict[int, Decision]:
    """What a backtest decides, by the open times of candles."""
    history = History.of(instrument.symbol, Timeframe.M1, rows)
    costs = Costs(maker=instrument.maker_fee, taker=instrument.taker_fee, fee_asset=FeeAsset.BASE)
    entrant = Entrant(kind, history, instrument, parameters=parameters)
    session = Session(Setup((entrant,), cash=D(1000), costs=costs, warmup=first))
    session.play()
    found = session.players[0].lane.decisions
    return {int(rows[at, 0]): one for at, one in found if isinstance(one, Decision)}


def like(live: Any, tested: Any, name: str = "") -> bool:
    """Whether both say the same: words and structure exactly, figures nearly."""
    if isinstance(live, float):
        return math.isclose(live, tested, rel_tol=NEAR[name])
    if isinstance(live, dict):
        return live.keys() == tested.keys() and all(like(value, tested[one], one) for one, value in live.items())
    if isinstance(live, list | tuple):
        return len(live) == len(tested) and all(like(one, other, name) for one, other in zip(live, tested, strict=True))
    return bool(live == tested)


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> Any:
    """Such a house."""
    async with a_working_house(tmp_path / "house", sqlite_template, ListeningHouse) as opened:
        yield opened


async def test_live_and_backtest_decide_the_same_on_the_same_candles(house: ListeningHouse) -> None:
    assert {one.name for one in TEMPLATES} == PLAYED.keys()
    texts = {one.name: one.text for one in TEMPLATES} | {name: inspect.getsource(kind) for name, (kind, _) in OWN.items()}
    workers = [await house.worker() for _ in range(4)]  # for five stops are all that an account may have on a market
    active = {
        name: await house.activation(worker, texts[name], parameters=parameters)
        for worker, (name, (_, parameters)) in zip(itertools.cycle(workers), EVERY.items(), strict=False)
    }
    listener = house.app.runner._tools.host
    assert isinstance(listener, ListeningHost)
    await house.minute(active["ema_cross"])
    before = 60_000.0
    for close in waves():
        closes = Timeframe.M1.open_of(house.clock.now()) + Timeframe.M1.duration
        await moved(house, before, close)
        before = close
        await house.clock.sleep((closes - house.clock.now()).total_seconds())
        await house.all_decided(closes)
    rows = np.asfortranarray([listener.rows[at] for at in sorted(listener.rows)])
    instrument = await house.app.catalog.instrument("binance", "BTC/USDT")
    for name, (kind, parameters) in EVERY.items():
        live = {at: one for at, one in listener.decided[active[name]].items()}
        first = int(np.searchsorted(rows[:, 0], min(live)))
        tested = played(kind, parameters, rows, first, instrument)
        told = {at: msgspec.to_builtins(one) for at, one in live.items() if one != NOTHING}
        expected = {at: msgspec.to_builtins(one) for at, one in tested.items() if one != NOTHING and at in live}
        assert told.keys() == expected.keys(), (name, sorted(told.keys() ^ expected.keys()))
        for at, one in told.items():
            assert like(one, expected[at]), (name, at, one, expected[at])
        assert any(one["entries"] for one in told.values()), name
