"""Each way out of the house delivers, and says in one word why it could not."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aristobot.clock import ManualClock, SystemClock
from aristobot.errors import InvalidInput, NotFound
from aristobot.notices import Outlet
from aristobot.store.database import Database
from services.notifiers.channel import ChannelFault, Message
from services.notifiers.email import PLAIN, STARTTLS, TLS, EmailByServer
from services.notifiers.outbound_webhook import OutboundWebhook
from services.notifiers.telegram import Telegram
from tests.builders import MIDNIGHT
from tests.exchanges.small_server import Half, Reset, Say, small_server
from tests.services.outside import TOKEN, Belfry, MailServer, TelegramServer, hand, mail_server, telegram_server

NEWS = Message("one", "Titre", "Une nouvelle – élevée.", MIDNIGHT)
CLOCK = SystemClock()


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """Telegram."""
    async with telegram_server() as server:
        yield server


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    """A mail server."""
    async with mail_server() as server:
        yield server


def _mail_settings(server: MailServer, **differences: Any) -> dict[str, Any]:
    people = {"sender": "bot@example.org", "recipient": "alice@example.org", "username": "alice"}
    return {"host": "127.0.0.1", "port": server.port, "security": PLAIN, **people, **differences}


async def _fault_of_mail(server: MailServer, password: str = "", **differences: Any) -> str:
    with pytest.raises(ChannelFault) as caught:
        await EmailByServer().send(_mail_settings(server, **differences), {"password": password}, NEWS)
    return caught.value.code


async def test_a_mail_arrives_with_accents_date_and_a_name_of_its_own(mail: MailServer) -> None:
    mail.password = "sesame"
    await EmailByServer().send(_mail_settings(mail), {"password": "sesame"}, NEWS)
    [arrived] = mail.mails
    assert (arrived["To"], arrived["Subject"], arrived["Message-ID"]) == (
        "alice@example.org",
        "Aristobot – Titre",
        "<one@aristobot>",
    )
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_content().strip() == NEWS.text


async def test_what_a_mail_server_refuses_is_said(mail: MailServer) -> None:
    mail.password = "sesame"
    assert await _fault_of_mail(mail, "wrong") == "channel_login"
    assert await _fault_of_mail(mail, "sésame") == "channel_login"
    mail.password, mail.refuses = "", "alice"
    assert await _fault_of_mail(mail) == "channel_recipient"
    assert await _fault_of_mail(mail, security=STARTTLS) == "channel_no_tls"
    assert await _fault_of_mail(mail, security=TLS) == "channel_no_tls"
    assert await _fault_of_mail(mail, port=9) == "channel_unreachable"
    assert await _fault_of_mail(mail, "secret", host="192.0.2.1") == "channel_insecure"


async def test_a_certificate_that_nobody_vouches_for_is_refused_and_a_known_one_is_not(
    mail: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.context = _context(tmp_path)
    assert await _fault_of_mail(mail, security=STARTTLS, host="localhost") == "channel_certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    await EmailByServer().send(_mail_settings(mail, security=STARTTLS, host="localhost"), {}, NEWS)
    assert len(mail.mails) == 1


def _context(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now, day = CLOCK.now(), datetime.timedelta(days=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


async def test_a_bot_writes_into_its_linked_chat(telegram: TelegramServer) -> None:
    channel = Telegram(telegram.url)
    await channel.send({"chat_id": 7}, {"token": TOKEN}, NEWS)
    assert telegram.sent[0] | {"link_preview_options": 0} == {
        "chat_id": 7,
        "text": "Titre\nUne nouvelle – élevée.",
        "link_preview_options": 0,
    }
    assert await channel.name(TOKEN) == "aristotest_bot"
    await channel.close()


@pytest.mark.parametrize(
    ("status", "said", "code", "wait"),
    [
        (401, "Unauthorized", "channel_token", 0),
        (404, "Not Found", "channel_token", 0),
        (403, "Forbidden: bot was blocked by the user", "channel_chat_closed", 0),
        (400, "Bad Request: chat not found", "channel_chat_closed", 0),
        (409, "Conflict: terminated by other getUpdates request", "channel_second_listener", 0),
        (429, "Too Many Requests", "channel_busy", 17),
        (502, "Bad Gateway", "channel_refused", 0),
    ],
)
async def test_what_telegram_refuses_is_said(telegram: TelegramServer, status: int, said: str, code: str, wait: int) -> None:
    telegram.fault = status, {"ok": False, "description": said, "parameters": {"retry_after": wait}}
    channel = Telegram(telegram.url)
    with pytest.raises(ChannelFault) as caught:
        await channel.send({"chat_id": 7}, {"token": TOKEN}, NEWS)
    assert (caught.value.code, caught.value.retry_after) == (code, wait)
    with pytest.raises(ChannelFault, match="channel_not_linked"):
        await channel.send({}, {"token": TOKEN}, NEWS)
    await channel.close()


async def test_a_token_never_leads_a_call_elsewhere(telegram: TelegramServer) -> None:
    channel = Telegram(telegram.url)
    for token in ("", "1:a/../../x", "1:a?b", "1:a b", "é:1"):
        with pytest.raises(ChannelFault, match="channel_token"):
            await channel.name(token)
    await channel.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Say({}, 301, {"Location": "http://127.0.0.1:9/"}), "channel_answer"),
        (Say({}, 404), "channel_answer"),
        (Reset(), "channel_unreachable"),
        (Half(), "channel_unreachable"),
    ],
    ids=["a redirect is not followed", "not found", "cut", "half"],
)
async def test_what_an_address_answers_instead_of_thanks_is_said(answer: Any, code: str) -> None:
    async with small_server() as server:
        server.rest = lambda _: answer
        channel = OutboundWebhook(ManualClock())
        with pytest.raises(ChannelFault) as caught:
            await channel.send({}, {"url": f"{server.endpoints.rest}/hook", "key": "k"}, NEWS)
        assert caught.value.code == code
        await channel.close()


MAIL = {"host": "smtp.example.org", "port": "587", "sender": "a@example.org", "recipient": "b@example.org"}


@pytest.mark.parametrize(
    ("outlet", "form", "field"),
    [
        (Outlet.TELEGRAM, {"token": "not a token"}, "token"),
        (Outlet.EMAIL, {**MAIL, "host": "smtp example"}, "host"),
        (Outlet.EMAIL, {**MAIL, "port": "0"}, "port"),
        (Outlet.EMAIL, {**MAIL, "port": "many"}, "port"),
        (Outlet.EMAIL, {**MAIL, "security": "magic"}, "security"),
        (Outlet.EMAIL, {**MAIL, "recipient": "b@example.org, c@example.org"}, "recipient"),
        (Outlet.EMAIL, {**MAIL, "sender": "a@example.org\r\nBcc: x@example.org"}, "sender"),
        (Outlet.EMAIL, {**MAIL, "security": "plain", "username": "a", "password": "secret"}, "security"),
        (Outlet.WEBHOOK, {"url": "file:///etc/passwd"}, "url"),
        (Outlet.WEBHOOK, {"url": "https://user:password@example.org/"}, "url"),
        (Outlet.WEBHOOK, {"url": "https://example.org/", "key": "short"}, "key"),
    ],
)
async def test_a_form_says_at_which_field_it_is_wrong(
    lite: Database, tmp_path: Path, clock: ManualClock, outlet: Outlet, form: dict[str, str], field: str
) -> None:
    belfry = Belfry(lite, tmp_path, clock)
    user = await belfry.user()
    with pytest.raises(InvalidInput) as caught:
        await belfry.settings.save(user.id, outlet, form, hand(user))
    assert caught.value.field == field
    assert await belfry.settings.channels(user.id) == {}


async def test_a_test_is_sent_at_once_in_the_users_language_or_says_why_not(
    lite: Database, tmp_path: Path, clock: ManualClock, mail: MailServer
) -> None:
    belfry = Belfry(lite, tmp_path, clock)
    user = await belfry.user(language="fr")
    with pytest.raises(NotFound):
        await belfry.settings.test(user.id, Outlet.EMAIL)
    form = MAIL | {"host": "127.0.0.1", "port": str(mail.port), "security": "plain"}
    await belfry.settings.save(user.id, Outlet.EMAIL, form, hand(user))
    await belfry.settings.test(user.id, Outlet.EMAIL)
    assert "Ceci est un test" in mail.mails[0].get_content()
    await belfry.settings.remove(user.id, Outlet.EMAIL, hand(user))
    assert await belfry.settings.channels(user.id) == {}
