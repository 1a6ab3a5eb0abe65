"""The child process of one activation: seated with its version's text, asked about candles, orders and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from aristobot.errors import StrategyError
from aristobot.market import Candle, Instrument
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import Decision, check_decision
from services.strategy_host import Program, StrategyHost

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

JOB = "services.strategy_job"
#: Candles that a strategy at work is shown at most.
MOST_CANDLES = 5_000


class _Warmup(msgspec.Struct, frozen=True):
    """How many candles are needed before the first question; `told` when those shown were enough to find out."""

    candles: int
    told: bool


class _Shown(msgspec.Struct, frozen=True):
    """Watched values as name and text, filters as name and whether each lets an entry pass."""

    watch: list[tuple[str, str]]
    filters: list[tuple[str, bool]]


class Answered(msgspec.Struct, frozen=True):
    """What a strategy answered: the decision, checked and as it came, what it keeps, and what it printed."""

    decision: Decision
    written: dict[str, Any]
    state: dict[str, Any]
    printed: str = ""


class StrategySeat:
    """One strategy behind its walls. Every question may raise StrategyError, `strategy_disabled` from the third fall on."""

    def __init__(self, host: StrategyHost, row: Activation, instrument: Instrument, dry_run: bool) -> None:
        self._host = host
        self._row = row
        self._instrument = instrument
        self._mode = "paper" if dry_run else "live"
        self._rows: Rows | None = None
        self.warmup: int | None = None
        self._told = False

    async def begin(self, text: str) -> dict[str, Any]:
        """Start its process; what it tells of itself."""
        described: dict[str, Any] = (await self._host.seat(self._row.id, Program(JOB, text))).value
        return described

    async def end(self) -> None:
        """End its process."""
        await self._host.dismiss(self._row.id)

    def show(self, candles: Sequence[Candle]) -> int:
        """Look at these closed candles from here on; how many there are."""
        from aristobot.candle_rows import rows_of

        self._rows = rows_of(candles)
        return len(self._rows)

    async def is_warm(self) -> bool:
        """Whether the candles shown are enough to be asked about; its parameters are checked along the way.

        Where they are too few to tell, more are wanted, so long as there may be more.
        """
        rows = self._shown()
        if not self._told or self.warmup is None or len(rows) < self.warmup:
            found = await self._warmup(rows)
            self._told = found.told or len(rows) >= MOST_CANDLES
            self.warmup = found.candles if self._told else max(found.candles, min(MOST_CANDLES, 4 * len(rows)))
            if self.warmup > MOST_CANDLES:
                raise StrategyError("warmup_too_long", count=self.warmup, most=MOST_CANDLES)
        return len(rows) >= self.warmup

    async def _warmup(self, rows: Rows) -> _Warmup:
        answer = await self._host.ask(self._row.id, self._request("warm", None), {"candles": rows})
        try:
            return msgspec.convert(answer.value, _Warmup)
        except msgspec.ValidationError:
            raise self._host.blame(self._row.id, StrategyError("strategy_answer_unreadable")) from None

    async def decide(self, standing: dict[str, Any], state: dict[str, Any] | None) -> Answered:
        """What it wants after the last candle."""
        request = self._request("decide", standing, state)
        return self._read(await self._host.ask(self._row.id, request, {"candles": self._shown()}))

    async def tell(self, event: dict[str, Any], standing: dict[str, Any], state: dict[str, Any] | None) -> Answered:
        """What it wants after an order event."""
        request = self._request("tell", standing, state) | {"event": event}
        return self._read(await self._host.ask(self._row.id, request, {"candles": self._shown()}))

    async def view(self, standing: dict[str, Any], state: dict[str, Any] | None) -> dict[str, Any]:
        """Its watched values and filters."""
        shown = (await self._host.ask(self._row.id, self._request("view", standing, state), {"candles": self._shown()})).value
        try:
            msgspec.convert(shown, _Shown)
        except msgspec.ValidationError:  # shown by a forger
            return {}
        return shown if _is_storable(shown) else {}

    def _shown(self) -> Rows:
        if self._rows is None:
            raise StrategyError("no_candles", symbol=self._row.symbol, timeframe=self._row.timeframe)
        return self._rows

    def _request(self, what: str, standing: dict[str, Any] | None, state: dict[str, Any] | None = None) -> dict[str, Any]:
        from aristobot.strategy_run import facts_of

        facts = msgspec.to_builtins(facts_of(self._instrument, self._row.timeframe, self._mode))
        request = {"do": what, "facts": facts, "candles": "candles", "parameters": self._row.parameters or {}}
        return request if standing is None else request | {"standing": standing, "state": state}

    def _read(self, answer: Any) -> Answered:
        from aristobot.strategy_run import Memory

        try:
            decision = msgspec.convert(answer.value["decision"], Decision)
            state = answer.value["state"]
            msgspec.convert(state, Memory)
            if not _is_storable(answer.value):
                raise StrategyError("strategy_answer_unreadable")
            check_decision(decision)
        except (msgspec.ValidationError, KeyError, TypeError):
            raise self._host.blame(self._row.id, StrategyError("strategy_answer_unreadable")) from None
        except StrategyError as error:
            raise self._host.blame(self._row.id, error) from None
        return Answered(decision, answer.value["decision"], state, answer.printed.replace("\x00", ""))


def _is_storable(value: object) -> bool:
    """Whether every database keeps it: PostgreSQL takes no NUL, in JSON neither."""
    return b"\\u0000" not in msgspec.json.encode(value)
