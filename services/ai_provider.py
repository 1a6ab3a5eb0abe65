"""Each user's AI provider: who is offered, the sealed key opened for one question, and a trial that says what is wrong."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from aristobot.clock import Clock
from aristobot.errors import InvalidInput
from aristobot.logs import hide
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.vault import Vault
from services.ai_address import checked_address, same_place
from services.ai_client import AiClient
from services.ai_fault import AiFault
from services.rights import for_traders


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that is offered. `key_path` opens only for a good key: OpenRouter lists its models to everybody."""

    title: str
    url: str = ""
    needs_key: bool = False
    key_path: str = ""


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "openrouter": Provider("OpenRouter", "https://openrouter.ai/api/v1", needs_key=True, key_path="/key"),
        "ollama": Provider("Ollama", "http://127.0.0.1:11434/v1"),
        "compatible": Provider("OpenAI API"),
    }
)


@dataclass(frozen=True, slots=True)
class AiPlace:
    """Where a user's questions go: the provider's title, its base address, the model."""

    title: str
    url: str
    model: str

    @property
    def host(self) -> str:
        """The name of the machine that is asked, with its port."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class AiTrial:
    """How a trial ended. `reason` is a code, "" when all is well; `models` are the provider's, as far as it told them."""

    ok: bool
    milliseconds: float
    reason: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    models: tuple[str, ...] = ()


@for_traders(memory="_db")
class AiProviders:
    """Opens clients for the assistant, and tries them out."""

    def __init__(self, db: Database, clock: Clock, vault: Vault) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault

    async def client(self, user_id: uuid.UUID) -> tuple[AiClient, str]:
        """The user's provider and model. InvalidInput while one of them is missing."""
        user = await self._db.read(user_id, lambda s: users.get(s, user_id))
        place = _place(user)
        return AiClient(place.url, self._key(user)), place.model

    async def place(self, user_id: uuid.UUID) -> AiPlace:
        """Where the user's questions go; their key stays closed. InvalidInput while provider or model is missing."""
        return _place(await self._db.read(user_id, lambda s: users.get(s, user_id)))

    async def try_out(self, user_id: uuid.UUID, form: Mapping[str, Any] | None = None) -> AiTrial:
        """Ask the provider for its models and, when one is chosen, that model for one token; the time is of the last answer.

        `form` holds what is typed and not yet saved, by the names of the profile. A stored key goes to its own place alone.
        """
        user = await self._db.read(user_id, lambda s: users.get(s, user_id))
        given = {"ai_provider": user.ai_provider, "ai_url": user.ai_url, "ai_model": user.ai_model, **(form or {})}
        name = str(given["ai_provider"] or "")
        if name not in PROVIDERS:
            raise InvalidInput("missing", field="ai_provider")
        url, key = url_of(name, given["ai_url"]), str(given.get("ai_key") or "")
        if key:
            hide(key)
        elif same_place(url, stored_url(user)):
            key = self._key(user)
        return await self._tried(AiClient(url, key), PROVIDERS[name], str(given["ai_model"] or ""), keyed=bool(key))

    async def _tried(self, client: AiClient, provider: Provider, model: str, *, keyed: bool) -> AiTrial:
        models: tuple[str, ...] = ()
        begun = self._clock.monotonic()
        try:
            if provider.needs_key and not keyed:
                raise AiFault("ai_key_missing")
            models = tuple(await client.models())
            if provider.key_path:
                await client.check_key(provider.key_path)
            if model and models and model not in models and f"{model}:latest" not in models:
                raise AiFault("ai_model_unknown", model=model)
            if model:
                begun = self._clock.monotonic()
                await client.try_out(model)
        except AiFault as fault:
            return AiTrial(False, self._since(begun), f"error.{fault.code}", fault.facts, models)
        return AiTrial(True, self._since(begun), models=models)

    def _since(self, begun: float) -> float:
        return (self._clock.monotonic() - begun) * 1000

    def _key(self, user: User) -> str:
        return self._vault.unseal(user.ai_key_sealed, f"user:{user.id}", "ai_key") if user.ai_key_sealed else ""


def _place(user: User) -> AiPlace:
    if not user.ai_provider:
        raise InvalidInput("missing", field="ai_provider")
    if not user.ai_model:
        raise InvalidInput("missing", field="ai_model")
    return AiPlace(PROVIDERS[user.ai_provider].title, url_of(user.ai_provider, user.ai_url), user.ai_model)


def url_of(name: str, url: str | None) -> str:
    """The provider's address: the one that was typed, else its usual one. InvalidInput when there is none, or it is refused."""
    if not (url or PROVIDERS[name].url):
        raise InvalidInput("missing", field="ai_url")
    return checked_address(url or PROVIDERS[name].url)


def stored_url(user: User) -> str:
    """The address to which the user's stored key belongs; "" for none."""
    provider = PROVIDERS.get(user.ai_provider or "")
    return user.ai_url or (provider.url if provider is not None else "")
