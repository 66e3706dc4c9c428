"""Where machines of a load dial from: addresses of this computer that few others have.

A server bounds what one address may do at once. On this computer any address of
127.0.0.0/8 may call, so that machines are told apart as customers are.
"""

from collections.abc import Sequence
from typing import Final

from hw.lines.tcp import TcpDialler
from hw.reactor import MonotonicReactor
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.load.calling import Place

_SEATS_PER_HOST: Final = 10
"""Far fewer than the handshakes that a server lets one address have at once."""
_HOST_NUMBERS: Final = 250


def own_address(number: int, first_block: int) -> str:
    """Give the address of a machine.

    Args:
        number: Of the machine; ten neighbours share an address.
        first_block: Second octet of the first 625,000 machines.
    """
    rest, low = divmod(number // _SEATS_PER_HOST, _HOST_NUMBERS)
    block, middle = divmod(rest, _HOST_NUMBERS)
    return f"127.{first_block + block}.{middle}.{low + 1}"


def own_places(
    reactor: MonotonicReactor,
    seats: Sequence[Seat],
    host: str,
    port: int,
    *,
    first: int = 0,
    first_block: int,
) -> list[Place]:
    """Give machines their ways to a server on this computer.

    Args:
        reactor: The time, and the sockets.
        seats: The machines.
        host: Where the server answers.
        port: Likewise.
        first: Number of the first machine.
        first_block: As for `own_address`.
    """
    return [
        (
            seat,
            TcpDialler(
                reactor, host, port, from_host=own_address(first + number, first_block)
            ),
        )
        for number, seat in enumerate(seats)
    ]
