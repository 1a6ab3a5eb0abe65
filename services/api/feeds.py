"""`/ws/…`: the events of the bus that belong to a feed and to the user of the token, as JSON.

The token comes as `?token=` or as the first message. A reader who is too slow is let go; it never holds anybody up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from aristobot import events, research_events, strategy_events
from aristobot.bus import Inbox, InboxOverflow, Keep
from aristobot.errors import AristobotError, NotSignedIn, StoreError
from aristobot.events import Event
from aristobot.logs import hide, log_context
from services.api.auth import house_of
from services.api.values import plain_values
from services.api_tokens import TokenHolder
from services.app import App

router = APIRouter()

#: WebSocket close codes (RFC 6455, 7.4: 4000-4999 are ours).
UNAUTHORISED, UNKNOWN_FEED, TOO_SLOW = 4401, 4404, 4408
#: "Try again later": the memory is away, and with it whoever could say what a token is worth.
AWAY = 1013
_TOKEN_SECONDS = 10.0
_SEND_SECONDS = 10.0
_RECHECK_SECONDS = 1.0
_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Feed:
    """Which events, and whether all of them or the newest of each key."""

    types: tuple[type[Event], ...]
    keep: Keep = "all"


FEEDS: Mapping[str, Feed] = MappingProxyType(
    {
        "heartbeat": Feed((events.CandleUpdated, events.CandleClosed), "latest"),
        "stream": Feed((events.CandleUpdated, events.PricesUpdated), "latest"),
        "user-account": Feed((events.UserChanged, events.BrokerUpdated, events.PositionUpdated, events.CatalogProgressed)),
        "trading-manual": Feed(
            (events.OrderUpdated, events.PositionUpdated, events.BalancesChanged, events.PricesUpdated), "latest"
        ),
        "backtest": Feed((research_events.BacktestProgressed, research_events.BacktestFinished), "latest"),
        "study": Feed((research_events.StudyProgressed, research_events.StudyFinished), "latest"),
        "open-orders": Feed((events.OrderUpdated,)),
        "trading-notifications": Feed(
            (
                events.OrderUpdated,
                events.PositionUpdated,
                events.WebhookUpdated,
                events.TradingHalted,
                events.NotificationAdded,
                events.NotificationsRead,
                strategy_events.ActivationUpdated,
                strategy_events.StrategyFailed,
                strategy_events.StrategySpoke,
            )
        ),
        "terminal7-monitoring": Feed(
            (
                events.OrdersCompared,
                events.StrangersChanged,
                events.ServiceStateChanged,
                events.ExchangeHealthChanged,
                events.ExchangeMeasured,
                events.ReadyChanged,
                events.TradingHalted,
            )
        ),
    }
)


@router.websocket("/ws/{name}/")
async def feed(socket: WebSocket, name: str) -> None:
    """One feed, until either side closes."""
    await socket.accept()
    house = house_of(socket)
    if name not in FEEDS:
        await socket.close(UNKNOWN_FEED)
        return
    try:
        async with asyncio.timeout(_TOKEN_SECONDS):
            token = socket.query_params.get("token") or _token_in(await socket.receive_text())
        holder = await house.accounts.tokens.holder(token)
    except StoreError:
        await socket.close(AWAY)
        return
    except (AristobotError, TimeoutError, KeyError):  # a first message in bytes is a KeyError
        await socket.close(UNAUTHORISED)
        return
    except WebSocketDisconnect:
        return
    hide(token)
    wanted = FEEDS[name]
    with (
        log_context(user_id=holder.user_id),
        house.bus.subscribe(*wanted.types, keep=wanted.keep, size=_WAITING, user_id=holder.user_id) as inbox,
    ):
        await _serve(socket, house, inbox, token, holder)


async def _serve(socket: WebSocket, house: App, inbox: Inbox[Event], token: str, holder: TokenHolder) -> None:
    """Until the reader leaves, falls behind, or its token ends."""
    tasks = {
        asyncio.ensure_future(_push(socket, inbox, holder)),
        asyncio.ensure_future(_listen(socket)),
        asyncio.ensure_future(_guard(house, token)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        code = next((task.result() for task in done if not task.cancelled()), TOO_SLOW)
        if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED and code:
            async with asyncio.timeout(_SEND_SECONDS):
                await socket.close(code)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        pass  # it was gone already
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _push(socket: WebSocket, inbox: Inbox[Event], holder: TokenHolder) -> int:
    try:
        await socket.send_text(json.dumps({"type": "FeedOpened", "user": holder.name}))
        async for event in inbox:
            async with asyncio.timeout(_SEND_SECONDS):
                await socket.send_text(_text_of(event))
    except (InboxOverflow, TimeoutError):
        return TOO_SLOW
    except (WebSocketDisconnect, RuntimeError):  # starlette's word for sending to a closed socket
        return 0
    return 0


async def _listen(socket: WebSocket) -> int:
    """Notice that the reader leaves; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    return 0


async def _guard(house: App, token: str) -> int:
    """Close soon after the token was revoked or expired, or its user disabled, wherever that was done, or nobody can tell."""
    while True:
        await house.clock.sleep(_RECHECK_SECONDS)
        try:
            await house.accounts.tokens.holder(token)
        except NotSignedIn:
            return UNAUTHORISED
        except StoreError:
            return AWAY


def _token_in(message: str) -> str:
    """The first message: the bare token, or `{"token": "…"}`."""
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return message.strip()
    return str(said.get("token", "")) if isinstance(said, dict) else ""


def _text_of(event: Event) -> str:
    values = {name: value for name, value in plain_values(event).items() if name != "user_id"}
    return json.dumps({"type": type(event).__name__, **values})
