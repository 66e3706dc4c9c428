"""Strangers that call a server for no good, in a process of their own.

A *knocker* begins handshakes that must fail, as many as one core can send: it sets a
link up, greets, and answers the server's greeting with octets of the right length. All
that it says is made beforehand, so that it costs little to say and the server most to
answer. A *dripper* sends an octet of the same now and then, and begins anew when it is
hung up. Each call comes from an address of its own, of those of this computer.

The process says ``ready`` once its strangers are at it, and when it is told ``stop``
what it has done, as JSON.
"""

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final

from hw.entropy import SeededEntropy
from protocol.channel import MachineChannel, PacketType
from protocol.keys import CreditKey, MachineIdentity, Realm, ServerIdentity
from protocol.link import Link, Role
from protocol.values import LicenceIdentifier

GREETING_3_OCTETS: Final = 1 + 27 + 330
_AT_ONCE: Final = 1_000
_RECV_OCTETS: Final = 4096
_HOSTS: Final = 250
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_LOOK_S: Final = 0.1
_SLICE_S: Final = 0.01
_BEGIN_S: Final = 60.0
_DM: Final = b"\x01\x1f"
"""Address and control field of the frame that says "busy"."""
_UA_OCTETS: Final = 6
_GREETING_2_OCTETS: Final = 46


@dataclass(frozen=True, slots=True)
class Mischief:
    """What the process has to do.

    Attributes:
        host: Where the server answers.
        port: Likewise.
        drips: So many drippers; 0: it knocks.
        drip_s: Between two octets of a dripper.
        burn: Nobody calls: the process only uses this share of a core, so that what
            strangers on this computer take from others can be told from what they do.
    """

    host: str
    port: int
    drips: int = 0
    drip_s: float = 2.0
    burn: float = 0.0


@dataclass(slots=True)
class Done:
    """What strangers have done.

    Attributes:
        calls: Lines that they had.
        greeted: Of them those whose greeting was answered.
        hung_up: Of them those that the server ended without that.
        held: Lines that were up at the end.
        cpu_s: What it cost the process.
        wall_s: How long it took.
    """

    calls: int = 0
    greeted: int = 0
    hung_up: int = 0
    held: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def share(self) -> float:
        """How much of a core it used."""
        return self.cpu_s / self.wall_s


@dataclass(slots=True, eq=False)
class _Stranger:
    line: socket.socket
    said: int = 0
    greeted: bool = False
    heard: bytearray = field(default_factory=bytearray)


def what_strangers_say() -> tuple[bytes, bytes, bytes]:
    """Make the octets of a handshake that fails: SABM, GREETING_1, GREETING_3."""
    entropy = SeededEntropy(b"strangers")
    server = ServerIdentity.generate("NOBODY", Realm.TEST, 1, entropy)
    credit = CreditKey.generate(1, Realm.TEST, entropy)
    machine = MachineIdentity.generate(
        LicenceIdentifier("N999999"), "STRANGER", Realm.TEST, entropy
    )
    told = server.credential.with_credit_key(1, credit.signing.public)
    ours, theirs = Link(Role.MACHINE), Link(Role.SERVER)
    ours.connect(0.0)
    sabm = ours.octets_to_send()
    theirs.receive_octets(sabm, 0.0)
    ours.receive_octets(theirs.octets_to_send(), 0.0)
    ours.send_message(MachineChannel(machine, told).greeting_1(), 0.0)
    greeting_1 = ours.octets_to_send()
    theirs.receive_octets(greeting_1, 0.0)
    theirs.send_message(bytes([PacketType.GREETING_2]) + bytes(45), 0.0)
    ours.receive_octets(theirs.octets_to_send(), 0.0)
    junk = b"\x58\x19" + bytes(GREETING_3_OCTETS - 3)
    ours.send_message(bytes([PacketType.GREETING_3]) + junk, 0.0)
    return sabm, greeting_1, ours.octets_to_send()


