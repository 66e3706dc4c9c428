"""Arrival reports of a machine written from SPEC.md alone, on a line that turns bits.

The machine is `tests/witness/spec_link_reports.py`, which shares no code with the
product; the server is the product's; the line between them is paced in virtual time.
"""

import random
from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from protocol.link import (
    BULK,
    DEFAULT,
    Link,
    LinkParameters,
    LinkUp,
    MessageReceived,
    Role,
)
from protocol.link import State as ServerState
from tests.witness.spec_link import Settings
from tests.witness.spec_link_reports import WISH, ReportingLink

PIECE_OCTETS = 16
MESSAGE_OCTETS = 4096
SIDE_OCTETS = 16 * 1024
UNTIL_S = 600.0


class PacedLine:
    """The machine and the product's server, with octets that take their time."""

    def __init__(
        self,
        *,
        bits_per_s: float,
        bit_error_rate: float,
        seed: int,
        delay_s: float = 0.02,
        server: LinkParameters = BULK,
        wish: Settings = WISH,
    ) -> None:
        self.now = 0.0
        self.machine = ReportingLink(wish)
        self.server = Link(Role.SERVER, server)
        self.at_machine: list[bytes] = []
        self.at_server: list[bytes] = []
        self.set_ups = 0
        self.turned_bits = 0
        self._octet_s = 10 / bits_per_s
        self._delay_s = delay_s
        self._bit_error_rate = bit_error_rate
        self._random = random.Random(seed)
        self._to_server: deque[tuple[float, bytes]] = deque()
        self._to_machine: deque[tuple[float, bytes]] = deque()
        self._free_at = {id(self._to_server): 0.0, id(self._to_machine): 0.0}

    def carry(self) -> bool:
        """Whatever happens next, at its time; False if nothing will."""
        self._put(self._to_server, self.machine.octets_to_send())
        self._put(self._to_machine, self.server.octets_to_send())
        times = [queue[0][0] for queue in (self._to_server, self._to_machine) if queue]
        due = [
            t for t in (self.machine.deadline, self.server.deadline) if t is not None
        ]
        if not times and not due:
            return False
        self.now = max(self.now, min(times + due))
        if self._to_server and self._to_server[0][0] <= self.now:
            octets = self._to_server.popleft()[1]
            self._note(self.server.receive_octets(octets, self.now))
        if self._to_machine and self._to_machine[0][0] <= self.now:
            self.machine.receive(self._to_machine.popleft()[1], self.now)
        self.machine.tick(self.now)
        self._note(self.server.handle_timer(self.now))
        while self.machine.messages:
            self.at_machine.append(self.machine.messages.popleft())
        return True

    def _note(self, events: Any) -> None:
        for event in events:
            if isinstance(event, MessageReceived):
                self.at_server.append(event.octets)
            self.set_ups += isinstance(event, LinkUp)

    def _put(self, queue: deque[tuple[float, bytes]], octets: bytes) -> None:
        at = max(self.now, self._free_at[id(queue)])
        for start in range(0, len(octets), PIECE_OCTETS):
            piece = self._damaged(octets[start : start + PIECE_OCTETS])
            at += len(piece) * self._octet_s
            queue.append((at + self._delay_s, piece))
        self._free_at[id(queue)] = at

    def _damaged(self, octets: bytes) -> bytes:
        damaged = bytearray(octets)
        for bit in range(8 * len(damaged)):
            if self._bit_error_rate and self._random.random() < self._bit_error_rate:
                damaged[bit // 8] ^= 1 << bit % 8
                self.turned_bits += 1
        return bytes(damaged)

    def exchange(self, of_machine: list[bytes], of_server: list[bytes]) -> None:
        """Dial, send all at once in both directions, run until it has arrived."""
        self.machine.dial(self.now)
        while not (self.machine.up and self.server.state is ServerState.CONNECTED):
            assert self.carry()
        for message in of_machine:
            self.machine.send(message, self.now)
        for message in of_server:
            self.server.send_message(message, self.now)
        while len(self.at_server) < len(of_machine) or len(self.at_machine) < len(
            of_server
        ):
            assert self.machine.up, self.machine.why_down
            assert self.now < UNTIL_S
            assert self.carry()


def messages(seed: int) -> list[bytes]:
    """16 KiB in messages of up to 4,096 octets."""
    source = random.Random(seed)
    left, found = SIDE_OCTETS, []
    while left:
        size = min(left, source.randint(1, MESSAGE_OCTETS))
        found.append(source.randbytes(size))
        left -= size
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bit_error_rate", [0.0, 1e-4, 1e-3])
@pytest.mark.parametrize("bits_per_s", [2_400, 33_600])
def test_both_ends_deliver_all_in_order(
    bits_per_s: float, bit_error_rate: float, seed: int
) -> None:
    line = PacedLine(bits_per_s=bits_per_s, bit_error_rate=bit_error_rate, seed=seed)
    of_machine, of_server = messages(seed), messages(1000 + seed)
    line.exchange(of_machine, of_server)

    assert line.at_server == of_machine
    assert line.at_machine == of_server
    assert line.machine.in_force == WISH
    assert line.set_ups == 1
    assert bool(line.turned_bits) == bool(line.machine.repeated) == bool(bit_error_rate)


@pytest.mark.parametrize(
    ("server", "in_force"),
    [
        (DEFAULT, Settings()),
        (replace(BULK, reports=False), replace(WISH, reports=False)),
        (
            replace(BULK, srej=False, reports=False),
            replace(WISH, srej=False, reports=False),
        ),
        (replace(BULK, window=16), replace(WISH, k=16)),
        (replace(BULK, frame_octets_max=64), replace(WISH, n1=64)),
    ],
    ids=["defaults", "no reports", "no SREJ", "k = 16", "N1 = 64"],
)
def test_what_a_server_does_not_grant_is_done_without(
    server: LinkParameters, in_force: Settings
) -> None:
    line = PacedLine(bits_per_s=33_600, bit_error_rate=1e-4, seed=5, server=server)
    of_machine, of_server = messages(5), messages(1005)
    line.exchange(of_machine, of_server)

    assert line.at_server == of_machine
    assert line.at_machine == of_server
    assert line.machine.in_force == in_force
