"""The ways in: a socket cannot set a cookie, so a login made on a page is handed over by a one-time ticket."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from aristobot.clock import Clock
from components.hardening import host_name
from services.login_sessions import ABSOLUTE, NewSession
from services.sign_in import SignIn, Visitor

#: Seconds between the password that was right and the request that fetches the cookie.
TICKET_LIFE = 30.0
HOME = "/webhooks"
#: What proxies and tunnels write into a request that they pass on, beside `X-Forwarded-…`.
_OF_PROXIES = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip", "ngrok-trace-id"})


@dataclass(frozen=True, slots=True)
class _Ticket:
    opened: NewSession
    target: str
    expires: float


class Entrance:
    """Tickets for sessions just opened, and the routes that turn them into a cookie.

    The session behind a ticket is new: its token was never in the browser before the login.
    """

    def __init__(self, clock: Clock, sign_in: SignIn, cookie: str) -> None:
        self.cookie = cookie
        self._clock = clock
        self._sign_in = sign_in
        self._tickets: dict[str, _Ticket] = {}

    def address_for(self, opened: NewSession, target: str = HOME) -> str:
        """Where to send the browser so that it receives the session; works once, within 30 seconds."""
        now = self._clock.monotonic()
        self._tickets = {key: one for key, one in self._tickets.items() if one.expires > now}
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = _Ticket(opened, own_path(target), now + TICKET_LIFE)
        return f"/auth/enter?ticket={ticket}"

    async def house_user(self, request: Request) -> str:
        """The debug or demo user as whom this browser may come in by `/auth/arrive`; empty when there is no such door."""
        user = await self._sign_in.expected(visitor(request)) if _from_our_page(request) else None
        return user.name if user is not None else ""

    def routes(self) -> APIRouter:
        """`/auth/enter` takes a ticket; `/auth/arrive` is the debug and demo door, on loopback alone."""
        router = APIRouter(include_in_schema=False)

        @router.get("/auth/enter")
        async def enter(request: Request, ticket: str = "") -> Response:
            found = self._tickets.pop(ticket, None)
            if found is None or found.expires < self._clock.monotonic() or not _from_our_page(request):
                return RedirectResponse("/login", 303)
            return self._welcome(request, found.opened, found.target)

        @router.get("/auth/arrive")
        async def arrive(request: Request, to: str = HOME) -> Response:
            opened = await self._sign_in.open_house_door(visitor(request)) if _from_our_page(request) else None
            if opened is None:
                return RedirectResponse(f"/login?to={quote(own_path(to))}", 303)
            return self._welcome(request, opened, own_path(to))

        return router

    def _welcome(self, request: Request, opened: NewSession, target: str) -> Response:
        response = RedirectResponse(target, 303)
        response.set_cookie(
            self.cookie,
            opened.token,
            max_age=int(ABSOLUTE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response


def own_path(target: str) -> str:
    """`target` when it is a path of ours, else the first page: no scheme, no host, no `//` and no backslash trick."""
    harmless = target.startswith("/") and not target.startswith(("//", "/\\")) and not target.startswith(("/auth/", "/login"))
    return target if harmless and target.isprintable() and target != "/" else HOME


def visitor(request: Request) -> Visitor:
    """Where a request comes from; proxies that are not trusted have already been disregarded by the server.

    A proxy or tunnel on this machine hides a stranger behind a loopback address; what it adds to a request gives it away.
    """
    address = request.client.host if request.client is not None else ""
    headers = request.headers
    forwarded = any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in headers)
    return Visitor(address, headers.get("user-agent", ""), forwarded=forwarded, host=host_name(headers.get("host", "")))


def _from_our_page(request: Request) -> bool:
    """Whether no other site led the browser here: it could otherwise log somebody into a stranger's account."""
    return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")
