"""Evidence of a recharge verifies offline, by us and by OpenSSL; no bit of it bends."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.dialogue.server import Closed, Delivered
from protocol.registers import RequestKind
from rmfs_server.evidence import (
    EvidenceError,
    collect,
    describe,
    read_folder,
    verify_evidence,
    write_folder,
)
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine, office_at
from tests.witness.programs import needs

OCTET_FILES = ("octets", "binding", "signed", "der")


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    with office_at(sqlite_url) as office:
        yield office


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    return office.enrolled(500_000, 200_000)


def gather(office: Office, number: int | None = None) -> dict[str, bytes]:
    with office.store.reading() as connection:
        return collect(connection, LICENCE, number)


def run_readme(folder: Path) -> list[bool]:
    """Run every command of the folder's README; say which ones verified."""
    openssl = needs("openssl")
    commands = re.findall(
        r"^openssl (.*)$", (folder / "README.txt").read_text(), re.MULTILINE
    )
    return [
        subprocess.run(
            [openssl, *command.split()], cwd=folder, capture_output=True, check=False
        ).returncode
        == 0
        for command in commands
    ]


def test_a_confirmed_recharge_verifies_here_and_with_openssl(
    office: Office, machine: PaperMachine, tmp_path: Path
) -> None:
    files = gather(office)
    assert verify_evidence(files) == []
    found = describe(files)
    assert found["outcome"] == "POSTED"
    assert found["messages"]["settled"]["type"] == "CONFIRMATION"
    assert found["messages"]["voucher"]["amount_paise"] == 200_000
    write_folder(files, tmp_path / "evidence")
    assert run_readme(tmp_path / "evidence") == [True, True, True]
    assert read_folder(tmp_path / "evidence") == files


def test_a_recharge_posted_by_the_next_statement_has_that_statement(
    office: Office, machine: PaperMachine, tmp_path: Path
) -> None:
    _, answer = office.state(machine, RequestKind.RECHARGE, 100_000)
    assert isinstance(answer, Delivered)
    machine.apply(answer.voucher)
    office.inspect(machine)
    files = gather(office, 2)
    assert verify_evidence(files) == []
    assert describe(files)["messages"]["settled"]["type"] == "STATEMENT"
    write_folder(files, tmp_path / "evidence")
    assert run_readme(tmp_path / "evidence") == [True, True, True]


def test_a_statement_that_settles_and_asks_again_is_in_both_folders(
    office: Office, machine: PaperMachine
) -> None:
    _, answer = office.state(machine, RequestKind.RECHARGE, 100_000)
    machine.apply(answer.voucher)
    _, answer = office.state(machine, RequestKind.RECHARGE, 100_000)
    assert isinstance(answer, Delivered)
    second, third = gather(office, 2), gather(office, 3)
    assert second["settled.octets"] == third["statement.octets"]
    assert verify_evidence(second) == []
    assert verify_evidence(third) == []
    assert describe(third)["outcome"] == "NOT SETTLED BY A MESSAGE"


def test_a_recharge_that_was_taken_back_carries_its_void(
    office: Office, machine: PaperMachine
) -> None:
    office.state(machine, RequestKind.RECHARGE, 100_000)
    machine.apply(office.administration.void(LICENCE, BY))
    _, answer = office.state(machine)
    assert isinstance(answer, Closed)
    files = gather(office)
    assert verify_evidence(files) == []
    assert describe(files)["outcome"] == "VOIDED"
    assert "void.der" in files


def test_one_changed_bit_in_any_file_is_found(
    office: Office, machine: PaperMachine
) -> None:
    files = gather(office)
    for name, content in files.items():
        for place in range(len(content)):
            bent = bytearray(content)
            bent[place] ^= 1 << place % 8
            changed = {**files, name: bytes(bent)}
            assert verify_evidence(changed) != [], f"{name}, octet {place}"


def test_a_file_that_is_missing_is_found(office: Office, machine: PaperMachine) -> None:
    files = gather(office)
    for name in files:
        left = {key: value for key, value in files.items() if key != name}
        assert verify_evidence(left) != [], name


@pytest.mark.parametrize("part", ["statement", "voucher", "settled"])
@pytest.mark.parametrize("ending", ["signed", "der"])
def test_openssl_finds_a_changed_bit(
    office: Office, machine: PaperMachine, tmp_path: Path, part: str, ending: str
) -> None:
    files = gather(office)
    name = f"{part}.{ending}"
    bent = bytearray(files[name])
    bent[-1] ^= 1
    write_folder({**files, name: bytes(bent)}, tmp_path / "evidence")
    results = run_readme(tmp_path / "evidence")
    assert results.count(False) == 1


def test_evidence_of_two_recharges_does_not_mix(
    office: Office, machine: PaperMachine
) -> None:
    office.recharge(machine, 100_000)
    first, second = gather(office, 1), gather(office, 2)
    mixed = {name: second.get(name, b"") for name in second}
    for ending in OCTET_FILES:
        mixed[f"settled.{ending}"] = first[f"settled.{ending}"]
    details = {finding.detail for finding in verify_evidence(mixed)}
    assert "its number is not the voucher's" in details
    assert "its CT fits neither voucher nor VOID" in details


def test_evidence_of_a_recharge_that_does_not_exist_is_refused(
    office: Office, machine: PaperMachine
) -> None:
    with pytest.raises(EvidenceError, match="recharge 9"):
        gather(office, 9)


def test_evidence_is_not_written_over_anything(
    office: Office, machine: PaperMachine, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(EvidenceError, match="not empty"):
        write_folder(gather(office), tmp_path)


def test_the_issue_time_of_the_voucher_is_in_the_evidence(
    office: Office, machine: PaperMachine
) -> None:
    assert describe(gather(office))["messages"]["voucher"]["time"] == NOW
