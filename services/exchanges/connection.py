"""A websocket that hands on whole messages at once, and writes many with one write. Rules: RFC 6455, section 5.2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from secrets import token_bytes

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined] # the compiled one, where there is one
from websockets.protocol import Event, State

LARGEST_FRAME = 16 * 1024 * 1024
_WHOLE_TEXT = 0x81
_END_OF_HEAD = b"\r\n\r\n"


class Connection(ClientConnection):
    """A connection that hands on its messages the moment they are here, without a task that waits for them.

    `on_text` gets every whole text message from the moment on at which it is set; until then, and once there was a message in
    pieces or not of text, messages are for `recv`, in the order in which they came. Frames are told apart here (RFC 6455, 5.2)
    and whole text messages taken out: the library reads all others, a whole frame at a time, and what breaks the rules.
    """

    on_text: Callable[[bytes], None] | None = None
    #: Whether frames are told apart here: not before the upgrade, and not after a frame that breaks the rules.
    _framed: bool | None = None
    #: Whether a message may go past `recv`: nothing that it would overtake has gone there.
    _direct = True
    _needed = 0
    _head = b""

    def data_received(self, data: bytes) -> None:
        """Some bytes, as they came."""
        if self._framed:
            if self._needed:
                self._partial += data
                if len(self._partial) < self._needed:
                    return
                data, self._needed = bytes(self._partial), 0
            self._take_apart(data)
        elif self._framed is None:
            self._begin(data)
        else:
            super().data_received(data)

    def send_texts(self, texts: Iterable[bytes]) -> None:
        """Send whole text messages with one write, without a look at how much the network takes."""
        self.transport.write(b"".join([_masked(text) for text in texts]))

    def process_event(self, event: Event) -> None:
        """One frame that the library has read."""
        if isinstance(event, Frame) and (event.opcode is Opcode.BINARY or (event.opcode is Opcode.TEXT and not event.fin)):
            self._direct = False
        super().process_event(event)

    def _begin(self, data: bytes) -> None:
        """The upgrade is the library's; frames begin behind its head."""
        self._head += data
        end = self._head.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        if end < len(_END_OF_HEAD):
            super().data_received(data)
            return
        mine = len(data) - (len(self._head) - end)
        super().data_received(data[:mine])
        self._framed, self._head = self.protocol.state is State.OPEN, b""
        if mine < len(data):
            self.data_received(data[mine:])

    def _take_apart(self, data: bytes) -> None:
        start, size = 0, len(data)
        while size - start >= 2:
            length, body = data[start + 1], start + 2
            if 125 < length < 128:
                body += 2 if length == 126 else 8
                if size < body:
                    break
                length = int.from_bytes(data[start + 2 : body])
            elif length > 127:  # masked, as a server's must not be
                length = LARGEST_FRAME + 1
            if length > LARGEST_FRAME:
                self._framed = False
                super().data_received(data[start:])
                return
            end = body + length
            if end > size:
                self._needed = end - start
                break
            if data[start] == _WHOLE_TEXT and self._direct and self.on_text and self.protocol.state is State.OPEN:
                self.on_text(data[body:end])
            else:
                super().data_received(data[start:end])
            start = end
        if start < size:
            self._partial = bytearray(data[start:])
            self._needed = self._needed or size - start + 1


def _masked(text: bytes) -> bytes:
    """A whole text message of a client."""
    size, mask = len(text), token_bytes(4)
    if size < 126:
        head = bytes((_WHOLE_TEXT, 0x80 | size))
    elif size < 65536:
        head = bytes((_WHOLE_TEXT, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((_WHOLE_TEXT, 0xFF)) + size.to_bytes(8)
    return head + mask + apply_mask(text, mask)
