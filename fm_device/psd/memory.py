"""The PSD's memory: two vaults, what lies in them, and what is checked at power-on."""

from dataclasses import replace
from typing import Final

from fm_device.psd.keyring import RING_OCTETS_MAX, Keyring
from fm_device.psd.records import RECORD_OCTETS_MAX, PsdRecord
from fm_device.psd.states import Fault, FaultFound, moved
from fm_device.psd.vault import COPIES, OVERHEAD_OCTETS, Region, Vault
from hw.nvram import Nvram
from protocol.errors import StoreError
from protocol.keys import MachineIdentity, ServerCredential
from protocol.registers import MachineState

BANK_OCTETS: Final = 8192
NVRAM_OCTETS: Final = COPIES * BANK_OCTETS
KEYS: Final = Region(offset=0, slot_octets=2048, bank_octets=BANK_OCTETS)
STATE: Final = Region(offset=2048, slot_octets=6144, bank_octets=BANK_OCTETS)

if (
    KEYS.slot_octets < RING_OCTETS_MAX + OVERHEAD_OCTETS
    or STATE.slot_octets < RECORD_OCTETS_MAX + OVERHEAD_OCTETS
):
    raise StoreError("the banks of the NVRAM are too small for their content")


class PsdMemory:
    """The record and the keys, as stored; every change is a commit."""

    def __init__(self, nvram: Nvram) -> None:
        """Power on: recover both vaults, check what they hold, finish what was begun.

        Raises:
            StoreError: The memory holds no machine, is beyond repair, or fails.
        """
        self._state = Vault(nvram, STATE)
        self._keys = Vault(nvram, KEYS)
        self._record = PsdRecord.decode(self._state.content)
        self._ring = Keyring.decode(self._keys.content)
        self._identity = self._ring.identity(self._record.life)
        if len(self._ring.identities) > 1:
            self._store_ring(self._ring.only(self._record.life))
        self._stop_on_fault()

    @classmethod
    def create(cls, nvram: Nvram, record: PsdRecord, ring: Keyring) -> "PsdMemory":
        """Write a new machine: the keys first, because the record makes it one.

        Raises:
            StoreError: The memory holds a machine already, or fails.
        """
        if _holds_a_machine(nvram):
            raise StoreError("the PSD's memory holds a machine already")
        if _holds(nvram, KEYS):
            # A manufacture that the power cut short: its keys were never used.
            Vault(nvram, KEYS).commit(ring.encode())
        else:
            Vault.create(nvram, KEYS, ring.encode())
        Vault.create(nvram, STATE, record.encode())
        return cls(nvram)

    @property
    def record(self) -> PsdRecord:
        """The record committed last.

        Raises:
            StoreError: A write has failed: only a power-on tells what is stored.
        """
        _ = self._state.sequence
        return self._record

    @property
    def identity(self) -> MachineIdentity:
        """The keys of the current life."""
        return self._identity

    @property
    def server(self) -> ServerCredential:
        """The server with all its credit keys."""
        return self._ring.server

    @property
    def commits(self) -> int:
        """How many times the record was written."""
        return self._state.sequence

    @property
    def damage(self) -> int:
        """How many damaged copies were repaired so far, in both vaults."""
        return self._state.damage + self._keys.damage

    def store(self, record: PsdRecord) -> None:
        """Commit a record.

        Raises:
            InvariantError: It would lose or make money; nothing is written.
            StoreError: A write has failed, now or before.
        """
        self.record.check_successor(record)
        self._state.commit(record.encode())
        self._record = record

    def begin_life(self, record: PsdRecord, identity: MachineIdentity) -> None:
        """Commit new keys and the record that names them.

        The record's commit is the moment at which the new life begins: before it the
        ring holds both identities and the old one counts.
        """
        self.record.check_successor(record)
        old = self._ring.identity(self._record.life)
        self._store_ring(replace(self._ring, identities=(old, identity)))
        self.store(record)
        self._identity = identity
        self._store_ring(self._ring.only(record.life))

    def _store_ring(self, ring: Keyring) -> None:
        self._keys.commit(ring.encode())
        self._ring = ring

    def _stop_on_fault(self) -> None:
        record = self._record
        if self._state.worn_out or self._keys.worn_out:
            fault = Fault.MEMORY_WORN_OUT
        elif not record.balanced:
            fault = Fault.REGISTERS_DO_NOT_BALANCE
        else:
            return
        if record.standing is not MachineState.FAULT:
            standing = moved(record.standing, FaultFound())
            self.store(replace(record, standing=standing, fault=fault))


def _holds(nvram: Nvram, region: Region) -> bool:
    try:
        Vault(nvram, region)
    except StoreError:
        return False
    return True


def _holds_a_machine(nvram: Nvram) -> bool:
    return _holds(nvram, STATE)
