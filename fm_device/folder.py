"""A machine kept in a folder: its memory, its papers, and a lock.

    nvram.bin            the PSD's memory: registers and keys; nothing else holds them
    flash.bin            the firmware's memory: settings, events, tariffs, slogans
    world.json           what is around the machine: ink, tape, cover, battery
    machine.json         what the machine is, for people; written last: no such file, no
                         machine
    provisioning.json    to be enrolled at the recharge server: public, signed by the
                         maker
    server.json          the recharge server's provisioning, as the PSD was given it
    lock                 held by the process that uses the machine, whom it names

Two processes never have one machine open: two images of one register would be the same
money twice. Its owner alone can look into the folder: private keys are in the memory.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from fm_device.firmware.boot import Start, Verdict
from fm_device.firmware.consumables import ScaleCondition, Sensors
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.printing import MemoryPrinter, Printer
from fm_device.flash.contents import ContentSlots
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.model import FIRMWARE, MODEL, show_version
from fm_device.postage.factory import default_tariff, factory_tariff
from fm_device.psd.device import ChannelMaker, Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from fm_device.psd.records import ContentHeld
from hw.clock import WallClock
from hw.nvram import FileNvram, Nvram
from hw.scales.port import Scale
from hw.scales.simulated import SimulatedScale
from protocol.channel import MachineChannel
from protocol.contents import content_id
from protocol.errors import RmfsError, StoreError
from protocol.keys import (
    MakerKey,
    Realm,
    ServerProvisioning,
    SigningKey,
    read_machine_provisioning,
    read_private_key,
    read_server_provisioning,
    write_provisioning,
)
from protocol.messages import CONTENT_PART_OCTETS, OrderKind
from protocol.ports import Entropy
from protocol.values import EpochSeconds, LicenceIdentifier

NVRAM: Final = "nvram.bin"
FLASH: Final = "flash.bin"
WORLD: Final = "world.json"
MACHINE: Final = "machine.json"
PROVISIONING: Final = "provisioning.json"
SERVER: Final = "server.json"
LOCK: Final = "lock"

SAMPLE_PIN_CODE: Final = 560001
"""Of a machine that nobody gave another one: a sample, no claim."""
_OWNER_ONLY: Final = 0o700
_KEY_OCTETS_MAX: Final = 4096
_WORLD_OCTETS_MAX: Final = 65_536
_NAME_UNTIL_TOLD: Final = "maker"


class FolderError(RmfsError):
    """The folder holds no machine, or is not to be used; it says what to do."""


class FolderBusyError(FolderError):
    """Another process uses the machine."""


@dataclass(frozen=True, slots=True)
class Papers:
    """What the factory needs to make or re-initialise a machine.

    Attributes:
        maker: Signs the machine's provisioning, and has signed the server's.
        server: The server that the machine will trust.
        server_text: Its file, to be kept beside the machine.
    """

    maker: MakerKey
    server: ServerProvisioning
    server_text: bytes


def read_papers(maker_key: Path, server_file: Path, realm: Realm) -> Papers:
    """Read the maker's key and the server's file that it has signed.

    Raises:
        FolderError: A file cannot be read.
        KeyMaterialError: The key is none.
        ProvisioningError: The server's file is not what this maker signed.
    """
    scalar = read_private_key(_read(maker_key))
    server_text = _read(server_file)
    maker = MakerKey(_maker_name(server_text), realm, SigningKey(scalar))
    server = read_server_provisioning(server_text, [maker.public])
    return Papers(maker, server, server_text)


def create_machine(
    folder: Path,
    papers: Papers,
    *,
    psd_serial: str,
    licence: LicenceIdentifier,
    entropy: Entropy,
    clock: WallClock,
    set_clock: bool = True,
    pin_code: int = SAMPLE_PIN_CODE,
    installed: bool = True,
) -> None:
    """Make a machine in a new or empty folder, with the factory's tariff.

    Args:
        folder: Where.
        papers: What the factory needs.
        psd_serial: 8 ASCII letters or digits, never used before.
        licence: The licence that it will frank under.
        entropy: Where the keys come from.
        clock: Sets its clock.
        set_clock: Whether the factory sets it; else the first dial-in does.
        pin_code: Of the post office where its mail is tendered.
        installed: Whether it stands at the licensee's premises.

    Raises:
        FolderError: There is something in the folder already, or it cannot be made.
        LocalProtocolError: A name is wrong, or the server is of another realm.
        StoreError: The files cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise FolderError(
                f"{folder} is not empty: a machine is made in a new folder, "
                "and never over another one"
            )
        folder.mkdir(_OWNER_ONLY, parents=True, exist_ok=True)
        folder.chmod(_OWNER_ONLY)
    except OSError as error:
        raise FolderError(f"{folder} cannot be made: {error.strerror}") from error
    with locked(folder, "machine new"):
        flash = FileNvram.create(folder / FLASH, FLASH_OCTETS)
        nvram = FileNvram.create(folder / NVRAM, NVRAM_OCTETS)
        try:
            tariff = put_factory_tariff(flash, papers.maker, clock.now())
            manufacture(
                nvram,
                psd_serial=psd_serial,
                licence=licence,
                realm=papers.maker.realm,
                servers=[papers.server],
                maker=papers.maker.public,
                entropy=entropy,
                clock=clock if set_clock else None,
                contents=(tariff,),
            )
            psd = Psd(nvram, clock)
            if installed:
                psd.install(pin_code)
            write_file(folder / SERVER, papers.server_text)
            _write_papers(folder, psd, papers.maker, clock.now())
        finally:
            nvram.close()
            flash.close()


