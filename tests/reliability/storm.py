"""A storm of alerts: many senders that behave like TradingView, and remember what they were told."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from dataclasses import dataclass, field

from aristobot.clock import Clock
from tests.reliability.household import SYMBOLS, Household, Seat

#: Seconds: TradingView waits three for an answer and comes again after a 5xx; here everything is a little quicker.
PATIENCE = 3.0
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass
class Sent:
    """One alert of ours, what it says, and whether anybody answered 200 to it: then it may not be lost."""

    identity: str
    seat: Seat
    action: str
    symbol: str
    body: bytes
    acknowledged: bool = False
    row_ids: set[str] = field(default_factory=set)
    answers: int = 0
    duplicates: int = 0


class Storm:
    """Sends alerts to one household, in gusts; one in ten is sent again."""

    def __init__(self, household: Household, clock: Clock, seed: int) -> None:
        self._household = household
        self._clock = clock
        self._chance = random.Random(seed)
        self._port = int(household.settings["webhook_port"])
        self._sending: set[asyncio.Task[None]] = set()
        self._bought: deque[tuple[Seat, str]] = deque(maxlen=12)
        self.sent: list[Sent] = []

    def gust(self, alerts: int, *actions: str, within: float = 0.0) -> None:
        """Send so many more within so many seconds, only such as ask for these actions, if any are named."""
        for _ in range(alerts):
            alert, later = self.an_alert(*actions), self._chance.uniform(0, within)
            self._start(alert, later)
            if self._chance.random() < 0.1:
                self._start(alert, later + self._chance.uniform(0, 1.5))

    async def calm(self) -> None:
        """Wait until every sender has his answer or has given up."""
        while self._sending:
            await asyncio.wait(self._sending)

    def an_alert(self, *actions: str) -> Sent:
        """A new alert for some broker and symbol, asking for one of these actions, if any are named. It counts as sent."""
        words = self._words()
        while actions and words["action"] not in actions:
            words = self._words()
        seat, symbol = self._chance.choice(self._household.seats), self._chance.choice(SYMBOLS)
        if words["action"] == "BuyMarket":
            self._bought.append((seat, symbol))
        elif self._bought and self._chance.random() < 0.9:
            seat, symbol = self._chance.choice(self._bought)  # where there probably is something to sell or to guard
        identity = f"{self._household.name}-{len(self.sent)}"
        body = json.dumps({"id": identity, "symbol": symbol.replace("/", ""), **words}).encode()
        alert = Sent(identity, seat, str(words["action"]), symbol, body)
        self.sent.append(alert)
        return alert

    def _words(self) -> dict[str, object]:
        chance = self._chance
        stop, target = f"-{chance.uniform(0.2, 2):.2f}%", f"+{chance.uniform(0.2, 2):.2f}%"
        match chance.randrange(10):
            case 0 | 1 | 2:
                return {"action": "BuyMarket", "percent": chance.randint(1, 4), "stop_loss": stop, "take_profit": target}
            case 3:
                return {"action": "BuyMarket", "percent": chance.randint(1, 4), "stop_loss": stop}
            case 4:
                return {"action": "BuyMarket", "percent": chance.randint(1, 4)}
            case 5:
                halves = [["50%", target], ["50%", f"+{chance.uniform(2, 4):.2f}%"]]
                return {"action": "BuyMarket", "percent": chance.randint(1, 4), "stop_loss": stop, "take_profit": halves}
            case 6:
                return {"action": "SellMarket", "percent": chance.choice((25, 50, 75))}
            case 7:
                return {"action": "SellMarket"}
            case 8:
                return {"action": "MAJ", "stop_loss": stop}
            case _:
                return {"action": "MAJ", "stop_loss": stop, "take_profit": target}

    def _start(self, alert: Sent, later: float) -> None:
        task = asyncio.ensure_future(self._send(alert, later))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, alert: Sent, later: float) -> None:
        await self._clock.sleep(later)
        for pause in (*_PAUSES, 0.0):
            try:
                status, answer = await asyncio.wait_for(self._post(alert), PATIENCE)
            except ConnectionRefusedError:
                status = 503
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                return  # the bytes were on their way: TradingView would not come again
            if status == 200:
                self._acknowledge(alert, answer)
            if status < 500:
                return
            await self._clock.sleep(pause)

    def _acknowledge(self, alert: Sent, answer: bytes) -> None:
        said = json.loads(answer)
        alert.acknowledged = True
        alert.row_ids.add(said["id"])
        alert.answers += 1
        alert.duplicates += said["duplicate"]

    async def _post(self, alert: Sent) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(self.request(alert))
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            return status, await reader.readexactly(length)
        finally:
            writer.close()

    def request(self, alert: Sent) -> bytes:
        """The bytes of an alert on the wire."""
        head = f"POST /webhook/{alert.seat.token} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(alert.body)}\r\n\r\n".encode() + alert.body

    async def shoot(self, alert: Sent) -> None:
        """Send the bytes of an alert and do not wait for any answer."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return
        writer.write(self.request(alert))
        writer.close()
