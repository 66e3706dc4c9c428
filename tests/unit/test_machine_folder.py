"""A machine's folder: what is in it, who has it, and what is left of a broken one."""

import json
import os
import stat
from pathlib import Path

import pytest

from fm_device.firmware.desk import Service
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.flash.events import EventCode
from fm_device.flash.layout import EVENT_OCTETS, EVENTS_AT, EVENTS_MAX
from fm_device.flash.settings import Department, Settings
from fm_device.folder import (
    FLASH,
    LOCK,
    MACHINE,
    NVRAM,
    PROVISIONING,
    SERVER,
    WORLD,
    FolderBusyError,
    FolderError,
    Papers,
    create_machine,
    open_machine,
    read_papers,
    read_world,
    reinitialise_machine,
)
from fm_device.new_flash import OLD_FLASH, put_new_flash
from fm_device.psd.pins import PinVerdict, Role
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError, StoreError
from protocol.keys import (
    KeyMaterialError,
    MachineIdentity,
    MakerKey,
    ProvisioningError,
    Realm,
    read_machine_provisioning,
    write_private_key,
    write_provisioning,
)
from protocol.registers import MachineState, RequestKind
from protocol.values import LicenceIdentifier, Paise
from tests.franking import frank
from tests.witness import small_server
from tests.witness.small_server import LICENCE, REAL, Dial, a_clock, complete

MAKER = MakerKey.generate("OEM", Realm.TEST, SeededEntropy(b"maker"))
OTHER = LicenceIdentifier("N777777")


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    (tmp_path / "maker.pem").write_text(write_private_key(MAKER.signing.scalar))
    (tmp_path / "server.json").write_text(
        write_provisioning(small_server.PROVISIONING, MAKER)
    )
    return read_papers(tmp_path / "maker.pem", tmp_path / "server.json", Realm.TEST)


@pytest.fixture
def folder(tmp_path: Path, papers: Papers) -> Path:
    folder = tmp_path / "office-1"
    create_machine(
        folder,
        papers,
        psd_serial="PSD00001",
        licence=LICENCE,
        entropy=SeededEntropy(b"machine"),
        clock=a_clock(),
    )
    return folder


def test_a_new_machine_has_its_memory_and_its_papers(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {NVRAM, FLASH, MACHINE, PROVISIONING, SERVER, LOCK}
    provisioning = read_machine_provisioning(
        (folder / PROVISIONING).read_bytes(), [MAKER.public]
    )
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        assert psd.state is MachineState.INSTALLED
        assert psd.credential == provisioning.credential
        assert psd.server.ccs == small_server.SERVER.ccs
    described = json.loads((folder / MACHINE).read_text())
    assert described["licence_identifier"] == LICENCE
    assert described["generation"] == 1


@pytest.mark.parametrize("made_before", [True, False])
def test_the_owner_alone_can_look_into_a_machine(
    tmp_path: Path, papers: Papers, made_before: bool
) -> None:
    folder = tmp_path / "offices" / "office-2"
    before = os.umask(0o022)
    try:
        if made_before:
            folder.mkdir(parents=True)
        create_machine(
            folder,
            papers,
            psd_serial="PSD00002",
            licence=LICENCE,
            entropy=SeededEntropy(b"machine 2"),
            clock=a_clock(),
        )
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / NVRAM).stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path, papers: Papers) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FolderError, match="cannot be made"):
        create_machine(
            tmp_path / "file" / "office",
            papers,
            psd_serial="PSD00003",
            licence=LICENCE,
            entropy=SeededEntropy(b"machine 3"),
            clock=a_clock(),
        )


def test_the_papers_hold_no_private_key(folder: Path) -> None:
    identity = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.TEST, SeededEntropy(b"machine")
    )
    secrets = (identity.dh_private, identity.signing.scalar)
    assert all(secret in (folder / NVRAM).read_bytes() for secret in secrets)
    for name in (PROVISIONING, MACHINE, SERVER, LOCK):
        text = (folder / name).read_text()
        assert not [secret for secret in secrets if secret.hex() in text]


