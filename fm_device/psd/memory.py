"""The PSD's memory: two vaults, what lies in them, and what is checked at power-on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fm_device.psd.keyring import RING_OCTETS, Keyring
from fm_device.psd.record_codec import (
    RECORD_OCTETS_MAX,
    decode_record,
    encode_record,
)
from fm_device.psd.records import PsdRecord, one_more
from fm_device.psd.states import Fault, FaultFound, moved
from fm_device.psd.vault import COPIES, OVERHEAD_OCTETS, Region, Vault, write_failed
from hw.nvram import Nvram
from protocol.errors import StoreError
from protocol.keys import (
    MachineIdentity,
    MakerPublicKey,
    ServerCredential,
    ServerProvisioning,
)
from protocol.registers import MachineState

BANK_OCTETS: Final = 16_384
NVRAM_OCTETS: Final = COPIES * BANK_OCTETS
KEYS: Final = Region(offset=0, slot_octets=2048, bank_octets=BANK_OCTETS)
STATE: Final = Region(offset=2048, slot_octets=14_336, bank_octets=BANK_OCTETS)

if (
    KEYS.slot_octets < RING_OCTETS + OVERHEAD_OCTETS
    or STATE.slot_octets < RECORD_OCTETS_MAX + OVERHEAD_OCTETS
):
    raise StoreError("the banks of the NVRAM are too small for their content")


class KeysErasedError(StoreError):
    """The PSD has no private keys any more; it can prove nothing."""


TellOpen = Callable[[PsdRecord], None]
"""Is told of a record with an open frank, before that frank is closed."""


def tell_nobody(_record: PsdRecord) -> None:
    """Tell nobody."""


class PsdMemory:
    """The record and the keys, as stored; every change is a commit.

    Attributes:
        found_open: The frank that power-on found accounted and perhaps not printed.
    """

    def __init__(self, nvram: Nvram, tell_open: TellOpen = tell_nobody) -> None:
        """Power on: recover both vaults, check what they hold, finish what was begun.

        Args:
            nvram: The memory.
            tell_open: Called before a frank that was found open is closed, so that it
                is told of though the power fails again.

        Raises:
            StoreError: The memory holds no machine, is beyond repair, or fails.
        """
        self._state = Vault(nvram, STATE)
        self._keys = Vault(nvram, KEYS)
        self._record = decode_record(self._state.content)
        self._ring = Keyring.decode(self._keys.content)
        if self._record.fault == Fault.TAMPERED and self._ring.identities:
            self._store_ring(self._ring.without_identities())
        if self._ring.identities:
            self._identity = self._ring.identity(self._record.life)
        if len(self._ring.identities) > 1:
            self._store_ring(self._ring.only(self._record.life))
        self._stop_on_fault()
        self.found_open = self._record.open_frank
        if self.found_open is not None:
            tell_open(self._record)
        self._close_open_frank()

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
        Vault.create(nvram, STATE, encode_record(record))
        return cls(nvram)

    @property
    def record(self) -> PsdRecord:
        """The record committed last.

        Raises:
            StoreError: A write has failed: only a power-on tells what is stored.
        """
        if self._state.in_doubt:
            raise write_failed()
        return self._record

    @property
    def identity(self) -> MachineIdentity:
        """The keys of the current life.

        Raises:
            KeysErasedError: The PSD was tampered with.
        """
        if not self._ring.identities:
            raise KeysErasedError("the PSD was tampered with: its keys are erased")
        return self._identity

    @property
    def zeroised(self) -> bool:
        """Whether the private keys are erased."""
        return not self._ring.identities

    @property
    def maker(self) -> MakerPublicKey:
        """Who signs the contents that orders bring."""
        return self._ring.maker

    @property
    def server(self) -> ServerCredential:
        """The server with all its credit keys."""
        return self._ring.server

    @property
    def commits(self) -> int:
        """How many times the record was written."""
        return self._state.sequence

    @property
    def repaired(self) -> int:
        """How many damaged copies this power-on has repaired, in both vaults."""
        return self._state.repaired + self._keys.repaired

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
        self._state.commit(encode_record(record))
        self._record = record

    def add_credit_key(self, server: ServerProvisioning) -> bool:
        """Trust another credit key of the same server; say whether that is possible."""
        return self._change_ring(self._ring.with_server(server))

    def retire_credit_key(self, key_id: int) -> bool:
        """Trust a credit key no more; say whether that is possible."""
        return self._change_ring(self._ring.without_credit_key(key_id))

    def zeroise(self) -> None:
        """Stop for good and erase the private keys.

        The record's commit is the moment at which it counts: a power cut before the
        keys are gone is made up for at the next power-on.
        """
        self._stop(Fault.TAMPERED)
        self._store_ring(self._ring.without_identities())

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

    def _change_ring(self, ring: Keyring | None) -> bool:
        if ring is not None and ring != self._ring:
            self._store_ring(ring)
        return ring is not None

    def _store_ring(self, ring: Keyring) -> None:
        self._keys.commit(ring.encode())
        self._ring = ring

    def _stop_on_fault(self) -> None:
        if self._state.worn_out or self._keys.worn_out:
            fault = Fault.MEMORY_WORN_OUT
        elif not self._record.balanced:
            fault = Fault.REGISTERS_DO_NOT_BALANCE
        else:
            return
        if self._record.standing is not MachineState.FAULT:
            self._stop(fault)

    def _stop(self, fault: Fault) -> None:
        record = self._record
        standing = moved(record.standing, FaultFound())
        self.store(replace(record, standing=standing, fault=fault))

    def _close_open_frank(self) -> None:
        record = self._record
        if record.open_frank is not None:
            unprinted = one_more(record.unprinted)
            self.store(replace(record, open_frank=None, unprinted=unprinted))


def _holds(nvram: Nvram, region: Region) -> bool:
    try:
        Vault(nvram, region)
    except StoreError:
        return False
    return True


def _holds_a_machine(nvram: Nvram) -> bool:
    return _holds(nvram, STATE)
