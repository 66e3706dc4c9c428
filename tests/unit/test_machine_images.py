"""Images of a machine: both memories and its papers, put back as they were."""

import json
import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from fm_device.cli import add_commands
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import (
    FLASH,
    MACHINE,
    NVRAM,
    PROVISIONING,
    SERVER,
    FolderBusyError,
    FolderError,
    Papers,
    create_machine,
    machine_parts,
    open_machine,
    reinitialise_machine,
)
from fm_device.presets import (
    Image,
    ImageError,
    PresetError,
    decode_image,
    dump_machine,
    encode_image,
    find_preset,
    preset_machine,
    restore_machine,
)
from fm_device.psd.memory import NVRAM_OCTETS
from hw.entropy import SeededEntropy
from protocol.errors import StoreError
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
    write_private_key,
    write_provisioning,
)
from protocol.registers import MachineState
from protocol.values import EpochSeconds, LicenceIdentifier
from tests.witness.small_server import a_clock

LICENCE = LicenceIdentifier("N123456")
FILES = (NVRAM, FLASH, MACHINE, PROVISIONING, SERVER)
PAPERS = (MACHINE, PROVISIONING, SERVER)


def papers(realm: Realm = Realm.TEST) -> Papers:
    entropy = SeededEntropy(realm.name.encode())
    maker = MakerKey.generate("OEM", realm, entropy)
    identity = ServerIdentity.generate("SERVER", realm, 1, entropy)
    credit = CreditKey.generate(1, realm, entropy).signing.public
    credential = identity.credential.with_credit_key(1, credit)
    server = ServerProvisioning(credential, EpochSeconds(1))
    return Papers(maker, server, write_provisioning(server, maker).encode())


def a_folder(path: Path, serial: str = "PSD00001", realm: Realm = Realm.TEST) -> Path:
    create_machine(
        path,
        papers(realm),
        psd_serial=serial,
        licence=LICENCE,
        entropy=SeededEntropy(serial.encode()),
        clock=a_clock(),
    )
    return path


def octets_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path / "office-1")


def test_what_is_dumped_is_restored_to_the_octet(folder: Path, tmp_path: Path) -> None:
    before = octets_of(folder)
    file = tmp_path / "office-1.image"
    assert dump_machine(folder, file) == file.stat().st_size
    assert octets_of(folder) == before, "a dump changes nothing"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    preset_machine(folder, find_preset("in-service"), a_clock())
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.psd.state is MachineState.IN_SERVICE
        machine.set(low_funds_paise=5)
    assert octets_of(folder) != before
    restore_machine(folder, file)
    assert octets_of(folder) == before


