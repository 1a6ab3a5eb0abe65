"""Telegram's Bot API (core.telegram.org/bots/api): messages with buttons out, what people write and press in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.notifiers.channel import PATIENCE, ChannelFault, Message
from services.notifiers.web import Web, as_json, read_json

OFFICIAL = "https://api.telegram.org"
#: Seconds for which a question for news stays open at Telegram's side, and what we wait beyond.
POLL_SECONDS = 25
_LONGEST_TEXT = 4096
_UNAUTHORIZED, _FORBIDDEN, _BAD_REQUEST, _NOT_FOUND, _CONFLICT, _TOO_MANY = 401, 403, 400, 404, 409, 429

#: Rows of buttons, each with its words and what pressing it sends back.
Buttons = Sequence[Sequence[tuple[str, str]]]


class Telegram:
    """The few methods of the Bot API that Aristobot uses. The bot's token is an argument of each call, never state."""

    def __init__(self, api: str = OFFICIAL) -> None:
        self._api = api.rstrip("/")
        self._web = Web()

    async def send(self, settings: Mapping[str, Any], secret: Mapping[str, str], message: Message) -> None:
        """Send a message to the linked chat."""
        chat = settings.get("chat_id")
        if not chat:
            raise ChannelFault("channel_not_linked")
        await self.say(secret.get("token", ""), int(chat), f"{message.title}\n{message.text}")

    async def name(self, token: str) -> str:
        """The bot's user name; ChannelFault (`channel_token`) when nobody has this token."""
        return str((await self._call(token, "getMe")).get("username", ""))

    async def say(self, token: str, chat: int, text: str, buttons: Buttons = ()) -> None:
        """Write into a chat."""
        body: dict[str, Any] = {"chat_id": chat, "text": text[:_LONGEST_TEXT], "link_preview_options": {"is_disabled": True}}
        if buttons:
            body["reply_markup"] = _keyboard(buttons)
        await self._call(token, "sendMessage", body)

    async def replace(self, token: str, chat: int, message_id: int, text: str) -> None:
        """Write something else where a message stood; its buttons go."""
        await self._call(token, "editMessageText", {"chat_id": chat, "message_id": message_id, "text": text[:_LONGEST_TEXT]})

    async def acknowledge(self, token: str, press: str) -> None:
        """Let the pressed button stop waiting."""
        await self._call(token, "answerCallbackQuery", {"callback_query_id": press})

    async def news(self, token: str, offset: int) -> list[dict[str, Any]]:
        """What came since `offset`; waits for the first for up to 25 seconds."""
        wanted = {"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": ["message", "callback_query"]}
        found = await self._call(token, "getUpdates", wanted, patience=POLL_SECONDS + PATIENCE)
        listed = found.get("listed")
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _call(
        self, token: str, method: str, body: Mapping[str, Any] | None = None, *, patience: float = PATIENCE
    ) -> dict[str, Any]:
        if not token or not token.isascii() or not token.replace(":", "").replace("-", "").replace("_", "").isalnum():
            raise ChannelFault("channel_token")
        url = f"{self._api}/bot{token}/{method}"
        status, read, _ = await self._web.post(url, as_json(body or {}), patience=patience)
        answer = read_json(read)
        if status == 200 and answer.get("ok") is True:
            result = answer.get("result")
            return result if isinstance(result, dict) else {"listed": result}
        raise _fault(status, answer)


def _fault(status: int, answer: Mapping[str, Any]) -> ChannelFault:
    said = str(answer.get("description", ""))[:200]
    if status == _TOO_MANY:
        parameters = answer.get("parameters")
        wait = parameters.get("retry_after", 1) if isinstance(parameters, dict) else 1
        return ChannelFault("channel_busy", retry_after=float(wait))
    if status in (_UNAUTHORIZED, _NOT_FOUND):
        return ChannelFault("channel_token")
    if status == _FORBIDDEN or (status == _BAD_REQUEST and "chat not found" in said.lower()):
        return ChannelFault("channel_chat_closed")
    if status == _CONFLICT:
        return ChannelFault("channel_second_listener")
    return ChannelFault("channel_refused", status=status, detail=said or "–")


def _keyboard(buttons: Buttons) -> dict[str, Any]:
    rows = [[{"text": words, "callback_data": data} for words, data in row] for row in buttons]
    return {"inline_keyboard": rows}
