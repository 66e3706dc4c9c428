"""What the firmware may read of a PSD: none of it changes anything, or holds a key."""

from fm_device.model import FIRMWARE, MODEL, show_version
from fm_device.psd.contents import ContentStore, capabilities_of
from fm_device.psd.memory import PsdMemory
from fm_device.psd.records import OpenFrank, PsdRecord
from fm_device.psd.states import Silence, silence_at, state_at
from fm_device.psd.timekeeper import time_at
from hw.clock import WallClock
from protocol.keys import (
    MachineCredential,
    MachineProvisioning,
    MakerPublicKey,
    ServerCredential,
)
from protocol.registers import MachineState
from protocol.values import EpochSeconds


class Readings:
    """The side of a PSD that only tells."""

    def __init__(self, memory: PsdMemory, clock: WallClock) -> None:
        """Read from a memory that is powered on.

        Args:
            memory: The record and the keys.
            clock: The battery clock.
        """
        self._memory = memory
        self._clock = clock
        self._contents: ContentStore | None = None
        self._firmware = FIRMWARE

    @property
    def record(self) -> PsdRecord:
        """What is stored; it holds no keys."""
        return self._memory.record

    @property
    def credential(self) -> MachineCredential:
        """The public side of the PSD's keys."""
        return self._memory.identity.credential

    @property
    def found_open(self) -> OpenFrank | None:
        """The frank that power-on found accounted, and perhaps never printed."""
        return self._memory.found_open

    @property
    def zeroised(self) -> bool:
        """Whether the private keys are erased."""
        return self._memory.zeroised

    @property
    def maker(self) -> MakerPublicKey:
        """Whose signature contents must bear."""
        return self._memory.maker

    @property
    def capabilities(self) -> int:
        """What the STATEMENT tells of the orders that this machine carries out."""
        return capabilities_of(self._contents)

    @property
    def server(self) -> ServerCredential:
        """The server that the PSD trusts."""
        return self._memory.server

    @property
    def commits(self) -> int:
        """How many times the record was written: the wear of the memory."""
        return self._memory.commits

    @property
    def repaired(self) -> int:
        """How many damaged copies this power-on has repaired."""
        return self._memory.repaired

    @property
    def damage(self) -> int:
        """How many damaged copies were repaired so far."""
        return self._memory.damage

    @property
    def time(self) -> EpochSeconds | None:
        """The PSD's clock, or None when it is not set."""
        return time_at(self._memory.record, self._clock.now())

    @property
    def state(self) -> MachineState:
        """The state as of now."""
        return state_at(self.record, self.time)

    @property
    def silence(self) -> Silence:
        """Whether the 30-day rule warns or blocks now."""
        return silence_at(self.record, self.time)

    @property
    def call_due(self) -> bool:
        """Whether the server or the 30-day rule asks for a dial-in now."""
        now, due = self.time, self.record.next_call
        return self.silence is not Silence.NONE or bool(due and now and now >= due)

    def provisioning(self, issued: EpochSeconds) -> MachineProvisioning:
        """Say what the server has to know of this life, public parts only."""
        record = self.record
        registers = record.registers
        return MachineProvisioning(
            credential=self.credential,
            model=MODEL,
            firmware=show_version(self._firmware),
            ascending_paise=registers.ascending_paise,
            descending_paise=registers.descending_paise,
            control_total_paise=registers.control_total_paise,
            items=registers.items,
            zero_items=registers.items_with_zero - registers.items,
            recharge_number=record.recharge_number,
            issued=issued,
        )
