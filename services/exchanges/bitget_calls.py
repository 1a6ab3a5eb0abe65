"""How a call reaches Bitget over REST: public, signed, and what is kept per key between two calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from aristobot.clock import Clock
from aristobot.errors import ClockSkewed, DataError, MissingRight
from aristobot.exchange import ClockReading, Endpoints
from services.exchanges.answers import AnswersDoubt, NamingSymbol
from services.exchanges.bitget_errors import NAME, OtherAccountMode, accepts, judge
from services.exchanges.bitget_plans import PlanBook
from services.exchanges.bitget_sign import Signer, target_of
from services.exchanges.bitget_socket import KeySocket
from services.exchanges.bitget_wire import SERVER_TIME, Reply, decoded
from services.exchanges.http import Request, RestSession
from services.exchanges.transport import Link, Timeouts

#: Requests per minute and address, whatever they ask.
REQUEST_LIMIT = 6000
#: Milliseconds within which an order must have arrived, where the protocol lets us say so.
WINDOW_MS = 5000
#: Seconds for which a limit without a hint is first respected; it counts per call and account, so others are not kept long.
_FIRST_SILENCE = 1.0
#: A signed request is valid for so long (seconds), whatever it says itself: the fence is built on it.
VALID_FOR = 30.0

Params = Mapping[str, str]
_DONE = msgspec.json.Decoder(Reply[msgspec.Raw])


class Mode(StrEnum):
    """Which of the two protocols an account speaks."""

    CLASSIC = "classic"
    UNIFIED = "unified"

    @property
    def other(self) -> Mode:
        """The one it does not speak."""
        return Mode.UNIFIED if self is Mode.CLASSIC else Mode.CLASSIC


class KeyRecord:
    """What is remembered of one key: its protocol, its socket, its plans. Neither the key nor its secret."""

    def __init__(self, private_address: str, link: Link) -> None:
        self.mode: Mode | None = None
        self.finding = asyncio.Lock()
        self.plans = PlanBook()
        self.sockets = {
            Mode.CLASSIC: KeySocket(private_address, link),
            Mode.UNIFIED: KeySocket(private_address.replace("/v2/", "/v3/"), link),
        }


class BitgetCalls:
    """The ways to Bitget for all users together. A key's record is found by a hash of the key, secret included."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None) -> None:
        self.link = Link(NAME, clock, REQUEST_LIMIT, timeouts)
        self._rest = RestSession(endpoints.rest, self.link, judge, accepted=accepts, silence=_FIRST_SILENCE)
        self._private = endpoints.trading
        self._records: dict[bytes, KeyRecord] = {}

    def record(self, signer: Signer) -> KeyRecord:
        """What is remembered of this key."""
        found = self._records.get(signer.identity)
        if found is None:
            found = self._records[signer.identity] = KeyRecord(self._private, self.link)
        return found

    async def public(self, path: str, params: Params) -> bytes:
        """A question that needs no key."""
        request = Request("GET", target_of(path, params), {})
        with NamingSymbol(params.get("symbol", "")):
            return await self._rest.read(lambda: request, 1)

    async def read(self, signer: Signer, path: str, params: Params) -> bytes:
        """A question about an account; when our clock is refused it is measured, and the question asked once more."""
        target = target_of(path, params)
        await self.settle_clock()

        def make() -> Request:
            return Request("GET", target, signer.headers(self.link.server_clock.timestamp(), "GET", target))

        with NamingSymbol(params.get("symbol", "")):
            try:
                return await self._rest.read(make, 1)
            except ClockSkewed:
                await self.synchronise()
                return await self._rest.read(make, 1)

    async def change(self, signer: Signer, path: str, params: Params, *, windowed: bool = False) -> bytes:
        """One change of an order, sent once; `windowed` where the call takes a window of its own, tighter than the usual one.

        Raises ConnectionLost and RateLimited (never sent), Refused (a definite no), OutcomeUnknown (all that leaves doubt).
        """
        await self.settle_clock()
        self.link.budget.take(1, read=False)  # here, since a successful order is not free of charge as elsewhere
        timestamp = self.link.server_clock.timestamp()
        if windowed:
            params = {**params, **window_from(timestamp)}
        body = msgspec.json.encode(params)
        try:
            with NamingSymbol(params.get("symbol", "")):
                return await self._rest.order(Request("POST", path, signer.headers(timestamp, "POST", path, body), body), 0)
        except ClockSkewed:
            self.link.server_clock.distrust()
            raise

    async def done(self, signer: Signer, path: str, params: Params) -> None:
        """As `change`, where the answer says nothing but that it was done."""
        body = await self.change(signer, path, params)
        with AnswersDoubt(NAME):
            decoded(_DONE, body)

    async def mode(self, signer: Signer) -> Mode:
        """Which protocol this key's account speaks, asked once and remembered."""
        record = self.record(signer)
        if record.mode is None:
            async with record.finding:
                if record.mode is None:
                    record.mode = await self._find_mode(signer)
        return record.mode

    async def _find_mode(self, signer: Signer) -> Mode:
        """Only unified accounts have settings; a key that may not see them is told by what it is refused elsewhere."""
        try:
            await self.read(signer, "/api/v3/account/settings", {})
        except OtherAccountMode:
            return Mode.CLASSIC
        except MissingRight:
            try:
                await self.read(signer, "/api/v2/spot/account/info", {})
            except OtherAccountMode:
                return Mode.UNIFIED
            return Mode.CLASSIC
        return Mode.UNIFIED

    async def server_time(self) -> int:
        """The exchange's clock, in milliseconds."""
        said = decoded(SERVER_TIME, await self.public("/api/v2/public/time", {})).data.server_time
        if not said.isdecimal():
            raise DataError("impossible_time", exchange=NAME, value=said[:40])
        return int(said)

    async def synchronise(self) -> ClockReading:
        """Measure how far our clock is from theirs."""
        return await self.link.server_clock.measure(self.server_time)

    async def settle_clock(self) -> None:
        """Have a measurement of the exchange's clock that can be believed."""
        if self.link.server_clock.doubtful:
            await self.synchronise()

    async def close(self) -> None:
        """Close every connection."""
        for record in self._records.values():
            for socket in record.sockets.values():
                await socket.close()
        self._records.clear()
        await self._rest.close()


def window_from(timestamp: int) -> Params:
    """What makes the exchange refuse an order that comes too late."""
    return {"requestTime": str(timestamp), "receiveWindow": str(WINDOW_MS)}