def test_a_machine_is_not_made_over_anything(folder: Path, papers: Papers) -> None:
    image = (folder / NVRAM).read_bytes()
    with pytest.raises(FolderError, match="not empty"):
        create_machine(
            folder,
            papers,
            psd_serial="PSD00002",
            licence=LICENCE,
            entropy=SeededEntropy(b"other"),
            clock=a_clock(),
        )
    assert (folder / NVRAM).read_bytes() == image


def test_a_second_user_is_told_who_has_the_machine(folder: Path) -> None:
    with (
        open_machine(folder, a_clock(), "machine dial"),
        pytest.raises(FolderBusyError, match=r"process \d+ \(machine dial\)"),
        open_machine(folder, a_clock(), "machine show"),
    ):
        pass
    with open_machine(folder, a_clock(), "machine show") as machine:
        psd = machine.psd
        assert psd.state is MachineState.INSTALLED


def test_what_was_done_is_there_at_the_next_power_on(folder: Path) -> None:
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        small_server.recharged(psd, REAL)
        frank(psd, Paise(500), 3)
        record = psd.record
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        assert psd.record == record


def test_a_folder_without_a_machine_says_how_to_make_one(tmp_path: Path) -> None:
    with (
        pytest.raises(FolderError, match="rmfs machine new"),
        open_machine(tmp_path / "nothing", a_clock(), "test"),
    ):
        pass


def test_a_machine_that_was_never_finished_says_so(folder: Path) -> None:
    (folder / MACHINE).unlink()
    with (
        pytest.raises(FolderError, match="never finished"),
        open_machine(folder, a_clock(), "test"),
    ):
        pass


def test_a_memory_that_was_cut_short_is_not_switched_on(folder: Path) -> None:
    octets = (folder / NVRAM).read_bytes()
    (folder / NVRAM).write_bytes(octets[:-1])
    with (
        pytest.raises(StoreError, match="cut short"),
        open_machine(folder, a_clock(), "test"),
    ):
        pass


def test_a_server_of_another_maker_is_refused(tmp_path: Path, papers: Papers) -> None:
    stranger = MakerKey.generate("OEM", Realm.TEST, SeededEntropy(b"stranger"))
    (tmp_path / "maker.pem").write_text(write_private_key(stranger.signing.scalar))
    with pytest.raises(ProvisioningError, match="maker"):
        read_papers(tmp_path / "maker.pem", tmp_path / "server.json", Realm.TEST)


def test_a_server_of_another_realm_is_refused(tmp_path: Path, papers: Papers) -> None:
    with pytest.raises(ProvisioningError, match="realm"):
        read_papers(tmp_path / "maker.pem", tmp_path / "server.json", Realm.PRODUCTION)


def test_files_that_are_no_keys_are_refused(tmp_path: Path, papers: Papers) -> None:
    (tmp_path / "maker.pem").write_text("no key")
    with pytest.raises(KeyMaterialError):
        read_papers(tmp_path / "maker.pem", tmp_path / "server.json", Realm.TEST)
    with pytest.raises(FolderError, match="cannot be read"):
        read_papers(tmp_path / "none.pem", tmp_path / "server.json", Realm.TEST)


def _withdraw(folder: Path) -> None:
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        small_server.recharged(psd, REAL)
        dial = Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(200_000)), REAL)
        dial.say(dial.voucher())
        complete(dial)


def _reinitialise(folder: Path, maker: Path, licence: LicenceIdentifier) -> None:
    reinitialise_machine(
        folder,
        maker,
        licence=licence,
        entropy=SeededEntropy(b"new life"),
        clock=a_clock(),
    )


def test_a_re_initialised_machine_has_new_papers(
    folder: Path, tmp_path: Path, papers: Papers
) -> None:
    _withdraw(folder)
    _reinitialise(folder, tmp_path / "maker.pem", OTHER)
    provisioning = read_machine_provisioning(
        (folder / PROVISIONING).read_bytes(), [MAKER.public]
    )
    assert provisioning.credential.licence_identifier == OTHER
    assert provisioning.recharge_number == 2
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        assert psd.credential == provisioning.credential


def test_a_re_initialised_machine_has_forgotten_what_was_set(
    folder: Path, tmp_path: Path, papers: Papers
) -> None:
    with open_machine(folder, a_clock(), "test") as machine:
        machine.desk.put_department(Department(1, "Sales"))
        machine.desk.change(office_name="Mysuru HO", pins_on=True)
    _withdraw(folder)
    _reinitialise(folder, tmp_path / "maker.pem", OTHER)
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.settings == Settings()


