"""What a machine finds in its memories when it is switched on, whatever lies there."""

import json
import struct
from functools import cache
from hashlib import sha256
from typing import Final

from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.update import Image as Firmware
from fm_device.firmware.update import UpdateRecord, UpdateState
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.flash.settings import Settings, decode_settings
from fm_device.model import FIRMWARE
from fm_device.presets.applying import apply_preset
from fm_device.presets.image import Image, ImageError, decode_image, encode_image
from fm_device.presets.library import library_names, read_library
from fm_device.psd.keyring import RING_OCTETS, Keyring
from fm_device.psd.memory import KEYS, NVRAM_OCTETS, STATE, PsdMemory
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.vault import Vault, overwrite
from hw.nvram import MemoryNvram
from protocol.errors import StoreError
from protocol.registers import Registers
from rmfs_tools.lab.decoders.parties import clock, psd_image
from rmfs_tools.lab.decoders.target import Target, UnstableError

_PATCH: Final = struct.Struct(">IB")
"""An address, and what the octet there is combined with, by exclusive or."""
_PAPERS: Final = ("machine.json",)
_IMAGE_HEAD: Final = 12
_DIGEST_OCTETS: Final = 32
_FACTORY: Final = Firmware(FIRMWARE)
_TRIALS: Final = [
    UpdateRecord(state, _FACTORY, Firmware((1, 0, 0), 7), 1, 3, 7).encode()
    for state in UpdateState
]


@cache
def _recharged() -> bytes:
    """Give the memory of a machine with money in it, one dial-in later."""
    nvram = MemoryNvram(psd_image())
    apply_preset(nvram, read_library("in-service"), clock().now())
    return nvram.image()


def _records() -> list[bytes]:
    """Give the records of every preset of the library that can be read."""
    records = []
    for name in library_names():
        nvram = MemoryNvram(psd_image())
        records.append(
            encode_record(apply_preset(nvram, read_library(name), clock().now()))
        )
    return records


def _power_on(octets: bytes) -> Registers:
    """Switch a PSD on over a record that another firmware may have written."""
    record = decode_record(octets)
    nvram = MemoryNvram(_recharged())
    overwrite(nvram, STATE, encode_record(record), sequence=9, damage=0)
    return PsdMemory(nvram).record.registers


def _spoiled(image: bytes, patches: bytes) -> MemoryNvram:
    """Spoil octets of a memory, as cuts and worn cells do."""
    spoiled = bytearray(image)
    usable = len(patches) - len(patches) % _PATCH.size
    for address, flip in _PATCH.iter_unpack(patches[:usable]):
        spoiled[address % len(spoiled)] ^= flip
    return MemoryNvram(bytes(spoiled))


def _open_spoiled(octets: bytes) -> None:
    """Switch a PSD on over a memory of which octets are spoiled.

    Raises:
        UnstableError: It tells of other money than was there.
    """
    before = PsdMemory(MemoryNvram(_recharged())).record
    after = PsdMemory(_spoiled(_recharged(), octets)).record
    if after.registers != before.registers:
        raise UnstableError(f"{before.registers} has become {after.registers}")


def _start_spoiled(octets: bytes) -> None:
    """Switch a machine on over a flash of which octets are spoiled.

    Raises:
        UnstableError: It has no PSD any more.
    """
    nvram = MemoryNvram(_recharged())
    machine = Machine(Parts(nvram, _spoiled(_flash(), octets), clock()))
    machine.switch_on()
    if not machine.is_on:
        raise UnstableError("a machine with a sound PSD has not started")


@cache
def _flash() -> bytes:
    flash = MemoryNvram.erased(FLASH_OCTETS)
    machine = Machine(Parts(MemoryNvram(_recharged()), flash, clock()))
    machine.switch_on()
    machine.switch_off()
    return flash.image()


def _torn() -> list[bytes]:
    """Give spoiled copies: one, two of three, all; their heads and their ends."""
    heads = [
        b"".join(_PATCH.pack(at, 0xFF) for at in region.addresses[:count])
        for region in (STATE, KEYS)
        for count in (1, 2, 3)
    ]
    return [b"", *heads, _PATCH.pack(STATE.addresses[0] + 100, 1) * 3]


def _image(octets: bytes) -> Image:
    """Read an image of a machine whose header is the input, and whose sum is right."""
    memories = psd_image() + bytes(FLASH_OCTETS)
    body = b"RMFSIMG1" + len(octets).to_bytes(4, "big") + octets + memories
    return decode_image(body + sha256(body).digest(), _PAPERS)


def _header(image: Image) -> bytes:
    octets = encode_image(image)
    return octets[_IMAGE_HEAD : -NVRAM_OCTETS - FLASH_OCTETS - _DIGEST_OCTETS]


def _keyring() -> bytes:
    return Vault(MemoryNvram(psd_image()), KEYS).content


def _settings(octets: bytes) -> Settings:
    """Read the settings; names that are not known are left out when they are kept."""
    return decode_settings(octets).settings


TARGETS: Final = (
    Target(
        "psd-record",
        "the record of a PSD, as another firmware may have written it",
        decode_record,
        _records,
        (StoreError,),
        encode_record,
        runs=6_000,
        watched=("fm_device.psd",),
    ),
    Target(
        "psd-power-on",
        "the record of a PSD that is switched on",
        _power_on,
        _records,
        (StoreError,),
        runs=1_500,
        watched=("fm_device.psd",),
    ),
    Target(
        "psd-memory",
        "the memory of a PSD of which octets are spoiled",
        _open_spoiled,
        _torn,
        (StoreError,),
        runs=1_000,
        octets_max=256,
        watched=("fm_device.psd",),
    ),
    Target(
        "keyring",
        "the keys of a PSD, as another firmware may have written them",
        Keyring.decode,
        lambda: [_keyring()],
        (StoreError,),
        Keyring.encode,
        runs=4_000,
        octets_max=RING_OCTETS + 64,
        watched=("fm_device.psd", "protocol.keys"),
    ),
    Target(
        "flash",
        "the firmware's memory of which octets are spoiled",
        _start_spoiled,
        _torn,
        runs=120,
        octets_max=256,
        watched=("fm_device.firmware", "fm_device.flash"),
    ),
    Target(
        "settings",
        "the settings in the flash",
        _settings,
        lambda: [Settings().encode(), b'{"pins_on":true,"of_a_later_firmware":[]}'],
        (StoreError,),
        Settings.encode,
        runs=4_000,
        watched=("fm_device.flash",),
    ),
    Target(
        "update-record",
        "which firmware image runs, as the flash tells it",
        UpdateRecord.decode,
        lambda: [UpdateRecord(UpdateState.IDLE, _FACTORY).encode(), *_TRIALS],
        (StoreError,),
        UpdateRecord.encode,
        runs=20_000,
        octets_max=128,
        watched=("fm_device.firmware",),
    ),
    Target(
        "machine-image",
        "the header of an image of a machine, with a good sum",
        _image,
        lambda: [json.dumps({"papers": {"machine.json": "{}"}}).encode()],
        (ImageError,),
        _header,
        runs=150,
        octets_max=1_024,
        watched=("fm_device.presets",),
    ),
)