def put_factory_tariff(
    flash: Nvram, maker: MakerKey, issued: EpochSeconds
) -> ContentHeld:
    """Put the tariff of a new machine into its flash, and say what the PSD has to name.

    Raises:
        StoreError: The flash fails.
    """
    octets = default_tariff(maker, issued)
    name = content_id(octets)
    slots = ContentSlots(flash, frozenset, lambda _content: True)
    for offset in range(0, len(octets), CONTENT_PART_OCTETS):
        part = octets[offset : offset + CONTENT_PART_OCTETS]
        slots.store_part(OrderKind.TARIFF, name, offset, len(octets), part)
    tariff = factory_tariff()
    return ContentHeld(OrderKind.TARIFF, tariff.number, name, tariff.begins)


@contextmanager
def open_machine(
    folder: Path,
    clock: WallClock,
    command: str,
    *,
    scale: Scale | None = None,
    printer: Printer | None = None,
    channel: ChannelMaker = MachineChannel,
) -> Iterator[Machine]:
    """Switch on the machine in a folder; nobody else has it meanwhile.

    Args:
        folder: Where it is.
        clock: The battery clock.
        command: What this process does, told to whoever finds the machine in use.
        scale: Whatever weighs; a simulated scale with nothing on it if there is none.
        printer: Where franks go; nowhere if there is none.
        channel: Makes the channel of a dial-in.

    Raises:
        FolderError: There is no machine.
        FolderBusyError: Another process has it.
        StoreError: Its memory is beyond repair.
    """
    with machine_parts(folder, command) as (nvram, flash):
        machine = Machine(
            Parts(
                nvram,
                flash,
                clock,
                scale or SimulatedScale(),
                printer or MemoryPrinter(),
                channel,
            ),
            read_world(folder),
        )
        start = machine.switch_on()
        if not machine.is_on:
            raise StoreError(why_stopped(start))
        try:
            yield machine
        finally:
            write_world(folder, machine.sensors)


@contextmanager
def machine_parts(folder: Path, command: str) -> Iterator[tuple[FileNvram, FileNvram]]:
    """Open the memories of the machine in a folder, without switching it on.

    Raises:
        FolderError: There is no machine.
        FolderBusyError: Another process has it.
        StoreError: A file has another size.
    """
    check_made(folder)
    with locked(folder, command):
        if not (folder / FLASH).exists():
            raise FolderError(
                f"{folder / FLASH} is missing: put it back, or have a new one put in "
                f"with `rmfs machine service {folder} new-flash`; "
                "the credit is in the PSD and is not lost"
            )
        nvram = FileNvram(folder / NVRAM, NVRAM_OCTETS)
        try:
            flash = FileNvram(folder / FLASH, FLASH_OCTETS)
            try:
                yield nvram, flash
            finally:
                flash.close()
        finally:
            nvram.close()


def check_made(folder: Path) -> None:
    """Go on only with a machine in a folder.

    Raises:
        FolderError: There is none, or one that was never finished.
    """
    if not (folder / MACHINE).is_file():
        started = (folder / NVRAM).exists()
        raise FolderError(
            f"{folder} holds a machine that was never finished: delete it, make it anew"
            if started
            else f"{folder} holds no machine: make one with `rmfs machine new {folder}`"
        )


