"""One machine's part in one study: claims trials, keeps what came of them, and reads what others found."""

from __future__ import annotations

import secrets
import socket
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import msgspec

from aristobot.clock import Clock
from aristobot.errors import Conflict
from aristobot.kinds import StudyStatus
from aristobot.search.findings import Findings
from aristobot.search.outcome import Outcome
from aristobot.store import studies
from aristobot.store.database import Database
from aristobot.store.study_tables import Trial
from aristobot.store.tenancy import GuardedSession

#: Seconds after which a machine that says nothing is believed dead, and between two signs of life.
LEASE, SIGN_OF_LIFE = 60.0, 15.0
#: How the machines of a house are called; there is one house at a time.
HOUSE = "house:"


class StudyBook:
    """The rows of one study, for one machine that works on it. `left` is how it stands when it was left before its end."""

    left = StudyStatus.STOPPED

    def __init__(self, db: Database, clock: Clock, user_id: uuid.UUID, study_id: uuid.UUID) -> None:
        self._db, self._clock = db, clock
        self._user_id, self._study_id = user_id, study_id
        self.machine = f"{socket.gethostname()[:40]}:{secrets.token_hex(4)}"

    async def begin(self) -> dict[int, Outcome]:
        """Say that it is being worked on; what has been tried, by number."""
        work = partial(studies.set_status, study_id=self._study_id, status=StudyStatus.RUNNING, now=None)
        await self._db.write(self._user_id, work)
        return {one.number: one for one in await self.done(())}

    async def claim(self, wanted: Sequence[Outcome]) -> bool:
        """Take these trials; False when another machine has them."""
        now = self._clock.now()
        rows = [
            Trial(
                user_id=self._user_id,
                study_id=self._study_id,
                number=one.number,
                fold=one.fold,
                parameters=one.parameters,
                machine=self.machine,
                claimed_at=now,
            )
            for one in wanted
        ]
        stale = now - timedelta(seconds=LEASE)
        try:
            return await self._db.write(self._user_id, lambda session: studies.claim(session, rows, stale))
        except Conflict:  # somebody asked for some of them in another order, and was quicker
            return False

    async def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what came of claimed trials."""
        rows = [{"number": one.number, "score": one.score, "figures": one.figures, "fault": one.fault} for one in outcomes]
        now = self._clock.now()
        await self._db.write(self._user_id, lambda session: studies.keep(session, self._study_id, rows, now))

    async def done(self, numbers: Sequence[int]) -> list[Outcome]:
        """What came of these trials, of all of them when none is named, as far as they have been tried."""
        return await self._db.read(
            self._user_id, lambda session: [_outcome(row) for row in studies.done(session, self._study_id, numbers)]
        )

    async def renew(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await self._clock.sleep(SIGN_OF_LIFE)
            work = partial(studies.renew, study_id=self._study_id, machine=self.machine, now=self._clock.now())
            await self._db.write(self._user_id, work)

    async def release(self) -> None:
        """Leave the study: what was not finished is for others, or for another time."""

        def leave(session: GuardedSession) -> None:
            studies.release(session, self._study_id, self.machine)
            if studies.get(session, self._study_id).status is StudyStatus.RUNNING:
                studies.set_status(session, self._study_id, self.left, None)

        await self._db.write(self._user_id, leave)

    async def finish(self, findings: Findings) -> None:
        """Keep the answer."""
        told, now = msgspec.to_builtins(findings), self._clock.now()
        work = partial(studies.set_status, study_id=self._study_id, status=StudyStatus.DONE, now=now, findings=told)
        await self._db.write(self._user_id, work)


class HouseBook(StudyBook):
    """The same for the house's own process: an end that nobody asked for is an interruption."""

    left = StudyStatus.INTERRUPTED

    def __init__(self, db: Database, clock: Clock, user_id: uuid.UUID, study_id: uuid.UUID) -> None:
        super().__init__(db, clock, user_id, study_id)
        self.machine = HOUSE + secrets.token_hex(4)


def _outcome(row: Trial) -> Outcome:
    return Outcome(row.fold, row.number, row.parameters or {}, row.score, row.figures or {}, row.fault)
