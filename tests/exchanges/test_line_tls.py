"""Whom an order is told over TLS: the host that was meant, by a certificate that counts, and nobody else."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from aristobot.clock import SystemClock
from aristobot.errors import ConnectionLost
from services.exchanges.binance_errors import judge
from services.exchanges.connection import Connection
from services.exchanges.http import Request, RestSession
from services.exchanges.lines import Lines
from services.exchanges.sockets import open_socket, trusted
from services.exchanges.transport import Link, Timeouts
from tests.exchanges.small_server import soon

DAY = timedelta(days=1)
ORDER = Request("POST", "/order?signature=verysecret", {"X-MBX-APIKEY": "keyofmine"})
#: The loops on which the bot may run; one of them is not everywhere.
LOOPS = [one for one in ("asyncio", "uvloop") if importlib.util.find_spec(one)]
HOSTS = [("localhost", "127.0.0.1", "localhost"), ("127.0.0.1", "127.0.0.1", None)]
if (
    Path("/proc/net/if_inet6").exists() and Path("/proc/net/if_inet6").read_text()
):  # an address of the newer kind, where there is one
    HOSTS.append(("::1", "::1", None))


@dataclass
class Paper:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, file: Path) -> Path:
        """Both, in one file."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(self.certificate.public_bytes(Encoding.PEM) + key)
        return file


def issued(by: Paper | None, *names: str, valid: tuple[timedelta, timedelta] = (-DAY, DAY)) -> Paper:
    """A certificate for some names, or for an issuer of certificates when there are none."""
    key, now = ec.generate_private_key(ec.SECP256R1()), SystemClock().now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else "An issuer of this test")])
    made = x509.CertificateBuilder(subject_name=name, issuer_name=by.certificate.subject if by else name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now + valid[0]).not_valid_after(now + valid[1])
    made = made.add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = made.add_extension(_usage(signs_others=not names), critical=True)
    if by is not None:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        made = made.add_extension(issuer, critical=False)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
    return Paper(made.sign(by.key if by else key, hashes.SHA256()), key)


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(digital_signature=not signs_others, key_cert_sign=signs_others, crl_sign=signs_others, **others)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paper]:
    """An issuer whom this machine trusts, and no other."""
    issuer = issued(None)
    monkeypatch.setenv("SSL_CERT_FILE", str(issuer.write(tmp_path / "issuer.pem")))
    trusted.cache_clear()
    yield issuer
    trusted.cache_clear()


@dataclass
class Door:
    """What a server saw: the names it was asked by, and what was said to it once the line was secure."""

    names: list[str | None] = field(default_factory=list)
    heard: bytes = b""
    port: int = 0
    guests: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every question."""
        self.guests += 1
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                self.heard += data
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        self.guests -= 1
        writer.close()


@asynccontextmanager
async def open_door(paper: Paper, file: Path, host: str) -> AsyncIterator[Door]:
    """A server that shows a certificate."""
    door, context = Door(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paper.write(file))
    context.sni_callback = lambda _, name, __: door.names.append(name)
    server = await asyncio.start_server(door.serve, host, 0, ssl=context)
    door.port = server.sockets[0].getsockname()[1]
    yield door
    server.close()


def on(loop: str, scene: Callable[[], Coroutine[None, None, None]]) -> None:
    """Play a scene on a loop of that kind."""
    with asyncio.Runner(loop_factory=importlib.import_module(loop).new_event_loop) as runner:
        runner.run(scene())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("host", "at", "told"), HOSTS)
def test_an_order_reaches_the_host_that_was_meant(
    office: Paper, tmp_path: Path, loop: str, host: str, at: str, told: str | None
) -> None:
    async def scene() -> None:
        async with open_door(issued(office, host), tmp_path / "door.pem", at) as door:
            name = f"[{host}]" if ":" in host else host
            session = RestSession(f"https://{name}:{door.port}", Link("binance", SystemClock(), 6000), judge)
            assert [await session.order(ORDER, 1) for _ in range(2)] == [b"{}", b"{}"]
            await session.close()
        assert set(door.names) == {told}
        assert f"Host: {name}:{door.port}\r\n".encode() in door.heard

    on(loop, scene)


STRANGERS = ["another name", "another address", "signed by itself", "of an unknown issuer", "over", "not yet", "by no issuer"]


def stranger(kind: str, office: Paper) -> Paper:
    """A certificate that does not count for localhost."""
    match kind:
        case "another name":
            return issued(office, "api.example", "*.localhost", "localhost.example")
        case "another address":
            return issued(office, "127.0.0.2")
        case "signed by itself":
            return issued(None, "localhost")
        case "of an unknown issuer":
            return issued(issued(None), "localhost")
        case "over":
            return issued(office, "localhost", valid=(-2 * DAY, -DAY))
        case "not yet":
            return issued(office, "localhost", valid=(DAY, 2 * DAY))
        case _:
            return issued(issued(office, "localhost"), "localhost")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_hears_nothing_of_an_order_or_a_key(office: Paper, tmp_path: Path, loop: str, kind: str) -> None:
    async def scene() -> None:
        async with open_door(stranger(kind, office), tmp_path / "door.pem", "127.0.0.1") as door:
            link = Link("binance", SystemClock(), 6000)
            session = RestSession(f"https://localhost:{door.port}", link, judge)
            with pytest.raises(ConnectionLost) as lost:
                await session.order(ORDER, 1)
            await session.close()
            with pytest.raises(ConnectionLost) as unopened:
                await open_socket(f"wss://localhost:{door.port}", link, Connection)
        assert door.heard == b""
        assert {one.value.facts["detail"] for one in (lost, unopened)} == {"SSLCertVerificationError"}

    on(loop, scene)


class Turn:
    """One turn of the loop, whichever it is."""

    def __await__(self) -> Generator[None, None, None]:
        yield


@pytest.mark.parametrize("loop", LOOPS)
def test_whoever_goes_while_a_line_is_made_secure_leaves_no_open_door_and_spoils_no_other(
    office: Paper, tmp_path: Path, loop: str
) -> None:
    async def scene() -> None:
        async with open_door(issued(office, "localhost"), tmp_path / "door.pem", "127.0.0.1") as door:
            lines = Lines(f"https://localhost:{door.port}", Timeouts(), 1)
            for turns in range(30):
                going = asyncio.ensure_future(lines.take())
                for _ in range(turns):
                    await Turn()
                going.cancel()
                await asyncio.wait([going])
                line = await lines.take() if going.cancelled() else going.result()
                assert (await line.ask(b"GET / HTTP/1.1\r\n\r\n", 5.0, 10.0)).body == b"{}"
                line.cut()
                lines.give_back(line)
            lines.close()
            await soon(lambda: not door.guests)

    on(loop, scene)