def test_a_machine_beyond_repair_is_dumped_and_restored(
    folder: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    dump_machine(folder, whole)
    with machine_parts(folder, "test") as (nvram, _):
        nvram.write(0, bytes(NVRAM_OCTETS))
    dump_machine(folder, broken)
    with pytest.raises(StoreError), open_machine(folder, a_clock(), "test"):
        pass
    restore_machine(folder, whole)
    with open_machine(folder, a_clock(), "test") as machine:
        assert machine.psd.state is MachineState.INSTALLED


def test_an_image_is_never_written_over_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_bytes(b"kept")
    with pytest.raises(ImageError, match="an image is written to a new file"):
        dump_machine(folder, file)
    assert file.read_bytes() == b"kept"


def test_an_image_of_another_psd_needs_a_word(folder: Path, tmp_path: Path) -> None:
    other = a_folder(tmp_path / "office-2", "PSD00002")
    dump_machine(other, tmp_path / "other")
    before = octets_of(folder)
    with pytest.raises(ImageError, match="of PSD00002, and this is PSD00001: --other"):
        restore_machine(folder, tmp_path / "other")
    assert octets_of(folder) == before
    restore_machine(folder, tmp_path / "other", other=True)
    assert octets_of(folder) == octets_of(other)


def test_the_papers_of_an_earlier_life_come_back_with_it(
    folder: Path, tmp_path: Path
) -> None:
    dump_machine(folder, tmp_path / "first-life")
    before = octets_of(folder)
    preset = tmp_path / "withdrawn.toml"
    preset.write_text('[state]\nstanding = "WITHDRAWN"\n')
    preset_machine(folder, find_preset(str(preset)), a_clock())
    maker = tmp_path / "maker.pem"
    maker.write_text(write_private_key(papers().maker.signing.scalar))
    reinitialise_machine(
        folder,
        maker,
        licence=LicenceIdentifier("N777777"),
        entropy=SeededEntropy(b"second"),
        clock=a_clock(),
    )
    assert "N777777" in (folder / MACHINE).read_text()
    restore_machine(folder, tmp_path / "first-life")
    assert octets_of(folder) == before


def test_a_production_machine_takes_part_in_none_of_it(tmp_path: Path) -> None:
    real = a_folder(tmp_path / "real", realm=Realm.PRODUCTION)
    test = a_folder(tmp_path / "test")
    before = octets_of(real)
    dump_machine(test, tmp_path / "image")
    with pytest.raises(PresetError, match="is in PRODUCTION"):
        dump_machine(real, tmp_path / "real.image")
    assert not (tmp_path / "real.image").exists()
    with pytest.raises(PresetError, match="is in PRODUCTION"):
        preset_machine(real, find_preset("in-service"), a_clock())
    with pytest.raises(PresetError, match="is in PRODUCTION"):
        restore_machine(real, tmp_path / "image", other=True)
    assert octets_of(real) == before
    smuggled = encode_image(
        Image(
            {name: (test / name).read_text() for name in PAPERS},
            (real / NVRAM).read_bytes(),
            (real / FLASH).read_bytes(),
        )
    )
    (tmp_path / "smuggled").write_bytes(smuggled)
    with pytest.raises(PresetError, match="is in PRODUCTION"):
        restore_machine(test, tmp_path / "smuggled")


def test_a_machine_in_use_is_left_alone(folder: Path, tmp_path: Path) -> None:
    with open_machine(folder, a_clock(), "a long day"):
        with pytest.raises(FolderBusyError, match="a long day"):
            dump_machine(folder, tmp_path / "image")
        with pytest.raises(FolderBusyError):
            preset_machine(folder, find_preset("in-service"), a_clock())


def test_a_changed_image_is_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "image"
    dump_machine(folder, file)
    octets = file.read_bytes()
    before = octets_of(folder)
    for at in (0, 8, 12, 40, 2000, 50_000, len(octets) - 40, len(octets) - 1):
        changed = bytearray(octets)
        changed[at] ^= 1
        file.write_bytes(changed)
        with pytest.raises(ImageError):
            restore_machine(folder, file)
    for length in (0, 7, 11, 12, 5000, len(octets) - 1):
        file.write_bytes(octets[:length])
        with pytest.raises(ImageError):
            restore_machine(folder, file)
    assert octets_of(folder) == before


def test_an_image_without_its_papers_is_refused() -> None:
    image = Image({MACHINE: "{}"}, bytes(NVRAM_OCTETS), bytes(FLASH_OCTETS))
    octets = encode_image(image)
    assert decode_image(octets, (MACHINE,)) == image
    with pytest.raises(ImageError, match="these papers belong in it"):
        decode_image(octets, PAPERS)


def test_a_file_that_does_not_exist_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="cannot be read"):
        restore_machine(folder, tmp_path / "nothing")


# The commands.


def run(*arguments: object) -> Result:
    root = click.Group()
    add_commands(root)
    words = ["machine", *map(str, arguments)]
    return CliRunner().invoke(root, words, standalone_mode=False)


def test_the_command_says_loudly_what_it_does(folder: Path) -> None:
    result = run("preset", folder, "low-funds", "--json")
    assert result.exception is None
    assert result.stderr.startswith("LAB TOOL: what this machine tells from now on")
    assert json.loads(result.stdout)["descending_paise"] == 700
    assert run("preset", folder, "unbalanced").stdout.endswith("OUT OF BALANCE\n")


def test_presets_are_listed_and_shown() -> None:
    listed = run("preset", "--list").stdout.splitlines()
    assert len(listed) == 21
    assert any(line.startswith("unbalanced ") for line in listed)
    assert json.loads(run("preset", "--list", "--json").stdout)["low-funds"]
    assert run("preset", "--show", "low-funds").stdout.startswith('title = "Rs 7.00')
    assert isinstance(run("preset").exception, click.UsageError)


def test_a_wrong_file_is_told_with_its_name_and_place(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[registers]\nitems = -1\n")
    result = run("preset", folder, file)
    assert str(result.exception).startswith(f"{file}: registers.items: -1 is not")


def test_dump_and_restore_by_command(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "image"
    assert "with the private keys of the machine" in run("dump", folder, file).stdout
    before = octets_of(folder)
    run("preset", folder, "blocked")
    result = run("restore", folder, file)
    assert result.stderr.startswith("LAB TOOL")
    assert octets_of(folder) == before
