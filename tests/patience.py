"""A clock moved by hand that does not run ahead of threads: what they were given to do is done before time goes on."""

from __future__ import annotations

from aristobot.clock import ManualClock, SystemClock
from tests.threads import Threads

#: Real seconds between two looks at threads that work, and how often they are looked at before they count as always busy.
_A_MOMENT = 0.0005
_LOOKS = 2_000


class PatientClock(ManualClock):
    """After each step, whatever the store was asked is answered and heard, however slow this machine is."""

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads
        self._resident = 0

    async def _let_run(self, turns: int) -> None:
        for _look in range(_LOOKS):
            working = self._threads.busy > self._resident
            if working:
                await SystemClock().sleep(_A_MOMENT)
            await super()._let_run(turns)
            if not working and self._threads.busy <= self._resident:
                return
        self._resident = self._threads.busy
