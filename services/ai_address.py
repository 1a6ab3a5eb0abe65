"""Where an AI provider may stand: anywhere with encryption, at home also without; never at a cloud's metadata address."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from aristobot.errors import InvalidInput
from aristobot.settings_values import web_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 255
#: Names that no public name server answers (RFC 6761, 6762, 8375, and what home routers use).
_AT_HOME = (".local", ".localhost", ".lan", ".home", ".home.arpa", ".internal")
#: 100.64.0.0/10 (RFC 6598) are the addresses of home networks stretched over the internet, encrypted by themselves.
_SHARED = ipaddress.ip_network("100.64.0.0/10")
#: 64:ff9b::/96 (RFC 6052) holds an IPv4 address in its last four bytes.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
#: The metadata services of clouds that do not stand on a link-local address.
_METADATA = frozenset(ipaddress.ip_address(one) for one in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})


def checked_address(text: str, field: str = "ai_url") -> str:
    """The base address without a slash at its end; InvalidInput names what is wrong with it."""
    try:
        url = web_address(text, ("https", "http")).rstrip("/")
        parts = urlsplit(url)
    except ValueError:
        raise InvalidInput("not_an_address", field=field) from None
    if len(url) > _LONGEST or parts.query or parts.fragment or not url.isprintable():
        raise InvalidInput("not_an_address", field=field)
    host = parts.hostname or ""
    literal = literal_of(host)
    if host.rstrip(".") in _METADATA_NAMES or (literal is not None and is_forbidden(literal)):
        raise InvalidInput("ai_forbidden", field=field, host=host)
    if parts.scheme == "http" and not _may_be_at_home(host, literal):
        raise InvalidInput("ai_not_encrypted", field=field, host=host)
    return url


def refusal(scheme: str, found: Collection[str]) -> str:
    """Why a name that leads to these addresses is not asked: a code, or "" when it may be."""
    addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
    if any(is_forbidden(one) for one in addresses):
        return "ai_forbidden"
    if scheme == "http" and not all(is_at_home(one) for one in addresses):
        return "ai_not_encrypted"
    return ""


def is_forbidden(address: Address) -> bool:
    """Whether it is link-local, where clouds keep their secrets, or leads nowhere in particular."""
    inner = _inner(address)
    return inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner in _METADATA


def is_at_home(address: Address) -> bool:
    """Whether it belongs to this machine or to a network at home."""
    inner = _inner(address)
    return inner.is_loopback or (inner.is_private and not inner.is_reserved) or inner in _SHARED


def same_place(one: str | None, other: str | None) -> bool:
    """Whether two addresses lead to the same server: a key given to the one may go to the other."""
    first, second = urlsplit(one or ""), urlsplit(other or "")
    return (first.scheme, first.netloc.casefold()) == (second.scheme, second.netloc.casefold())


def literal_of(host: str) -> Address | None:
    """The address that a host's name spells out; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _may_be_at_home(host: str, literal: Address | None) -> bool:
    if literal is not None:
        return is_at_home(literal)
    bare = host.rstrip(".").casefold()
    return "." not in bare or bare.endswith(_AT_HOME)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address may hold."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