def read_world(folder: Path) -> Sensors:
    """Read what is around a machine; a machine that was never used is in good order.

    Raises:
        FolderError: The file is not what this product writes; it says which line.
    """
    path = folder / WORLD
    if not path.exists():
        return Sensors()
    try:
        with path.open("rb") as file:
            # A longer file is no such file: what was cut off does not parse.
            octets = file.read(_WORLD_OCTETS_MAX)
        return _sensors(json.loads(octets.decode("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise FolderError(
            f"{path} does not say what is around the machine ({error}): delete it to "
            "put in a new cartridge and a new roll"
        ) from error


def _sensors(found: Any) -> Sensors:
    usual = asdict(Sensors()) | {"scale": Sensors().scale.value}
    if not isinstance(found, dict) or found.keys() != usual.keys():
        raise ValueError(f"these fields belong in it: {', '.join(usual)}")
    wrong = [name for name in usual if type(found[name]) is not type(usual[name])]
    if wrong:
        raise ValueError(f"{wrong[0]} is {found[wrong[0]]!r}")
    return Sensors(**{**found, "scale": ScaleCondition(found["scale"])})


def write_world(folder: Path, sensors: Sensors) -> None:
    """Keep what is around a machine, for when it is next switched on.

    Raises:
        StoreError: The file cannot be written.
    """
    found = {**asdict(sensors), "scale": sensors.scale.value}
    if sensors != read_world(folder):
        write_file(folder / WORLD, (json.dumps(found, indent=2) + "\n").encode())


def why_stopped(start: Start) -> str:
    """Say which parts have not passed the self-test, and why."""
    failed = (test for test in start.tests if test.verdict is Verdict.FAILED)
    return "; ".join(f"{test.part.words}: {test.words}" for test in failed)


def reinitialise_machine(
    folder: Path,
    maker_key: Path,
    *,
    licence: LicenceIdentifier,
    entropy: Entropy,
    clock: WallClock,
) -> None:
    """Begin a new life for a withdrawn machine, and write its new papers.

    A power cut between the two is mended by asking for the same licence again.

    Raises:
        LocalProtocolError: The machine is not ready for it.
        KeyMaterialError: The maker's key is none.
        ProvisioningError: Another maker has signed the papers of this machine.
    """
    signing = SigningKey(read_private_key(_read(maker_key)))
    with open_machine(folder, clock, "machine reinitialise") as machine:
        psd = machine.psd
        papers = _read(folder / PROVISIONING)
        maker = MakerKey(_maker_name(papers), psd.credential.realm, signing)
        written = read_machine_provisioning(papers, [maker.public])
        unfinished = written.credential != psd.credential
        if not (unfinished and psd.record.life.licence == licence):
            psd.reinitialise(licence, entropy)
        machine.desk.begin_life()
        _write_papers(folder, psd, maker, clock.now())


def _write_papers(
    folder: Path, psd: Psd, maker: MakerKey, issued: EpochSeconds
) -> None:
    provisioning = write_provisioning(psd.provisioning(issued), maker)
    write_file(folder / PROVISIONING, provisioning.encode())
    description = {
        "format": "rmfs machine",
        "version": 1,
        "model": MODEL,
        "firmware": show_version(FIRMWARE),
        "realm": psd.credential.realm.name,
        "psd_serial": psd.record.psd_serial,
        "licence_identifier": psd.record.life.licence,
        "generation": psd.credential.generation,
        "server_name": psd.server.name,
    }
    write_file(folder / MACHINE, (json.dumps(description, indent=2) + "\n").encode())


def _maker_name(text: bytes) -> str:
    """Read the maker's name from a file that is still to be verified.

    The name is only a label: the fingerprint of the key decides, and the signature.
    """
    try:
        found: Any = json.loads(text)["maker"]["name"]
    except (ValueError, KeyError, TypeError):
        return _NAME_UNTIL_TOLD
    return found if isinstance(found, str) else _NAME_UNTIL_TOLD


@contextmanager
def locked(folder: Path, command: str) -> Iterator[None]:
    """Have the machine in a folder to oneself.

    Raises:
        FolderBusyError: Another process has it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            message = f"{folder} is in use by {holder or 'another process'}"
            raise FolderBusyError(f"{message}: wait until it has ended") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} ({command})\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_OCTETS_MAX + 1)
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one.

    Raises:
        StoreError: It cannot be written.
    """
    unfinished = path.with_name(path.name + ".new")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
