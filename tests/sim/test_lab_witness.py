"""A witness that shares no code with the product agrees with the bench, case by case.

Every case of the catalogue is played at the reference stands in virtual time. The
witness (`tests/oracle`) has the octets of the lines, flags and escapes included, and
reads them by the text of SPEC.md; the bench reads its own trace. Compared are frames,
what is none, packets, every field of every message, codes of ERRORs, directions and
order; then the registers of the verdict with those that the witness has heard stated.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from hw.lab.catalogue import Case, read_catalogue
from hw.lab.stated import Stated as BenchStated
from protocol.link import Role
from rmfs_tools.lab.run_files import captures, key_log
from tests.oracle.capture import hear_capture
from tests.oracle.octets import Way
from tests.oracle.secrets import read_key_log
from tests.oracle.vouchers import Stated
from tests.oracle.witness import Heard
from tests.witness.lab_witnessed import (
    Played,
    Witnessed,
    witnessed_machine,
    witnessed_server,
)

CASES: Final = read_catalogue()
STATES_A_LIE: Final = {"DLG-09-08-S-N"}
"""The bench states a paisa more in AR than the machine that it plays has: its books
keep what is true, the witness what was said."""
MESSAGES: Final = [
    *("STATEMENT", "CONFIRMATION", "USAGE", "GOODBYE", "LAST_VOUCHER", "WANT"),
    *("VOUCHER", "REFUSAL", "RECEIPT", "ACK", "ORDER", "CONTENT", "elective"),
]
ERRORS: Final = ["ERROR 1", "ERROR 2", "ERROR 4", "ERROR 5", "ERROR 7"]
AMISS: Final = ["FOREIGN", "CONTROL", "INFORMATION", "LENGTH", "NUMBER", "SEGMENT"]
COMMON: Final = [*MESSAGES, *ERRORS, *AMISS, "MESSAGE", "PASSED_OVER", "no frames"]
"""What both roles' cases show at least once."""
LIES_OF_A_BENCH: Final = {
    Role.MACHINE: {"REG-6", "REG-7.1", "REG-8", "DLG-7.6", "DLG-16.1", "CONT-2.1"},
    Role.SERVER: {"DLG-3", "REG-2", "REG-3", "REG-4", "DLG-4.4", "DLG-9", "DLG-7.2"},
}
"""Clauses that a bench breaks on purpose, by the role of the unit."""


@dataclass
class Seen:
    """What came of all cases of one role, by their ids."""

    role: Role
    cases: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)
    against_the_unit: dict[str, list[str]] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)
    captures: dict[str, str] = field(default_factory=dict)
    apart: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    against_the_bench: Counter[str] = field(default_factory=Counter)


def seen(witnessed: Witnessed, role: Role) -> Seen:
    """Play every case of a role."""
    found = Seen(role)
    for case in CASES:
        if case.role is role:
            note(found, case, witnessed.play(case))
    return found


def note(found: Seen, case: Case, played: Played) -> None:
    """Keep what is to be said of one case."""
    found.cases += 1
    if differences := played.differences:
        found.differences[case.id] = differences
    unit = Way.MACHINE if case.role is Role.MACHINE else Way.SERVER
    for finding in played.findings:
        if finding.against is unit:
            words = f"{finding.clause}: {finding.words}"
            found.against_the_unit.setdefault(case.id, []).append(words)
        else:
            found.against_the_bench[finding.clause] += 1
    for when in ("before", "after"):
        bench, ours = getattr(played.result, when), getattr(played, when)
        if registers(bench) != ours:
            found.registers[case.id] = f"{when}: witness {ours}, bench {bench}"
    compare_capture(found, case, played)
    for _, heard in played.lines:
        count(found.counts, heard)


def compare_capture(found: Seen, case: Case, played: Played) -> None:
    """Read what a certification would leave of the case, and compare."""
    trace = played.result.trace
    known = read_key_log(key_log(trace).decode().splitlines())
    files = captures(trace, "a line")
    found.apart += len(files) > 1
    from_captures = [
        read(one) for octets in files.values() for one in hear_capture(octets, known)
    ]
    from_octets = [
        read(one)
        for _, heard in played.lines
        for one in heard
        if one.carried is not None
    ]
    if from_captures != from_octets:
        found.captures[case.id] = "what is read differs"


def read(heard: Heard) -> tuple[object, ...]:
    """What was read of a frame."""
    return heard.way, heard.piece.frame, heard.carried, heard.packets, heard.secrets


def count(counts: Counter[str], heard: list[Heard]) -> None:
    """Count what there was to agree about."""
    for one in heard:
        counts["frames" if one.carried else "no frames"] += 1
        if one.carried is not None and one.carried.amiss is not None:
            counts[one.carried.amiss.name] += 1
        for packet in one.packets:
            counts["packets"] += 1
            if packet.name == "ERROR":
                counts[f"ERROR {packet.error}"] += 1
            if not packet.is_read:
                counts["packets that cannot be read"] += 1
            if packet.message is not None:
                counts["messages"] += 1
                counts[packet.message.name] += 1
                counts["fields"] += len(packet.message.fields)


def registers(bench: BenchStated | None) -> Stated | None:
    """The registers of a verdict, as the witness has them."""
    if bench is None:
        return None
    registers = bench.registers
    return Stated(
        registers.ascending_paise,
        registers.descending_paise,
        registers.control_total_paise,
        registers.items,
        registers.items_with_zero,
        bench.recharge_number,
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(role, marks=pytest.mark.xdist_group(f"the witnessed {role.value}"))
        for role in Role
    ],
    ids=[role.value for role in Role],
)
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    if request.param is Role.MACHINE:
        return seen(witnessed_machine(), Role.MACHINE)
    folder: Path = tmp_path_factory.mktemp("server")
    return seen(witnessed_server(folder), Role.SERVER)


def test_bench_and_witness_read_every_case_alike(found: Seen) -> None:
    assert found.differences == {}
    assert found.cases == sum(case.role is found.role for case in CASES)


def test_the_witness_finds_nothing_against_a_reference_unit(found: Seen) -> None:
    assert found.against_the_unit == {}


def test_a_verdict_has_the_registers_that_the_witness_has_heard(found: Seen) -> None:
    lies = {one for one in STATES_A_LIE if f"-{found.role.name[0]}-" in one}
    assert set(found.registers) == lies


def test_the_capture_of_a_case_reads_as_its_octets_do(found: Seen) -> None:
    assert found.captures == {}
    assert found.apart < found.cases // 10


def test_there_was_much_to_agree_about(found: Seen) -> None:
    assert not [name for name in COMMON if not found.counts[name]]
    assert found.counts["messages"] > 2_000
    assert found.counts["fields"] > 20_000
    assert found.counts["packets that cannot be read"] > 20


def test_the_witness_finds_out_a_bench_that_plays_a_cheat(found: Seen) -> None:
    cheated = set(found.against_the_bench)
    assert not LIES_OF_A_BENCH[found.role] - cheated, found.against_the_bench
