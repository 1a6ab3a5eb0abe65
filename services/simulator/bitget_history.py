"""What was, on Bitget, in both tongues: candles, and the last execution of the public tape."""

from __future__ import annotations

from functools import lru_cache

from services.simulator.bitget_candles import CLASSIC, UNIFIED, Length, lengthened, row
from services.simulator.bitget_errors import Json, wrong
from services.simulator.bitget_market import BitgetMarket, executed
from services.simulator.bitget_params import Ask, Params
from services.simulator.price_history import DAY
from services.simulator.prices import Tape
from services.simulator.world import World


class BitgetHistory:
    """What anybody may ask about the past."""

    def __init__(self, world: World, market: BitgetMarket) -> None:
        self._world = world
        self._market = market
        #: Candles from before the simulator began never change.
        self._old_row = lru_cache(maxsize=65_536)(self._row)

    @staticmethod
    def _row(tape: Tape, length: Length, opened: int) -> list[str]:
        return row(tape, opened, length.bar(tape, opened))

    def _rows(self, tape: Tape, length: Length, opens: list[int]) -> list[list[str]]:
        return [
            (self._old_row if length.next_open(opened) <= tape.started else self._row)(tape, length, opened)
            for opened in opens
            if length.next_open(opened) > tape.listed
        ]

    def _candles(self, tape: Tape, length: Length, params: Params) -> list[list[str]]:
        now = self._world.clock.ms()
        start, end = params.integer("startTime"), params.integer("endTime")
        first = max(start or 0, now - length.reach if length.reach else 0)
        opens = length.before(min(now, now if end is None else end), params.limit(100, 1000), first)
        return self._rows(tape, length, opens)

    def _past(self, tape: Tape, length: Length, params: Params, most: int) -> list[list[str]]:
        """What is over: it began before `endTime`, at most a year ago."""
        now = self._world.clock.ms()
        end = params.integer("endTime")
        last = min(now if end is None else end, length.open_of(now)) - 1
        opens = length.before(last, params.limit(100, most), now - 365 * DAY)
        return self._rows(tape, length, opens)

    def _classic_length(self, params: Params) -> Length:
        length = CLASSIC.get(params.need("granularity"))
        if length is None:
            raise wrong("granularity")
        return length

    def classic_candles(self, ask: Ask) -> list[list[str]]:
        """`GET /api/v2/spot/market/candles`: oldest first, the last one still forms; what is out of reach is not told."""
        tape = self._market.tape(ask.params.need("symbol"))
        return [lengthened(one) for one in self._candles(tape, self._classic_length(ask.params), ask.params)]

    def classic_history(self, ask: Ask) -> list[list[str]]:
        """`GET /api/v2/spot/market/history-candles`: backwards from `endTime`; `startTime` is not looked at."""
        tape = self._market.tape(ask.params.need("symbol"))
        ask.params.need("endTime")
        return [lengthened(one) for one in self._past(tape, self._classic_length(ask.params), ask.params, 200)]

    def _unified_length(self, params: Params) -> tuple[Tape, Length]:
        if params.need("category").upper() != "SPOT":
            raise wrong("category")
        length = UNIFIED.get(params.need("interval"))
        if length is None:
            raise wrong("interval")
        return self._market.tape(params.need("symbol"), "25100"), length

    def unified_candles(self, ask: Ask) -> list[list[str]]:
        """`GET /api/v3/market/candles`: seven columns."""
        tape, length = self._unified_length(ask.params)
        return self._candles(tape, length, ask.params)

    def unified_history(self, ask: Ask) -> list[list[str]]:
        """`GET /api/v3/market/history-candles`."""
        tape, length = self._unified_length(ask.params)
        return self._past(tape, length, ask.params, 100)

    def classic_executions(self, ask: Ask) -> list[Json]:
        """`GET /api/v2/spot/market/fills` and `fills-history`: of the public tape only the last one is remembered."""
        name = ask.params.need("symbol")
        return [{"symbol": name} | executed(self._market.tape(name), self._world.clock.ms())]

    def unified_executions(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/market/fills`."""
        told = executed(self._market.tape(ask.params.need("symbol"), "25100"), self._world.clock.ms())
        number = told.pop("tradeId")
        return [told | {"execId": number, "execLinkId": number, "isRPI": "no"}]
