"""Addresses that stand for many lines, as operators name them.

Behind one address may be a bank of modems, a terminal server, or an office whose
machines share it. Unless such an address is named, it is one line among others, whose
bounds are made for one machine and its neighbours. A named one is known from the
beginning, and may do at once as much as its lines.

Source: ours; SPEC.md CHAN-8.6 leaves the bounds to the server.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError

LINES_MAX: Final = 4096
"""Of one address: ten E1 trunks have 300."""
_FORM: Final = "ADDRESS=LINES, as 10.0.0.7=48 or 10.0.8.0/24=16"
_TEXT: Final = re.compile(r"(?P<network>[^=]+)=(?P<lines>[0-9]{1,4})", re.ASCII)
_BY_ADDRESS: Final = ("tcp:", "rfc2217:")


class PoolError(RmfsError):
    """What was typed names no pool."""


@dataclass(frozen=True, slots=True)
class Pool:
    """An address, or each address of a network, with lines behind it.

    Attributes:
        network: Which addresses.
        lines: How many lines are behind each.
    """

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    lines: int

    def __str__(self) -> str:
        """Show it as it is typed."""
        host = self.network.num_addresses == 1
        return f"{self.network[0] if host else self.network}={self.lines}"


def parse_pool(text: str) -> Pool:
    """Read ``ADDRESS=LINES`` or ``NETWORK/BITS=LINES``.

    Raises:
        PoolError: It is neither; it says why.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise PoolError(f"{text!r} is not {_FORM}")
    try:
        network = ipaddress.ip_network(found["network"])
    except ValueError as error:
        raise PoolError(f"{error}: a pool is {_FORM}") from error
    lines = int(found["lines"])
    if not 1 <= lines <= LINES_MAX:
        raise PoolError(f"{lines} is not in the range 1<=x<={LINES_MAX}")
    return Pool(network, lines)


def lines_behind(pools: Sequence[Pool], line: str) -> int:
    """Say how many lines are behind one; 0 if it was not named.

    Args:
        pools: What was named; the first that fits counts.
        line: As `admission.line_of` has it: ``tcp:192.0.2.7``.
    """
    if not pools or not line.startswith(_BY_ADDRESS):
        return 0
    host = line.partition(":")[2].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 0
    # At a place that takes both, IPv4 comes as a part of IPv6.
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return next((one.lines for one in pools if address in one.network), 0)
