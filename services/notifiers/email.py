"""E-mail by SMTP (RFC 5321): the standard library's client, in a thread, with certificates checked."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from aristobot.settings_values import is_loopback
from services.notifiers.channel import PATIENCE, ChannelFault, Message

#: How the connection is made secret: from the start (port 465), by STARTTLS (port 587), or not at all.
TLS, STARTTLS, PLAIN = "tls", "starttls", "plain"
SECURITIES = (STARTTLS, TLS, PLAIN)


class EmailByServer:
    """Hands messages to the user's mail server."""

    async def send(self, settings: Mapping[str, Any], secret: Mapping[str, str], message: Message) -> None:
        """Send one message. The Message-ID is made of its id, so that a repeated one is known as such."""
        password = secret.get("password", "")
        host = str(settings.get("host", ""))
        if settings.get("security") == PLAIN and password and not is_loopback(host):
            raise ChannelFault("channel_insecure", host=host)
        mail = _mail(settings, message)
        try:
            await asyncio.to_thread(_deliver, settings, password, mail)
        except ChannelFault:
            raise
        except (smtplib.SMTPAuthenticationError, UnicodeEncodeError):  # the library sends names and passwords in ASCII alone
            raise ChannelFault("channel_login", host=host) from None
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused):
            raise ChannelFault("channel_recipient", address=str(settings.get("recipient", ""))) from None
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
            raise ChannelFault("channel_refused", status=error.smtp_code, detail=said[:200]) from None
        except smtplib.SMTPNotSupportedError:
            raise ChannelFault("channel_no_tls", host=host) from None
        except ssl.SSLCertVerificationError:
            raise ChannelFault("channel_certificate", host=host) from None
        except ssl.SSLError:
            raise ChannelFault("channel_no_tls", host=host) from None
        except TimeoutError:
            raise ChannelFault("channel_slow", host=host) from None
        except (OSError, smtplib.SMTPException):
            raise ChannelFault("channel_unreachable", host=host) from None

    async def close(self) -> None:
        """Nothing stays open between two messages."""


def _mail(settings: Mapping[str, Any], message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = str(settings.get("sender", ""))
    mail["To"] = str(settings.get("recipient", ""))
    mail["Subject"] = f"Aristobot – {message.title}"
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@aristobot>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answer comes back
    mail.set_content(message.text + "\n")
    return mail


def _deliver(settings: Mapping[str, Any], password: str, mail: EmailMessage) -> None:
    host, port, security = str(settings.get("host", "")), int(settings.get("port", 0)), settings.get("security")
    context = ssl.create_default_context()
    if security == TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=PATIENCE)
    with server:
        if security == STARTTLS:
            server.starttls(context=context)
        if password:
            server.login(str(settings.get("username") or settings.get("sender", "")), password)
        server.send_message(mail)
