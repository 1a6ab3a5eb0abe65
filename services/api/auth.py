"""Who asks: a bearer token in the Authorization header. Cookies are never looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from aristobot.errors import AccessDenied, NotSignedIn
from aristobot.kinds import TokenScope
from aristobot.logs import log_context
from services.api_tokens import TokenHolder
from services.app import App
from services.audit_trail import Actor

_bearer = HTTPBearer(auto_error=False, description="A token of `aristobot token create` or of the account page")


def house_of(connection: HTTPConnection) -> App:
    """The house that was asked."""
    house: App = connection.state.house
    return house


House = Annotated[App, Depends(house_of)]


async def holder_of(
    connection: HTTPConnection, house: House, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> AsyncIterator[TokenHolder]:
    """Who holds the token of this request; NotSignedIn without a valid one. Their name is on every log line from here on."""
    if given is None:
        raise NotSignedIn("token_missing")
    holder = await house.accounts.tokens.holder(given.credentials)
    connection.state.language = holder.language
    with log_context(user_id=holder.user_id):
        yield holder


def _needing(scope: TokenScope) -> Callable[..., Awaitable[TokenHolder]]:
    async def check(holder: Annotated[TokenHolder, Depends(holder_of)]) -> TokenHolder:
        if not holder.may(scope):
            raise AccessDenied("scope_too_small", needed=scope.value)
        return holder

    return check


#: A parameter of this type opens a path to tokens of that scope, and to no others.
Reader = Annotated[TokenHolder, Depends(_needing(TokenScope.READ))]
Trader = Annotated[TokenHolder, Depends(_needing(TokenScope.TRADE))]
Administrator = Annotated[TokenHolder, Depends(_needing(TokenScope.ADMIN))]


def actor(holder: TokenHolder) -> Actor:
    """The holder, for the audit."""
    return Actor(holder.name, "api", holder.user_id)
