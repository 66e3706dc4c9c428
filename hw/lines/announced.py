"""Who calls, as a balancer before a server announces it: PROXY protocol, version 2.

A balancer takes the call and dials on, so that every call seems to come from it. Before
the caller's first octet it sends a header with the caller's address. Only balancers
that the server was told of are believed: anybody can send such a header.

::

    0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a   signature
    21        version 2, command PROXY (20: LOCAL, the balancer itself: a health check)
    11        TCP over IPv4 (21: IPv6; anything else: no address is told)
    00 0c     octets that follow: addresses of caller and server, their ports, and more

Source: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2.2.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
OCTETS_MAX: Final = 536
"""Longest header that is taken: what fits into any packet, as its authors ask."""

_FIXED_OCTETS: Final = len(SIGNATURE) + 4
_VERSION: Final = 2
_LOCAL: Final = 0
_PROXY: Final = 1
_TCP4: Final = 0x11
_TCP6: Final = 0x21
_ADDRESS_OCTETS: Final = {_TCP4: 4, _TCP6: 16}


class AnnouncementError(RmfsError):
    """What came is no header of the PROXY protocol, version 2."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A header that was read.

    Attributes:
        octets: Its length; what follows is the caller's.
        is_call: Whether somebody calls; else the balancer looks whether we are here.
        host: The caller's address; None when it is not told.
        port: Likewise.
    """

    octets: int
    is_call: bool
    host: str | None = None
    port: int = 0


def read_announcement(octets: bytes) -> Announcement | None:
    """Read the header at the beginning of a call.

    Returns:
        The header, or None while it has not come as a whole.

    Raises:
        AnnouncementError: There is none, or it is too long.
    """
    if not octets.startswith(SIGNATURE[: len(octets)]):
        raise AnnouncementError("the call begins without a PROXY header of version 2")
    if len(octets) < _FIXED_OCTETS:
        return None
    what, family = octets[len(SIGNATURE)], octets[len(SIGNATURE) + 1]
    whole = _FIXED_OCTETS + int.from_bytes(octets[_FIXED_OCTETS - 2 : _FIXED_OCTETS])
    version, command = what >> 4, what & 0x0F
    if version != _VERSION or command not in {_LOCAL, _PROXY}:
        raise AnnouncementError(f"no PROXY header of version 2: {what:#04x}")
    if whole > OCTETS_MAX:
        raise AnnouncementError(f"a PROXY header of {whole} octets")
    if len(octets) < whole:
        return None
    width = _ADDRESS_OCTETS.get(family)
    if command == _LOCAL or width is None:
        return Announcement(whole, is_call=command == _PROXY)
    body = octets[_FIXED_OCTETS:whole]
    ports = 2 * width
    if len(body) < ports + 4:
        raise AnnouncementError(f"a PROXY header with {len(body)} octets of addresses")
    host = str(ipaddress.ip_address(body[:width]))
    port = int.from_bytes(body[ports : ports + 2])
    return Announcement(whole, is_call=True, host=host, port=port)


def is_among(host: str, balancers: tuple[str, ...]) -> bool:
    """Say whether an address is one of those, or in a network of them."""
    address = ipaddress.ip_address(host)
    return any(address in ipaddress.ip_network(one) for one in balancers)
