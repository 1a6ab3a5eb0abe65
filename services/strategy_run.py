"""One activation at work: woken by closed candles and by its own orders, one thing after the other, never two at once.

Exits that an entry asked for come first, then what the strategy was not told yet, then the candle. What it decides is written,
with all that it keeps, before anything of it is carried out; a decision that a crash cut short is finished at the next start,
without an entry that had not left by then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime

from loguru import logger

from aristobot.clock import iso_milliseconds
from aristobot.errors import AristobotError, ExchangeError, NotFound, StoreError, StrategyError
from aristobot.events import CandleClosed
from aristobot.kinds import ActivationStatus
from aristobot.logs import log_context
from aristobot.market import Candle, Instrument, Timeframe
from aristobot.signals import longest_lag
from aristobot.store.activations import AT_WORK
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import NOTHING
from services.strategy_books import Books, first_news, knows_all
from services.strategy_decisions import StrategyDecisions
from services.strategy_seat import MOST_CANDLES, StrategySeat
from services.strategy_tools import RunTools
from services.strategy_turn import Said

#: Candles that a strategy looks back on at each decision, at least.
LOOKS_BACK = 1_000
#: Seconds for which whoever stops a strategy waits for the decision that it is carrying out.
PATIENCE = 10.0
#: Seconds until what the exchange or the store did not allow is tried again.
_RETRY_PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)


class StrategyRun:
    """The life of one activation while the house is up. `begin` once; then `candle` and `wake` as things happen."""

    def __init__(self, tools: RunTools, row: Activation, instrument: Instrument) -> None:
        self._tools = tools
        self._pen = StrategyDecisions(tools, row, instrument)
        self.id, self.user_id, self.broker_id = row.id, row.user_id, row.broker_id
        self.exchange, self.symbol, self.timeframe = instrument.exchange, row.symbol, Timeframe(row.timeframe)
        self.seat = StrategySeat(tools.host, row, instrument, tools.floor.dry_run)
        self.at_work = False
        self._candles: deque[CandleClosed] = deque()
        self._woken = asyncio.Event()
        self._busy = asyncio.Lock()
        self._missed = 0
        self._text = ""
        self._heard_until: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, text: str = "") -> None:
        """Take up what an earlier life left, then wait for what happens; with a `text` its process is started first."""
        if self._task is None:
            self._text = text
            self._woken.set()
            self._task = asyncio.create_task(self._live())

    def waits_for(self, event: CandleClosed) -> bool:
        """Whether it is a candle of its market and timeframe."""
        return (event.exchange, event.candle.symbol, event.candle.timeframe) == (self.exchange, self.symbol, self.timeframe)

    def candle(self, event: CandleClosed) -> None:
        """A candle of its market and timeframe closed."""
        self._candles.append(event)
        self._woken.set()

    def wake(self) -> None:
        """One of its orders may have changed."""
        self._woken.set()

    async def rest(self) -> None:
        """Decide nothing more, let what is under way come to its end (so long as that is soon), then end."""
        self.at_work = False
        self._candles.clear()
        waiting = asyncio.ensure_future(self._busy.acquire())
        pause = asyncio.ensure_future(self._tools.floor.clock.sleep(PATIENCE))
        await asyncio.wait({waiting, pause}, return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
        waiting.cancel()
        await self.end()

    async def end(self) -> None:
        """Stop where it stands; what is half done is finished at the next start."""
        self.at_work = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self.seat.end()

    # ------------------------------------------------------------------ waking up

    async def _live(self) -> None:
        fails = 0
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                async with self._busy:
                    with log_context(service="strategy_trading", user_id=self.user_id):
                        await self._step()
                fails = 0
                continue
            except AristobotError as error:
                logger.error("Activation {} cannot go on yet: {}", self.id, error)
            except Exception as error:  # noqa: BLE001  # told with its trace: one run's fault must not end it, nor the others
                logger.opt(exception=error).error("Activation {} met a fault of the house", self.id)
            asyncio.get_running_loop().call_later(_RETRY_PAUSES[min(fails, len(_RETRY_PAUSES) - 1)], self._woken.set)
            fails += 1

    async def _step(self) -> None:
        try:
            if self._text:
                await self._tools.orders.guard(
                    await self._pen.row()
                )  # a process takes its time to start, and what is held must not wait
                await self._seat()
            await self._work_off()
        except StrategyError as error:
            await self._fell(error)
        except NotFound as error:
            await self._pause(StrategyError("strategy_homeless", what=str(error.facts.get("kind", ""))))

    async def _seat(self) -> None:
        try:
            if not self.at_work:
                async with self._tools.starting:  # each start takes a processor for a second
                    await self.seat.begin(self._text)
                self.at_work = True
            await self._catch_up()
            self._text = ""
        except StrategyError as error:
            self._text = ""
            await self._pause(error)

    async def _catch_up(self) -> None:
        """Decide on the candle that closed while nobody listened, if it is fresh; the ones before it were missed."""
        window = await self._tools.history.window(self.exchange, self.symbol, self.timeframe, 1)
        decided_at = (await self._pen.row()).decided_at
        if not window or decided_at is None or decided_at >= (closed_at := window[-1].close_time):
            return
        now, step = self._tools.floor.clock.now(), self.timeframe.duration
        fresh = now <= self._expiry(closed_at)
        self._heard_until = closed_at - step if fresh else closed_at
        self._missed = max(0, (self._heard_until - decided_at) // step)
        if fresh:
            self._candles.appendleft(CandleClosed(at=now, exchange=self.exchange, candle=window[-1], received_at=now))

    async def _work_off(self) -> None:
        await self._look()
        while self._candles and self.at_work:
            candle = self._candles[0]
            waits = False
            try:
                moved = await self._close(candle)
            except (ExchangeError, StoreError):
                waits = True  # until it can be looked at, or is too old
                raise
            finally:
                if not waits:
                    with suppress(ValueError):
                        self._candles.remove(candle)
            if moved or self._candles:  # what else happens meanwhile wakes us again
                await self._look()

    async def _fell(self, error: StrategyError) -> None:
        """Its process broke a limit or fell: three times, and it is paused with its exits left in place."""
        if error.code == "strategy_disabled":
            await self._pause(error)
            return
        facts = {name: str(value)[:300] for name, value in error.facts.items()}
        fallen = Said("reason.run_fell", {**facts, "why": f"error.{error.code}"}, "warning")
        await self._tools.log.change(await self._pen.row(), [fallen])

    async def _pause(self, error: StrategyError) -> None:
        self.at_work = False
        self._candles.clear()
        await self.seat.end()
        row = await self._pen.row()
        await self._tools.log.ended(row, ActivationStatus.PAUSED, error)
        with suppress(NotFound):  # of a broker that is gone nothing rests any more
            await self._take_back(row)

    async def _take_back(self, row: Activation) -> None:
        if said := await self._tools.orders.cancel_entries(row):
            await self._tools.log.change(row, said)

    # ------------------------------------------------------------------ between candles

    async def _look(self) -> None:
        """Guard what came late, finish what is half done, tell what the strategy does not know."""
        books = await self._pen.books()
        row = books.row
        await self._tools.orders.guard(row)
        await self._pen.finish(row)
        if row.status not in AT_WORK:
            await self._take_back(row)
        if row.plan is not None or row.work is not None or row.status not in AT_WORK:  # they may stand otherwise now
            books = await self._pen.books()
        await self._tell(books)

    async def _tell(self, books: Books) -> Books:
        """Tell the strategy what it does not know, the oldest first; how it stands then."""
        while self.at_work and (news := first_news(books)) is not None:
            closed, now = news.kind == "closed", self._tools.floor.clock.now()
            if closed:
                await self._tools.orders.cancel_entries(books.row)
            await self._show(now)
            answer = await self.seat.tell(news.event, await self._pen.standing(books), books.row.vars)
            values = {"told": news.told, "plan": None if closed else books.row.plan}
            await self._pen.write(books, answer, values, self._expiry(now))
            books = await self._pen.books()
        return books

    # ------------------------------------------------------------------ a candle

    async def _close(self, event: CandleClosed) -> bool:
        """Ask the strategy about a candle that has just closed; one that closed too long ago is history to it.

        Whether there may be something to look after now.
        """
        closed_at, row = event.candle.close_time, await self._pen.row()
        if any(moment is not None and moment >= closed_at for moment in (row.decided_at, self._heard_until)):
            return False
        if self._tools.floor.clock.now() > self._expiry(closed_at):
            self._missed += 1
            return False
        if self._missed:
            missed, self._missed = self._missed, 0
            await self._tools.log.change(row, [Said("reason.run_missed", {"count": missed}, "warning")])
        count = await self._show(closed_at, event.candle)
        if await self.seat.is_warm():
            return await self._decide(event)
        await self._tools.log.change(row, view={"at": iso_milliseconds(closed_at), "warming": [count, self.seat.warmup]})
        return False

    async def _decide(self, event: CandleClosed) -> bool:
        """Whether it moved anything, or something of it still waits to be done."""
        closed_at = event.candle.close_time
        books = await self._pen.books()
        if first_news(books) is not None:  # since the last look: what is decided on counts as told
            books = await self._tell(books)
            if not self.at_work:
                return True
            await self._show(closed_at, event.candle)
        standing = await self._pen.standing(books)
        answer = await self.seat.decide(standing, books.row.vars)
        values = {"told": knows_all(books), "plan": books.row.plan}
        moved = answer.decision != NOTHING or books.row.plan is not None or bool(answer.state.get("stopped"))
        if await self._pen.write(books, answer, values, self._expiry(closed_at), closed_at):
            if moved:
                books = await self._pen.books()
                standing = await self._pen.standing(books)
            else:
                books.row.vars = answer.state  # nothing else has changed
            shown = await self.seat.view(standing, books.row.vars)
            await self._pen.show(books.row, answer.decision, closed_at, shown)
        return moved

    async def _show(self, moment: datetime, newest: Candle | None = None) -> int:
        """Let it see the candles that were closed by this moment; an exchange may show the `newest` a moment late."""
        wanted = min(MOST_CANDLES, max(LOOKS_BACK, self.seat.warmup or 0))
        window = await self._tools.history.window(self.exchange, self.symbol, self.timeframe, wanted, moment)
        if newest is not None and (not window or window[-1].open_time < newest.open_time):
            window = [*window, newest]
        return self.seat.show(window)

    def _expiry(self, moment: datetime) -> datetime:
        """Until when what was decided at this moment may be sent."""
        return moment + longest_lag(self.timeframe.seconds)
