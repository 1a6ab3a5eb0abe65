"""The one tongue that AI providers share: `/models` and `/chat/completions` of OpenAI's protocol, streamed as events.

Sources: platform.openai.com/docs/api-reference/chat, openrouter.ai/docs/api-reference/streaming (errors inside the
stream), github.com/ollama/ollama docs/openai.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from services.ai_fault import AiFault
from services.event_stream import events

if TYPE_CHECKING:
    import httpx

Message = Mapping[str, str]

#: Seconds that a list of models may take, and the first or the next piece of an answer: a model at home is loaded first.
LISTING, THINKING = 8.0, 120.0
#: Of one answer no more is read: lists of models are long.
_LONGEST_ANSWER = 4_000_000
_LONGEST_DETAIL = 200


class AiClient:
    """Speaks to one provider with one key. Keeps no connection: whoever asks, asks rarely."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url
        self._key = key

    @property
    def url(self) -> str:
        """The base address that is asked."""
        return self._url

    async def models(self, *, patience: float = LISTING) -> list[str]:
        """The models that the provider offers, by their ids. Raises AiFault."""
        document = await self._read("/models", None, patience)
        listed = document.get("data")
        if not isinstance(listed, list):
            raise AiFault("ai_not_an_api")
        return [str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one]

    async def check_key(self, path: str) -> None:
        """Ask for something that only a good key opens. Raises AiFault."""
        await self._read(path, None, LISTING)

    async def try_out(self, model: str, *, patience: float = THINKING) -> None:
        """Have the model say one token. Raises AiFault."""
        asked = _asked([{"role": "user", "content": "ping"}], model) | {"max_tokens": 1}
        document = await self._read("/chat/completions", asked, patience)
        if not isinstance(document.get("choices"), list):
            raise _inside(document, model) if "error" in document else AiFault("ai_not_an_api")

    async def chat(self, messages: Sequence[Message], *, model: str, patience: float = THINKING) -> AsyncGenerator[str]:
        """The answer, piece by piece as it is thought. Messages are `{"role": …, "content": …}`. Raises AiFault."""
        asked = _asked(messages, model) | {"stream": True}
        async with self._asking("/chat/completions", asked, patience) as answer:
            if "text/event-stream" not in answer.headers.get("content-type", ""):
                raise AiFault("ai_not_an_api")
            async for event in events(answer.aiter_text()):
                if event == "[DONE]":
                    return
                document = _object(event)
                if "error" in document:
                    raise self._hidden(_inside(document, model))
                piece = _piece(document)
                if piece:
                    yield piece
        raise AiFault("ai_cut_short")

    async def _read(self, path: str, asked: dict[str, Any] | None, patience: float) -> dict[str, Any]:
        async with self._asking(path, asked, patience) as answer:
            return _object(await _text(answer))

    @asynccontextmanager
    async def _asking(self, path: str, asked: dict[str, Any] | None, patience: float) -> AsyncIterator[httpx.Response]:
        """The answer, which is a success."""
        from services.ai_wire import asking  # loads httpx

        headers = {"User-Agent": "Aristobot", "Accept": "application/json, text/event-stream"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        headers |= {"Content-Type": "application/json"} if asked is not None else {}
        body = None if asked is None else json.dumps(asked, ensure_ascii=False).encode()
        async with asking(f"{self._url}{path}", headers, body, patience) as answer:
            if answer.status_code != 200:
                raise self._judged(answer.status_code, await _text(answer), str((asked or {}).get("model", "")))
            yield answer

    def _judged(self, status: int, text: str, model: str) -> AiFault:
        """What an answer that is not a success means."""
        detail = _detail(text)
        if status in (401, 403):
            return self._hidden(AiFault("ai_key_refused" if self._key else "ai_key_missing", detail=detail))
        if model and (status == 404 or (status == 400 and "model" in detail.casefold())):
            return AiFault("ai_model_unknown", model=model)
        code = {402: "ai_no_credit", 404: "ai_not_an_api", 429: "ai_busy"}.get(status)
        if code is None:
            code = "ai_moved" if 300 <= status < 400 else "ai_down" if status >= 500 else "ai_refused"
        return self._hidden(AiFault(code, status=status, detail=detail))

    def _hidden(self, fault: AiFault) -> AiFault:
        """Some providers quote the key that they refuse."""
        if self._key and self._key in str(fault.facts.get("detail", "")):
            fault.facts["detail"] = str(fault.facts["detail"]).replace(self._key, "•••")
        return fault


def _asked(messages: Sequence[Message], model: str) -> dict[str, Any]:
    return {"model": model, "messages": [dict(one) for one in messages]}


def _piece(document: Mapping[str, Any]) -> str:
    """The text of one piece; empty for those that carry a role, a reason to stop, or figures."""
    choices = document.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    delta = first.get("delta") if isinstance(first, dict) else None
    text = delta.get("content") if isinstance(delta, dict) else None
    return text if isinstance(text, str) else ""


def _inside(document: Mapping[str, Any], model: str) -> AiFault:
    """An error that came with, or in the middle of, an answer that began as a success."""
    detail = _detail(json.dumps(document))
    return AiFault("ai_refused", status=200, detail=detail, model=model)


def _detail(text: str) -> str:
    """The provider's own words, if it has any: OpenAI's shape, Ollama's, or nothing."""
    try:
        found = json.loads(text).get("error", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    words = found.get("message", "") if isinstance(found, dict) else found
    return "".join(one for one in str(words) if one.isprintable())[:_LONGEST_DETAIL]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise AiFault("ai_not_an_api") from None
    if not isinstance(found, dict):
        raise AiFault("ai_not_an_api")
    return found


async def _text(answer: httpx.Response) -> str:
    read = ""
    async for chunk in answer.aiter_text():
        read += chunk
        if len(read) > _LONGEST_ANSWER:
            raise AiFault("ai_not_an_api")
    return read