def main(mischief: Mischief) -> None:
    """Be the process; see the module."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        strangers = _Strangers(selector, mischief)
        began, spent = time.monotonic(), time.process_time()
        strangers.fill()
        while not strangers.are_at_it and time.monotonic() < began + _BEGIN_S:
            strangers.look()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while strangers.look():
            pass
        strangers.done.cpu_s = time.process_time() - spent
        strangers.done.wall_s = time.monotonic() - began
    sys.stdout.write(json.dumps(asdict(strangers.done)) + "\n")


class _Strangers:
    """All strangers of one process, on one selector."""

    def __init__(self, selector: selectors.DefaultSelector, mischief: Mischief) -> None:
        self.done = Done()
        self._selector = selector
        self._mischief = mischief
        self._words = what_strangers_say()
        self._up: set[_Stranger] = set()
        self._next_drip = 0.0

    @property
    def are_at_it(self) -> bool:
        """Whether a knocker was answered; who drips or burns has begun at once."""
        mischief = self._mischief
        return bool(mischief.burn or mischief.drips or self.done.greeted)

    def look(self) -> bool:
        """Do what is to be done; gives whether to go on."""
        for key, _ in self._selector.select(self._wait_s()):
            if key.data is None:
                self.done.held = len(self._up)
                return False
            self._hear(key.data)
        now = time.monotonic()
        if self._mischief.burn:
            while time.monotonic() < now + self._mischief.burn * _SLICE_S:
                pass
        elif not self._mischief.drips:
            self.fill()
        elif now >= self._next_drip:
            self._next_drip = now + self._mischief.drip_s
            for stranger in list(self._up):
                self._drip(stranger)
            self.fill()
        return True

    def fill(self) -> None:
        """Call until as many lines are up as are wanted."""
        if self._mischief.burn:
            return
        for _ in range((self._mischief.drips or _AT_ONCE) - len(self._up)):
            self._call()

    def _wait_s(self) -> float:
        burn = self._mischief.burn
        return (1 - burn) * _SLICE_S if burn else _LOOK_S

    def _call(self) -> None:
        number = self.done.calls
        self.done.calls += 1
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.bind((_host(number), 0))
        # On this computer a connection is made at once, or there is no room for it.
        line.settimeout(1.0)
        stranger = _Stranger(line)
        try:
            line.connect((self._mischief.host, self._mischief.port))
            if not self._mischief.drips:
                line.send(self._words[0])
        except OSError:
            line.close()
            self.done.hung_up += 1
            return
        line.settimeout(0.0)
        self._up.add(stranger)
        self._selector.register(line, selectors.EVENT_READ, stranger)

    def _hear(self, stranger: _Stranger) -> None:
        try:
            octets = stranger.line.recv(_RECV_OCTETS)
        except OSError:
            octets = b""
        stranger.heard += octets
        if not octets or stranger.heard[1:3] == _DM:
            self.done.hung_up += not stranger.greeted
            self._part(stranger)
        elif self._mischief.drips:
            return
        elif stranger.said == len(self._words) - 1:
            self._part(stranger)
        elif not stranger.said or len(stranger.heard) > _UA_OCTETS + _GREETING_2_OCTETS:
            self._say(stranger)

    def _say(self, stranger: _Stranger) -> None:
        stranger.said += 1
        if stranger.said > 1:
            stranger.greeted = True
            self.done.greeted += 1
        try:
            stranger.line.send(self._words[stranger.said])
        except OSError:
            self._part(stranger)

    def _drip(self, stranger: _Stranger) -> None:
        whole = b"".join(self._words)
        try:
            stranger.line.send(whole[stranger.said : stranger.said + 1])
        except OSError:
            return
        stranger.said = min(stranger.said + 1, len(whole) - 1)

    def _part(self, stranger: _Stranger) -> None:
        self._selector.unregister(stranger.line)
        self._up.discard(stranger)
        stranger.line.close()


def _host(number: int) -> str:
    """Give an address of this computer, 250 x 250 of them in turn."""
    return f"127.9.{number // _HOSTS % _HOSTS}.{number % _HOSTS + 1}"
