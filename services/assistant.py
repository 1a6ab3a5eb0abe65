"""The assistant beside the strategy editor: shows what would leave, sends exactly that, hands the answer on as it comes.

A request is made of the code, its remarks and the user's words alone. Nothing here saves or runs a strategy.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from loguru import logger

from aristobot.errors import Conflict, InvalidInput
from aristobot.store.database import Database
from services.ai_fault import AiFault
from services.ai_provider import AiPlace, AiProviders
from services.assistant_drafts import Draft, draft_of, spoken
from services.assistant_privacy import Cleaned, cleaned
from services.assistant_prompts import Question, instructions, material
from services.assistant_runs import Fall, last_fall
from services.rights import for_traders

#: Characters that a user may give at once, and that a model may answer.
LONGEST_QUESTION, LONGEST_ANSWER = 120_000, 100_000
#: Seconds for a whole answer; how long may pass between two pieces of it, the client says.
LONGEST_WAIT = 600
#: Answers that are kept in memory, the last one of each strategy.
MOST_KEPT = 40
#: Characters of a token, roughly: what English and code have.
_CHARACTERS_OF_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What will leave, letter by letter, and where to. Only `assistant.preview` makes one."""

    place: AiPlace
    instructions: str
    material: Cleaned

    @property
    def messages(self) -> tuple[dict[str, str], ...]:
        """As the provider gets them."""
        return {"role": "system", "content": self.instructions}, {"role": "user", "content": self.material.text}

    @property
    def characters(self) -> int:
        """How many leave."""
        return len(self.instructions) + len(self.material.text)

    @property
    def tokens(self) -> int:
        """How many that are for a model, roughly."""
        return math.ceil(self.characters / _CHARACTERS_OF_A_TOKEN)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with everything hidden in its place again; the draft of a strategy when there is one."""

    text: str
    draft: Draft | None


@for_traders(memory="_db")
class Assistant:
    """Each user asks their own provider, one question at a time."""

    def __init__(self, db: Database, providers: AiProviders) -> None:
        self._db = db
        self._providers = providers
        self._asking: set[uuid.UUID] = set()
        self._answers: dict[tuple[uuid.UUID, uuid.UUID], Answer] = {}

    async def preview(self, user_id: uuid.UUID, question: Question) -> Outgoing:
        """What would be sent for a question, and where to; nothing is. InvalidInput says what is missing or too long."""
        place = await self._providers.place(user_id)
        if question.task.wants_words and not question.words.strip():
            raise InvalidInput("assistant_without_words", field="words")
        if question.task.wants_code and not question.code.strip():
            raise InvalidInput("assistant_without_code", field="words")
        given = material(question)
        if len(given) > LONGEST_QUESTION:
            raise InvalidInput("assistant_question_too_long", field="words", length=len(given), maximum=LONGEST_QUESTION)
        return Outgoing(place, instructions(question.task, question.language), await asyncio.to_thread(cleaned, given))

    async def last_fall(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> Fall | None:
        """Why the last run of a strategy that fell did so, without any figure; None when none did."""
        return await self._db.read(user_id, lambda session: last_fall(session, strategy_id))

    def last_answer(self, user_id: uuid.UUID, strategy_id: uuid.UUID) -> Answer | None:
        """What came back last for a strategy, for as long as the house runs: a page that was reloaded shows it again."""
        return self._answers.get((user_id, strategy_id))

    async def answer(
        self, user_id: uuid.UUID, shown: Outgoing, hear: Callable[[str], None], about: uuid.UUID | None = None
    ) -> Answer:
        """Send what was shown, nothing else; every piece of the answer is told as it comes. Cancelled, the line is cut.

        `about` is the strategy with which the answer is kept in memory.
        Raises AiFault; Conflict `assistant_busy`, or `assistant_moved` when the provider is another one by now.
        """
        if user_id in self._asking:
            raise Conflict("assistant_busy")
        self._asking.add(user_id)
        try:
            said = await self._said(user_id, shown, hear)
        finally:
            self._asking.discard(user_id)
        if not spoken(said).strip():
            raise AiFault("assistant_silent", model=shown.place.model)
        text = shown.material.restored(spoken(said))
        found = Answer(text, draft_of(text))
        if about is not None:
            self._keep((user_id, about), found)
        return found

    def _keep(self, place: tuple[uuid.UUID, uuid.UUID], found: Answer) -> None:
        self._answers.pop(place, None)
        self._answers[place] = found
        while len(self._answers) > MOST_KEPT:
            del self._answers[next(iter(self._answers))]

    async def _said(self, user_id: uuid.UUID, shown: Outgoing, hear: Callable[[str], None]) -> str:
        client, model = await self._providers.client(user_id)
        if (client.url, model) != (shown.place.url, shown.place.model):
            raise Conflict("assistant_moved")
        logger.info("The assistant asks {} at {}: {} characters", model, shown.place.host, shown.characters)
        said, length = [], 0
        try:
            async with asyncio.timeout(LONGEST_WAIT), aclosing(client.chat(shown.messages, model=model)) as pieces:
                async for piece in pieces:
                    said.append(piece)
                    length += len(piece)
                    if length > LONGEST_ANSWER:
                        raise AiFault("assistant_endless", maximum=LONGEST_ANSWER)
                    hear(piece)
        except TimeoutError:
            raise AiFault("assistant_too_slow", minutes=LONGEST_WAIT // 60, host=shown.place.host) from None
        return "".join(said)
