"""Every break on the way of TradingView's alerts is found, named and told from its neighbours; small servers stand for the world."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aristobot.clock import SystemClock
from services.public_address import Check, MakeContext, PublicAddress, Resolve, State

HOST = "alerts.example.org"
NOW = SystemClock().now()


def leads_to(*addresses: str) -> Callable[[str], Awaitable[list[str]]]:
    """A name server that knows every name."""

    async def resolve(_host: str) -> list[str]:
        return list(addresses)

    return resolve


async def leads_here(_host: str) -> list[str]:
    """A name server to which every name is this machine."""
    return ["127.0.0.1"]


async def knows_nobody(_host: str) -> list[str]:
    """A name server that knows no name."""
    raise OSError("no such host")


async def never_answers(_host: str) -> list[str]:
    """A name server that is away."""
    await asyncio.Event().wait()
    return []


def certificate(folder: Path, host: str, *, lasts: timedelta, begins: datetime = NOW - timedelta(days=90)) -> tuple[Path, Path]:
    """A self-signed certificate for `host`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(NOW + lasts)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{host}.pem", folder / f"{host}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@asynccontextmanager
async def a_server(pair: tuple[Path, Path] | None = None) -> AsyncIterator[int]:
    """Somebody who takes connections on this machine; with a certificate over TLS."""
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def trusting(public: Path) -> ssl.SSLContext:
    """The certificates of a world in which this one is an authority."""
    return ssl.create_default_context(cafile=str(public))


def at(
    url: str,
    *,
    resolve: Resolve = leads_here,
    context: MakeContext = ssl.create_default_context,
    patience: float = 2.0,
) -> PublicAddress:
    """An address that leads to this machine."""
    return PublicAddress(url, SystemClock(), resolve=resolve, context=context, patience=patience)


def told(check: Check) -> tuple[State, str]:
    """How it ended and why."""
    return check.state, check.reason


@pytest.mark.parametrize(
    ("url", "state", "reason"),
    [
        ("", State.BROKEN, "reason.reach_no_address"),
        ("https://alerts.example.org:8443", State.BROKEN, "reason.reach_port"),
        ("https://alerts.example.org", State.OK, "reason.reach_address_ok"),
        ("https://alerts.example.org:443/way", State.OK, "reason.reach_address_ok"),
        ("http://alerts.example.org", State.OK, "reason.reach_address_ok"),
    ],
)
def test_tradingview_sends_to_two_ports_only(url: str, state: State, reason: str) -> None:
    assert told(at(url).address()) == (state, reason)


@pytest.mark.parametrize(
    ("resolve", "state", "reason", "tried"),
    [
        (leads_to("93.184.216.34", "2606:2800::1"), State.OK, "reason.reach_dns_ok", ["93.184.216.34"]),
        (leads_to("2606:2800::1"), State.BROKEN, "reason.reach_ipv6", []),
        (leads_to("192.168.1.4"), State.BROKEN, "reason.reach_private", ["192.168.1.4"]),
        (leads_to("100.64.3.2"), State.BROKEN, "reason.reach_private", ["100.64.3.2"]),
        (knows_nobody, State.BROKEN, "reason.reach_dns", []),
        (never_answers, State.UNKNOWN, "reason.reach_dns_slow", []),
    ],
)
async def test_the_name_must_lead_to_an_ipv4_address_on_the_internet(
    resolve: Callable[[str], Awaitable[list[str]]], state: State, reason: str, tried: list[str]
) -> None:
    check, addresses = await at(f"https://{HOST}", resolve=resolve, patience=0.05).dns()
    assert (*told(check), addresses) == (state, reason, tried)


async def test_a_closed_port_is_told_from_an_open_one() -> None:
    async with a_server() as port:
        open_one = at(f"http://{HOST}:{port}")
        assert told(await open_one.connect("127.0.0.1")) == (State.OK, "reason.reach_port_ok")
    assert told(await open_one.connect("127.0.0.1")) == (State.BROKEN, "reason.reach_port_closed")


async def test_a_certificate_that_nobody_vouches_for_is_found(tmp_path: Path) -> None:
    async with a_server(certificate(tmp_path, HOST, lasts=timedelta(days=60))) as port:
        check = await at(f"https://{HOST}:{port}").tls("127.0.0.1")
    assert told(check) == (State.BROKEN, "reason.reach_tls_own")


@pytest.mark.parametrize(
    ("host", "lasts", "state", "reason"),
    [
        (HOST, timedelta(days=60, hours=1), State.OK, "reason.reach_tls_ok"),
        (HOST, timedelta(days=3, hours=1), State.OK, "reason.reach_tls_soon"),
        (HOST, timedelta(days=-1), State.BROKEN, "reason.reach_tls_expired"),
        ("other.example.org", timedelta(days=60), State.BROKEN, "reason.reach_tls_name"),
    ],
)
async def test_a_certificate_is_judged_by_its_name_and_its_days(
    tmp_path: Path, host: str, lasts: timedelta, state: State, reason: str
) -> None:
    pair = certificate(tmp_path, host, lasts=lasts)
    async with a_server(pair) as port:
        check = await at(f"https://{HOST}:{port}", context=partial(trusting, pair[0])).tls("127.0.0.1")
    assert told(check) == (state, reason)
    if state is State.OK:
        assert check.facts["days"] == lasts.days


async def test_a_certificate_of_tomorrow_is_not_valid_yet(tmp_path: Path) -> None:
    pair = certificate(tmp_path, HOST, lasts=timedelta(days=9), begins=NOW + timedelta(days=1))
    async with a_server(pair) as port:
        check = await at(f"https://{HOST}:{port}", context=partial(trusting, pair[0])).tls("127.0.0.1")
    assert told(check) == (State.BROKEN, "reason.reach_tls_early")


async def test_who_speaks_no_tls_is_found() -> None:
    async with a_server() as port:
        check = await at(f"https://{HOST}:{port}").tls("127.0.0.1")
        clear = await at(f"http://{HOST}:{port}").tls("127.0.0.1")
    assert told(check) == (State.BROKEN, "reason.reach_tls_other")
    assert told(clear) == (State.BROKEN, "reason.reach_tls_none")


async def test_a_fault_hides_what_comes_after_it() -> None:
    looks = [told(one) async for one in at(f"https://{HOST}", resolve=knows_nobody).looks()]
    assert looks[1:] == [
        (State.BROKEN, "reason.reach_dns"),
        (State.UNKNOWN, "reason.reach_after"),
        (State.UNKNOWN, "reason.reach_after"),
    ]
    nothing = [told(one) async for one in at("").looks()]
    assert [state for state, _ in nothing] == [State.BROKEN, State.UNKNOWN, State.UNKNOWN, State.UNKNOWN]
