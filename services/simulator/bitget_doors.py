"""The four sockets of Bitget: which tongue is spoken at which address, and what may be listened to there."""

from __future__ import annotations

import asyncio

from services.simulator.bitget_desk import BitgetDesk
from services.simulator.bitget_market import BitgetMarket
from services.simulator.bitget_private import CHANNEL, CLASSIC, TOPIC, PrivateChannels, unified_topics
from services.simulator.bitget_public import PublicChannels
from services.simulator.bitget_routes import Calls
from services.simulator.bitget_sockets import PATIENCE, Channels, Session
from services.simulator.bitget_tongue import Tongue, Tongues
from services.simulator.wire import Socket
from services.simulator.world import World

#: Seconds after which a connection is cut, whatever it does.
LIFETIME = 86_400.0


class Doors:
    """Lets connections in, and cuts those that fall silent."""

    def __init__(self, world: World, desk: BitgetDesk, market: BitgetMarket, calls: Calls) -> None:
        self._world = world
        self._desk = desk
        self._order_calls = calls.orders.socket_calls
        self._public = [PublicChannels(world, market, unified=unified) for unified in (False, True)]
        self._sessions: set[Session] = set()
        self._somebody = asyncio.Event()
        self._doors: dict[str, tuple[Tongue, Channels]] = {
            "/v2/ws/public": (Tongues.CLASSIC, self._public[0]),
            "/v2/ws/private": (Tongues.CLASSIC, PrivateChannels(world, CLASSIC, CHANNEL, "SPOT")),
            "/v3/ws/public": (Tongues.UNIFIED, self._public[1]),
            "/v3/ws/private": (Tongues.UNIFIED, PrivateChannels(world, unified_topics(calls.account), TOPIC, "UTA")),
        }

    async def run(self) -> None:
        """Push what is due, and cut who has fallen silent."""
        await asyncio.gather(*(channels.run() for channels in self._public), self._watch())

    async def _watch(self) -> None:
        while True:
            await self._somebody.wait()
            now = self._world.clock.ms()
            for session in list(self._sessions):
                if session.heard_at < now - PATIENCE:
                    session.socket.cut()
            await self._world.clock.sleep(self._until_silent(now))

    def _until_silent(self, now: int) -> float:
        """Seconds until the first of them may be cut; one that was just cut is gone within a second."""
        due = min((session.heard_at + PATIENCE + 1 for session in self._sessions), default=now)
        return max(1.0, (due - now) / 1000)

    async def serve(self, socket: Socket, path: str) -> None:
        """One connection, until it is gone."""
        door = self._doors.get(path)
        if door is None or self._world.faults.take("socket.connect", socket.exchange, "") is not None:
            await socket.refuse()
            return
        session = Session(self._world, self._desk, socket, *door)
        if path == "/v3/ws/private":
            session.order_calls = self._order_calls
        self._sessions.add(session)
        self._somebody.set()
        async with self._world.lifetime(socket, LIFETIME):
            try:
                await socket.serve(session.hear)
            finally:
                self._sessions.discard(session)
                if not self._sessions:
                    self._somebody.clear()
                session.close()
