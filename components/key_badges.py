"""How a broker's key is, in one line of small words; each explains itself."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from aristobot.exchange import KeyRights
from aristobot.language import _, explain
from components import formats
from components.words import Words, labelled
from services.key_state import ENDS_SOON, OLD_AFTER, WORRYING_OFFSET_MS, KeyState


def key_badges(state: KeyState, now: datetime) -> None:
    """Draw the line; what is wrong comes first and is coloured."""
    with ui.element("div").classes("badges").mark("key-badges"):
        if state.failure:
            _badge(_("Key refused") if state.refused else _("Not verified"), "bad", explain(state.failure, state.failure_facts))
        if state.rights is not None:
            _rights(state.rights, accepted=state.withdraw_accepted)
            _end(state.rights.expires_at, now)
        elif not state.failure:
            _badge(_("Not verified"), "quiet", _("The exchange has not been asked yet what this key may do. Try the connection."))
        _age(state, now)
        _clock(state.clock_offset_ms)
        if state.checked_at is not None:
            ago = formats.how_long_ago(state.checked_at, now)
            Words("span", _("checked {ago}", ago=ago), "faint small")


def _rights(rights: KeyRights, *, accepted: bool) -> None:
    if rights.can_read:
        _badge(_("Reading"), "good", _("The key may read the account."))
    else:
        _badge(_("No reading"), "bad", explain("reason.key_cannot_read"))
    if rights.can_trade:
        _badge(_("Orders"), "good", _("The key may place orders on spot."))
    else:
        _badge(_("No orders"), "bad", explain("reason.key_cannot_trade"))
    if not rights.can_withdraw:
        _badge(_("No withdrawals"), "good", _("The key may not withdraw money, as it should be."))
    elif accepted:
        _badge(_("Withdrawals accepted"), "warn", explain("reason.key_withdraw_accepted"))
    else:
        _badge(_("Withdrawals!"), "bad", explain("reason.key_may_withdraw"))
    if rights.ip_restricted is None:
        _badge(_("Address unknown"), "quiet", explain("reason.key_address_untold"))
    elif rights.ip_restricted:
        _badge(_("Own address"), "good", _("The key works from the addresses on its list alone."))
    else:
        _badge(_("Any address"), "warn", explain("reason.key_from_anywhere"))


def _end(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is None:
        return
    if expires_at <= now:
        _badge(_("Key expired"), "bad", explain("reason.key_expired"))
        return
    tone = "warn" if expires_at - now <= ENDS_SOON else "quiet"
    day = formats.day_and_hour(expires_at)
    _badge(_("Expires in {days} d", days=(expires_at - now).days), tone, _("The key ends on {day}.", day=day))


def _age(state: KeyState, now: datetime) -> None:
    if state.made_at is None:
        return
    made, known = state.rights.created_at if state.rights else None, state.known_since
    words = []
    if made is not None:
        words.append(_("Made at the exchange on {day}.", day=formats.day_and_hour(made)))
    if known is not None:
        words.append(_("Here since {day}.", day=formats.day_and_hour(known)))
    age = now - state.made_at
    if age >= OLD_AFTER:
        words.append(explain("reason.key_old", {"days": age.days}))
    _badge(_("Age {days} d", days=max(age.days, 0)), "warn" if age >= OLD_AFTER else "quiet", " ".join(words))


def _clock(offset_ms: int | None) -> None:
    if offset_ms is None:
        return
    worrying = abs(offset_ms) >= WORRYING_OFFSET_MS
    fine = _("The exchange's clock and ours agree well enough.")
    words = explain("reason.clock_off", {"offset_ms": offset_ms}) if worrying else fine
    _badge(_("Clock {offset} ms", offset=formats.signed(offset_ms)), "warn" if worrying else "quiet", words)


def _badge(word: str, tone: str, tip: str) -> None:
    labelled(Words("span", word, f"chip {tone}"), f"{word}: {tip}").props("role=note").tooltip(tip)
