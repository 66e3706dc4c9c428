"""A machine, its server and its maker, of given keys: for targets that need someone."""

from datetime import UTC, datetime
from functools import cache
from typing import Final

from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.channel import DoubleMachineChannel
from protocol.keys import (
    CreditKey,
    MachineIdentity,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.values import LicenceIdentifier

NOW: Final = datetime(2026, 11, 16, 3, 30, tzinfo=UTC)
LICENCE: Final = LicenceIdentifier("N123456")
_KEYS: Final = SeededEntropy(b"keys of the decoders' targets")
SERVER: Final = ServerIdentity.generate("DECODERS", Realm.TEST, 1, _KEYS)
CREDIT_KEY: Final = CreditKey.generate(1, Realm.TEST, _KEYS)
MAKER: Final = MakerKey.generate("MAKER", Realm.TEST, _KEYS)
IDENTITY: Final = MachineIdentity.generate(LICENCE, "PSD00001", Realm.TEST, _KEYS)
TRUSTED: Final = SERVER.credential.with_credit_key(
    CREDIT_KEY.key_id, CREDIT_KEY.signing.public
)


def clock() -> MemoryWallClock:
    """Give a clock that stands at `NOW`."""
    return MemoryWallClock(NOW)


@cache
def psd_image() -> bytes:
    """Give the memory of a PSD that was installed and has not dialled."""
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    manufacture(
        nvram,
        psd_serial="PSD00001",
        licence=LICENCE,
        realm=Realm.TEST,
        servers=[ServerProvisioning(TRUSTED, clock().now())],
        maker=MAKER.public,
        entropy=SeededEntropy(b"keys of the decoders' machine"),
        clock=clock(),
    )
    Psd(nvram, clock()).install(560001)
    return nvram.image()


def new_psd() -> Psd:
    """Switch a PSD on over a fresh copy of that memory; its channel is the double."""
    return Psd(
        MemoryNvram(psd_image()),
        clock(),
        lambda identity, server: DoubleMachineChannel(identity, server, b"machine"),
    )
