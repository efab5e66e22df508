"""Addresses: the host that a URL names, and whether it is this machine or a private network."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from urllib.parse import urlsplit

_LONGEST_HOST = 253
_LOCAL_NAMES = (
    ".localhost", ".local", ".internal", ".home.arpa", ".localdomain", ".lan", ".intranet", ".private", ".corp",
    ".home",
)  # fmt: skip
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # IPv4 behind NAT64
_PUBLIC = ipaddress.IPv6Network("2000::/3")  # nothing else of IPv6 is given to anybody, though some of it is routed
_OF_NETWORKS = ipaddress.IPv4Network("192.0.0.0/24")  # some Pythons think that it is public
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # before the IPv4 address that is inside


def host_of(url: str) -> str:
    """Give the host of an http or https URL, in lower case, "" when it is none that can be asked.

    Urlsplit and yarl take hosts that the resolver trips over, with a raw UnicodeError: empty labels, labels above 63.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
        if parts.scheme.lower() not in ("http", "https") or len(host) > _LONGEST_HOST or "%" in host or _port == 0:
            return ""
        if ":" in host:
            ipaddress.ip_address(host)
        else:
            host.encode("idna")
    except ValueError:  # of which UnicodeError is one
        return ""
    return host


def is_local(url: str) -> bool:
    """Whether the URL names this machine or a private network, which the service cannot reach."""
    host = _as_resolved(host_of(url)).rstrip(".")
    address = address_of(host)
    if address is not None:
        return is_private(address)
    return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))


def _as_resolved(host: str) -> str:
    """Give a host as IDNA makes it, of which wide, circled and other forms of ASCII are the plain ones."""
    return unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower()


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Give the address that a host is, in whatever spelling a resolver takes (127.1, 0x7f000001), None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, UnicodeError):
        return None


def is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address belongs to this machine or to a network that is not the public one."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return is_private(inner)
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _TRANSLATED:
        return is_private(low)
    if address.version == 4:  # noqa: PLR2004 - of the protocol
        return not address.is_global or address.is_multicast or address in _OF_NETWORKS
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP and is_private(low):
        return True
    return not address.is_global or address not in _PUBLIC
