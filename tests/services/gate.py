"""A running ingress on a free port, a token that opens it, and what it tells the house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import select

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.events import BrokerUpdated, SignalReceived
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tables import Broker, WebhookToken
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Webhook
from services.tokens import hash_of, new_token
from services.webhook_receiver import WebhookReceiver
from tests.builders import MIDNIGHT, a_stored_broker
from tests.loopback import AUTHORITIES

BUY = b'{"action": "buy", "symbol": "BTCUSDT"}'


@dataclass
class Gate:
    """A running receiver, a token that opens it, and what it told the house."""

    receiver: WebhookReceiver
    db: Database
    bus: Bus
    clock: ManualClock
    broker: Broker
    token: str
    client: httpx.AsyncClient
    signals: list[SignalReceived] = field(default_factory=list)

    async def post(self, body: bytes = BUY, **headers: str) -> httpx.Response:
        """An alert sent to the address with the token in its path."""
        return await self.client.post(f"/webhook/{self.token}", content=body, headers=headers)

    async def rows(self) -> Sequence[Webhook]:
        """Every stored alert."""
        return await self.db.read(SYSTEM, lambda s: list(s.exec(select(Webhook))))

    async def add_token(self, **differences: Any) -> str:
        """One more token of the broker, not yet told to anybody."""
        token = new_token()
        owner = {"user_id": self.broker.user_id, "broker_id": self.broker.id, "created_at": MIDNIGHT}
        row = WebhookToken(**{**owner, "token_hash": hash_of(token), "last_four": token[-4:], **differences})
        await self.db.write(SYSTEM, lambda s: s.add(row))
        return token

    def tell_of_broker(self) -> None:
        """What the account page says after a change."""
        self.bus.publish(BrokerUpdated(at=MIDNIGHT, user_id=self.broker.user_id, broker_id=self.broker.id))

    async def raw(self, sent: bytes, *, patience: float = 5.0, idle: float = 5.0) -> bytes:
        """Send bytes as they are; what the other side says until it hangs up, stays silent, or says no more for `idle` seconds."""
        port = int(self.receiver.address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = b""
        try:
            writer.write(sent)
            while part := await asyncio.wait_for(reader.read(65_536), idle if said else patience):
                said += part
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return said


@asynccontextmanager
async def a_gate(
    db: Database, clock: ManualClock, folder: Path, body_patience: float = 10.0, **options: Any
) -> AsyncIterator[Gate]:
    """A receiver on a free port, with a broker and a token."""
    bus = Bus()
    settings = Settings.load({"data_dir": folder, "webhook_port": 0, **options}, {})
    broker = await a_stored_broker(db)
    receiver = WebhookReceiver(db, bus, clock, settings, body_patience=body_patience)
    address = receiver.bind()
    serving = asyncio.create_task(receiver.run())
    async with httpx.AsyncClient(base_url=address, trust_env=False, verify=AUTHORITIES) as client:
        gate = Gate(receiver, db, bus, clock, broker, "", client)
        gate.token = await gate.add_token()
        gate.tell_of_broker()
        bus.listen(SignalReceived, do=gate.signals.append)
        yield gate
    serving.cancel()
    await asyncio.wait({serving})
