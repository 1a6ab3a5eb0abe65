"""`/api/notifications/`: what the user was told, which ways news take, and the channels out of the house."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from aristobot.errors import NotFound
from aristobot.language import explain, use_language
from aristobot.notices import OUTSIDE, NoticeKind, Outlet
from aristobot.store import notifications
from aristobot.store.notice_tables import Notification
from services.api.auth import House, Reader, Trader, actor
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page
from services.api.values import Facts, In, Moment, Out
from services.channel_view import ChannelView
from services.notice_words import sentence_of

router = APIRouter(prefix="/api/notifications", tags=["notifications"], route_class=ExactRoute)

Channel = Annotated[str, Path(max_length=64)]


class NotificationOut(Out):
    """One line; `message` is the news in the user's language, `count` how often it came."""

    id: uuid.UUID
    kind: NoticeKind
    code: str
    message: str = ""
    facts: Facts
    count: int
    page: str
    trace_id: str
    created_at: Moment
    last_at: Moment
    read_at: Moment | None


class ReadIn(In):
    """Which lines were read; without ids, all of them."""

    ids: Annotated[list[uuid.UUID] | None, Field(max_length=500)] = None


class UnreadOut(Out):
    """How many are left unread."""

    unread: int


class ChannelOut(Out):
    """A way out of the house, without its secrets. `message` says why it does not work."""

    channel: Outlet
    enabled: bool
    ready: bool
    settings: Facts
    fault: str
    message: str
    failing_since: Moment | None
    worked_at: Moment | None


class SettingsOut(Out):
    """Which ways each kind takes, and the channels that are set up."""

    switches: dict[NoticeKind, list[Outlet]]
    channels: list[ChannelOut]


class SwitchesIn(In):
    """The kinds that change, each with all the ways it takes from now on."""

    switches: dict[NoticeKind, list[Outlet]]


class ChannelIn(In):
    """What a channel needs (`token`; `host`, `port`, `security`, `username`, `password`, `sender`, `recipient`; `url`, `key`).

    Secrets are write-only; those left out stay.
    """

    enabled: bool | None = None
    form: Annotated[dict[str, Any] | None, Field(max_length=12)] = None


@router.get("/")
async def listed(house: House, who: Reader, wanted: Listed, unread: Annotated[bool, Query()] = False) -> Page[NotificationOut]:
    """The newest first."""
    rows = await house.db.read(who.user_id, lambda s: notifications.recent(s, wanted.wanted, wanted.before, unread_only=unread))
    with use_language(who.language):
        return Page[NotificationOut].model_validate(wanted.page(rows, lambda row: (row.last_at, row.id), _told))


@router.post("/read/")
async def read(house: House, who: Reader, form: ReadIn) -> UnreadOut:
    """Note what was read. Ids of others, and ids that do not exist, change nothing."""
    return UnreadOut(unread=await house.news.book.mark_read(who.user_id, form.ids))


@router.get("/settings/")
async def settings(house: House, who: Reader) -> SettingsOut:
    """Switches and channels."""
    switches = await house.news.settings.switches(who.user_id)
    channels = await house.news.settings.channels(who.user_id)
    return SettingsOut(
        switches={kind: sorted(outlets) for kind, outlets in switches.items()},
        channels=[_channel(view, who.language) for view in channels.values()],
    )


@router.patch("/settings/")
async def change_settings(house: House, who: Trader, form: SwitchesIn) -> SettingsOut:
    """Change the switches of the kinds that are named."""
    for kind, outlets in form.switches.items():
        await house.news.settings.switch(who.user_id, kind, frozenset(outlets))
    return await settings(house, who)


@router.put("/channels/{channel}/")
async def change_channel(house: House, who: Trader, channel: Channel, form: ChannelIn) -> ChannelOut:
    """Set a channel up, change it, switch it on or off."""
    which = _outside(channel)
    if form.form is not None:
        await house.news.settings.save(who.user_id, which, form.form, actor(who))
    if form.enabled is not None:
        await house.news.settings.enable(who.user_id, which, enabled=form.enabled, by=actor(who))
    views = await house.news.settings.channels(who.user_id)
    if which not in views:
        raise NotFound(kind="channel")
    return _channel(views[which], who.language)


@router.delete("/channels/{channel}/", status_code=204)
async def remove_channel(house: House, who: Trader, channel: Channel) -> None:
    """Forget a channel, its secrets, and what waits for it."""
    await house.news.settings.remove(who.user_id, _outside(channel), actor(who))


@router.post("/channels/{channel}/test/", status_code=204)
async def test_channel(house: House, who: Trader, channel: Channel) -> None:
    """Send a test now; the error says why it did not leave."""
    await house.news.settings.test(who.user_id, _outside(channel))


def _outside(channel: str) -> Outlet:
    found = next((outlet for outlet in OUTSIDE if outlet.value == channel), None)
    if found is None:
        raise NotFound(kind="channel")
    return found


def _told(row: Notification) -> NotificationOut:
    return NotificationOut.model_validate(row).model_copy(update={"message": sentence_of(row)})


def _channel(view: ChannelView, language: str) -> ChannelOut:
    return ChannelOut(
        channel=view.channel,
        enabled=view.enabled,
        ready=view.ready,
        settings=dict(view.settings),
        fault=view.fault,
        message=explain(view.fault, view.fault_facts, language) if view.fault else "",
        failing_since=view.failing_since,
        worked_at=view.worked_at,
    )