def test_papers_that_a_power_cut_left_old_are_written_when_asked_again(
    folder: Path, tmp_path: Path, papers: Papers
) -> None:
    _withdraw(folder)
    old = (folder / PROVISIONING).read_bytes()
    _reinitialise(folder, tmp_path / "maker.pem", OTHER)
    finished = (folder / PROVISIONING).read_bytes()
    (folder / PROVISIONING).write_bytes(old)
    _reinitialise(folder, tmp_path / "maker.pem", OTHER)
    assert (folder / PROVISIONING).read_bytes() == finished
    with open_machine(folder, a_clock(), "test") as machine:
        psd = machine.psd
        assert len(psd.record.lives) == 2
        assert psd.credential.licence_identifier == OTHER


def test_a_machine_in_service_gets_no_new_papers(
    folder: Path, tmp_path: Path, papers: Papers
) -> None:
    before = (folder / PROVISIONING).read_bytes()
    with pytest.raises(LocalProtocolError, match="withdraw it before"):
        _reinitialise(folder, tmp_path / "maker.pem", OTHER)
    assert (folder / PROVISIONING).read_bytes() == before


@pytest.mark.parametrize("octets", [b"[" * 60_000, b" " * 70_000 + b"{}", b"\xff"])
def test_a_world_that_nobody_could_read_is_no_world(
    tmp_path: Path, octets: bytes
) -> None:
    (tmp_path / WORLD).write_bytes(octets)
    with pytest.raises(FolderError, match="delete it"):
        read_world(tmp_path)


def test_a_missing_flash_is_told_and_a_new_one_is_put_in(folder: Path) -> None:
    (folder / FLASH).unlink()
    with (
        pytest.raises(FolderError, match="new-flash`"),
        open_machine(folder, a_clock(), "test"),
    ):
        pass
    put_new_flash(folder, a_clock())
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.settings == Settings()
        assert machine.stop is MachineFault.TARIFF_DAMAGED
        logged = [(entry.code, entry.detail) for entry in machine.log.entries()]
        assert (EventCode.SETTINGS_LOST, (0, 0)) in logged
        assert (EventCode.SERVICE, (Service.NEW_FLASH, Role.OPERATOR)) in logged


def test_a_flash_that_is_not_faulty_is_given_up_only_when_that_is_meant(
    folder: Path,
) -> None:
    before = (folder / FLASH).read_bytes()
    assert put_new_flash(folder, a_clock()) is FirmwareRefusal.FLASH_NOT_FAULTY
    assert not (folder / OLD_FLASH).exists()
    assert put_new_flash(folder, a_clock(), meant=True) is None
    contents = slice(EVENTS_AT + EVENTS_MAX * EVENT_OCTETS, None)
    assert (folder / OLD_FLASH).read_bytes()[contents] == before[contents]
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.stop is MachineFault.TARIFF_DAMAGED


def test_a_flash_that_cannot_be_read_is_given_up_without_a_word(folder: Path) -> None:
    octets = (folder / FLASH).read_bytes()
    (folder / FLASH).write_bytes(octets[:-1])
    assert put_new_flash(folder, a_clock()) is None
    assert (folder / OLD_FLASH).read_bytes() == octets[:-1]


def test_who_may_not_puts_no_flash_in(folder: Path) -> None:
    before = (folder / FLASH).stat().st_ino
    refusal = put_new_flash(
        folder, a_clock(), meant=True, allow=lambda _machine: PinVerdict.WRONG
    )
    assert refusal is PinVerdict.WRONG
    assert (folder / FLASH).stat().st_ino == before


def test_an_old_flash_that_was_put_aside_is_never_written_over(folder: Path) -> None:
    assert put_new_flash(folder, a_clock(), meant=True) is None
    before = (folder / OLD_FLASH).read_bytes()
    with pytest.raises(FolderError, match="move it elsewhere"):
        put_new_flash(folder, a_clock(), meant=True)
    assert (folder / OLD_FLASH).read_bytes() == before
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.is_on
