"""What one activation decided: written with all that goes with it in one transaction, then carried out, then noted as done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from loguru import logger

from aristobot.errors import AristobotError, DataError, ExchangeError, InvalidInput, StrategyError
from aristobot.kinds import ActivationStatus
from aristobot.market import Instrument
from aristobot.store import activations
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import NOTHING, Decision
from services.strategy_books import Books, read, standing
from services.strategy_log import sayings
from services.strategy_plans import planned
from services.strategy_seat import Answered
from services.strategy_tools import RunTools
from services.strategy_turn import Said, Turn, entry_refusal
from services.strategy_view import view_of


class StrategyDecisions:
    """The books of one activation, and the pen that writes into them."""

    def __init__(self, tools: RunTools, row: Activation, instrument: Instrument) -> None:
        self._tools = tools
        self._id, self._user_id, self._broker_id = row.id, row.user_id, row.broker_id
        self._instrument = instrument

    async def write(
        self, books: Books, answer: Answered, values: dict[str, Any], until: datetime, candle_at: datetime | None = None
    ) -> bool:
        """Write a decision with all that goes with it, then carry it out; False when its candle was decided on before."""
        row, decision, log = books.row, answer.decision, self._tools.log
        values |= {"vars": answer.state, "turns": row.turns + 1}
        if decision != NOTHING:
            values["work"] = {"decision": answer.written, "turn": row.turns + 1, "until": until.isoformat()}
            values["plan"] = planned(decision, books, values["plan"], self._instrument)
        if not await log.decided(row, values, sayings(answer), candle_at):
            return False
        for message in decision.messages:
            if message.notify and message.kind != "error":
                await log.speak(row, message.text)
        stopped = str(answer.state.get("stopped") or "")
        if stopped and row.status is ActivationStatus.RUNNING:
            await log.ended(row, ActivationStatus.FAILED, StrategyError("strategy_hook_fell", detail=stopped[:300]))
        if decision != NOTHING or row.work is not None:
            await self.finish(await self.row())
        return True

    async def finish(self, row: Activation) -> None:
        """Carry out the decision that is written, and note that it is done."""
        if row.work is not None:
            decision = msgspec.convert(row.work["decision"], Decision)
            turn = Turn(int(row.work["turn"]), datetime.fromisoformat(row.work["until"]))
            try:
                said = await self._tools.orders.carry_out(row, decision, turn)
            except (InvalidInput, DataError, ArithmeticError) as error:  # asked again it would be refused again
                logger.opt(exception=error).error("A decision of activation {} cannot be carried out", self._id)
                code, facts = (error.code, error.facts) if isinstance(error, AristobotError) else ("bad_data", {})
                said = [Said("reason.run_undone", {**facts, "why": f"error.{code}"}, "error")]
            await self._tools.log.change(row, said, work=None)

    async def show(self, row: Activation, decision: Decision, closed_at: datetime, shown: Mapping[str, Any]) -> None:
        """Keep what there is to see after a candle."""
        account = await self._tools.floor.brokers.owned(self._user_id, self._broker_id)
        refusal = entry_refusal(self._tools.floor, account, activations.owner_of(self._id))
        await self._tools.log.change(row, view=view_of(row, decision, closed_at, shown, refusal))

    async def row(self) -> Activation:
        """The activation's row. NotFound when it is gone."""
        return await self._tools.floor.db.read(self._user_id, lambda s: activations.get(s, self._id))

    async def books(self) -> Books:
        """How it stands now. NotFound when it is gone."""
        found: Books = await self._tools.floor.db.read(self._user_id, lambda s: read(s, self._id))
        return found

    async def standing(self, books: Books) -> dict[str, Any]:
        """How it stands, for the strategy's eyes; it may spend no more than its exchange has."""
        floor = self._tools.floor
        own = free = books.balance
        try:
            free = await floor.accounts.free(await floor.brokers.owned(self._user_id, self._broker_id), self._instrument.quote)
        except (ExchangeError, DataError) as error:
            logger.warning("Activation {} does not know what is free at its exchange: {}", self._id, error)
        return standing(books, self._instrument, min(own, free))
