"""The machines of one maker and its recharge server, in memory and in virtual time.

A machine here is its security device: registers, keys, dial-ins and franks are real;
what stands around it (panel, scale, flash) has no part in money and is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.franking import Frank, FrankOrder, FrankRefusal
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import WallClock
from hw.database import Store
from hw.entropy import SeededEntropy
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Request
from protocol.errors import InvariantError
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.ports import Entropy
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_server.writer import ImmediateWriter

_LINE: Final = VirtualLineParameters(bit_s=33_600, delay_s=0.02)
_GENERATION: Final = 1


@dataclass(frozen=True, slots=True)
class MakerKeys:
    """What a maker's server proves itself and signs with, of the realm TEST.

    Attributes:
        machines: Where the keys of its machines come from.
    """

    identity: ServerIdentity
    credit: CreditKey
    maker: MakerKey
    machines: Entropy


def draw_keys(letter: str, seed: int) -> MakerKeys:
    """Draw the keys of a maker: the same ones for the same seed."""
    entropy = SeededEntropy(f"rehearsal of {letter}, {seed}".encode())
    return MakerKeys(
        ServerIdentity.generate(f"OEM-{letter}", Realm.TEST, _GENERATION, entropy),
        CreditKey.generate(_GENERATION, Realm.TEST, entropy),
        MakerKey.generate(f"MAKER-{letter}", Realm.TEST, entropy),
        SeededEntropy(f"machines of {letter}, {seed}".encode()),
    )


class Fleet:
    """Machines, and the server that they dial.

    Attributes:
        dial_ins: How many were made.
        franks: How many items were franked.
    """

    def __init__(self, keys: MakerKeys, store: Store, clock: WallClock) -> None:
        """Begin without machines.

        Args:
            keys: The maker's.
            store: The books of its server.
            clock: The time of day of everybody.
        """
        self.dial_ins = 0
        self.franks = 0
        self._keys = keys
        self._clock = clock
        self._entropy = keys.machines
        credential = keys.identity.credential.with_credit_key(
            _GENERATION, keys.credit.signing.public
        )
        self._provisioning = ServerProvisioning(credential, clock.now())
        self._machines: dict[LicenceIdentifier, Psd] = {}
        self._memories: dict[LicenceIdentifier, MemoryNvram] = {}
        self._reactor = Clock()
        self._lines = VirtualExchange(self._reactor, every_call(_LINE))
        exchange = Exchange(
            reactor=self._reactor,
            books=Books(store, keys.credit, self._entropy),
            writer=ImmediateWriter(),
            make_channel=lambda: ServerChannel(keys.identity),
            wall_clock=clock,
            limits=Limits(),
        )
        self._lines.listen(exchange.answer)

    @property
    def licences(self) -> Sequence[LicenceIdentifier]:
        """Identifiers of all machines, in the order in which they were made."""
        return tuple(self._machines)

    def machine(self, licence: LicenceIdentifier) -> Psd:
        """Give a machine."""
        return self._machines[licence]

    def make(self, licence: LicenceIdentifier, psd_serial: str, pin_code: int) -> Psd:
        """Make a machine and install it; no server knows it yet.

        Args:
            licence: Under which it will frank.
            psd_serial: 8 letters or digits, never used before.
            pin_code: Of its designated office.
        """
        nvram = MemoryNvram.erased(NVRAM_OCTETS)
        manufacture(
            nvram,
            psd_serial=psd_serial,
            licence=licence,
            realm=Realm.TEST,
            servers=[self._provisioning],
            maker=self._keys.maker.public,
            entropy=self._entropy,
            clock=self._clock,
        )
        psd = Psd(nvram, self._clock)
        psd.install(pin_code)
        self._machines[licence] = psd
        self._memories[licence] = nvram
        return psd

    def remembered(self, licence: LicenceIdentifier) -> bytes:
        """Give the octets of a machine's memory, as they are now."""
        memory = self._memories[licence]
        return memory.read(0, memory.size_octets)

    def put_back(self, licence: LicenceIdentifier, octets: bytes) -> None:
        """Let a machine have a memory that it had before: it is a copy from now on."""
        self._memories[licence] = MemoryNvram(octets)
        self._machines[licence] = Psd(self._memories[licence], self._clock)

    def dial(self, licence: LicenceIdentifier, amount_paise: int = 0) -> DialInReport:
        """Let a machine dial in, for credit or only to be looked at.

        Args:
            licence: Of the machine.
            amount_paise: What it asks for; 0: an inspection.

        Raises:
            InvariantError: Nothing is due any more, and the dial-in has not ended.
        """
        kind = RequestKind.RECHARGE if amount_paise else RequestKind.INSPECTION
        request = Request(kind, Paise(amount_paise))
        ended: list[DialInReport] = []
        dialling = dial(self._machines[licence], request, self._lines, self._reactor)
        dialling.addCallback(ended.append)
        while not ended:
            due = self._reactor.getDelayedCalls()
            if not due:
                raise InvariantError(f"the dial-in of {licence} stands still")
            first = min(float(call.getTime()) for call in due)
            self._reactor.advance(max(0.0, first - float(self._reactor.seconds())))
        self.dial_ins += 1
        return ended[0]

    def frank(
        self, licence: LicenceIdentifier, value_paise: int, product_class: int
    ) -> Frank | FrankRefusal:
        """Frank one item, and print it."""
        psd = self._machines[licence]
        done = psd.debit(FrankOrder(Paise(value_paise), product_class))
        if isinstance(done, Frank):
            psd.complete(done.item)
            self.franks += 1
        return done
