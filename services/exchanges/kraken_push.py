"""A frame of Kraken's public socket, before anybody looks at what it is about."""

from __future__ import annotations

import msgspec

from aristobot.market import Symbol
from services.exchanges.kraken_wire import read


class Agreed(msgspec.Struct):
    """What a subscription was agreed to; of what it tells, the symbol is looked at."""

    symbol: Symbol = ""


_AGREED = msgspec.json.Decoder(Agreed)
_NOTHING = msgspec.Raw(b"{}")


class Push(msgspec.Struct):
    """A frame of the public socket; with a `method` it answers our request."""

    channel: str = ""
    type: str = ""
    method: str = ""
    success: bool = True
    error: str = ""
    symbol: Symbol = ""
    result: msgspec.Raw = _NOTHING
    data: msgspec.Raw = msgspec.Raw(b"[]")

    @property
    def begins(self) -> bool:
        """Whether it is the banner: the first words of a connection, said again when the exchange's state changes."""
        return self.channel == "status"

    @property
    def subject(self) -> Symbol:
        """The symbol that an answer is about; empty when it names none. Raises DataError."""
        return self.symbol or read(_AGREED, self.result).symbol


PUSH = msgspec.json.Decoder(Push)
