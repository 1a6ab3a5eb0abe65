"""What a user types to set up a channel, checked: its settings, which are shown again, and its secrets, which are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aristobot.errors import InvalidInput
from aristobot.settings_values import is_loopback
from services.notifiers.email import PLAIN, SECURITIES
from services.notifiers.web import checked_url
from services.tokens import new_token

_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,253}")
_BOT_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{10,100}")
_SHORTEST_KEY = 16

Form = Mapping[str, Any]
Checked = tuple[dict[str, Any], dict[str, str]]


def telegram(form: Form, known: Mapping[str, str]) -> Checked:
    """`token` as BotFather gave it; empty keeps the one that is stored."""
    token = _text(form, "token") or known.get("token", "")
    if not _BOT_TOKEN.fullmatch(token):
        raise InvalidInput("not_a_bot_token", field="token")
    return {}, {"token": token}


def email(form: Form, known: Mapping[str, str]) -> Checked:
    """`host`, `port`, `security`, `username`, `password`, `sender`, `recipient`; an empty password keeps the stored one."""
    host, security = _text(form, "host"), _text(form, "security") or SECURITIES[0]
    if not _HOST.fullmatch(host):
        raise InvalidInput("not_a_host", field="host")
    if security not in SECURITIES:
        raise InvalidInput("not_offered", field="security")
    sender, recipient = _mail_address(form, "sender"), _mail_address(form, "recipient")
    username = _text(form, "username")
    password = str(form.get("password") or "") or (known.get("password", "") if username else "")
    settings = {"host": host, "port": _port(form), "security": security, "username": username}
    if security == PLAIN and password and not is_loopback(host):
        raise InvalidInput("password_in_clear", field="security")
    return {**settings, "sender": sender, "recipient": recipient}, {"password": password}


def webhook(form: Form, known: Mapping[str, str]) -> Checked:
    """`url` and the `key` for the signature; empty keeps what is stored, and without any a key is made."""
    url = checked_url(_text(form, "url") or known.get("url", ""))
    key = _text(form, "key") or known.get("key", "") or new_token()
    if len(key) < _SHORTEST_KEY:
        raise InvalidInput("too_short", field="key", minimum=_SHORTEST_KEY)
    return {"host": urlsplit(url).netloc}, {"url": url, "key": key}


def _text(form: Form, name: str) -> str:
    text = str(form.get(name) or "").strip()
    if not text.isprintable() or len(text) > 1000:
        raise InvalidInput("unprintable", field=name)
    return text


def _mail_address(form: Form, name: str) -> str:
    address = _text(form, name)
    if not _ADDRESS.fullmatch(address) or not address.isascii() or len(address) > 254:
        raise InvalidInput("not_a_mail_address", field=name)
    return address


def _port(form: Form) -> int:
    try:
        port = int(form.get("port") or 0)
    except (TypeError, ValueError):
        port = 0
    if not 1 <= port <= 65535:
        raise InvalidInput("not_a_port", field="port")
    return port
