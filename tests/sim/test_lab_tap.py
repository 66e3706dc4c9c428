"""A tap beside the bench: the whole catalogue, and faulty units, as it hears them.

The unit under test is right in every case, whatever the bench does to it, so that the
tap fails it nowhere; and where the bench is wrong, the tap says so.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hw.lab.catalogue import read_catalogue
from hw.lab.player import Player, Result
from hw.lab.tap.bystander import Bystander
from hw.lab.tap.known_machine import Papers
from hw.lab.tap.sheet import TapVerdict, read_looks
from hw.lab.trace import Traffic
from protocol.keys import MachineCredential, ServerCredential
from protocol.link import Role
from rmfs_tools.lab.reference import (
    MachineStand,
    ServerStand,
    machine_stand,
    server_stand,
)
from rmfs_tools.lab.reference_server import SERVER
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.lab.zoo.playing import cases_that_catch, play
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY
from tests import tap_dialogues, tap_links
from tests.tap_story import Story

CASES = read_catalogue()
Judged = set[tuple[str, Role]]
BINDINGS: dict[bytes, bytes] = {}
"""Of all channels of the bench."""
MACHINES: dict[str, MachineCredential] = {}
"""Those that the bench has been."""
LOOKS: Judged = {(look.clause, side) for look in read_looks() for side in look.sides}


def listened(by: Bystander, result: Result) -> None:
    """Give the traffic of a case to whoever stands by."""
    by.learn(result.trace.keys)
    BINDINGS.update(result.trace.bindings)
    for entry in result.trace.entries:
        if isinstance(entry, Traffic):
            by.line(f"{result.case.id} line {entry.line}").take(entry.seen)


def papers_of(stand: MachineStand | ServerStand) -> Papers:
    """What the lab knows beforehand: of machines under test their file as well."""
    if isinstance(stand, ServerStand):
        return Papers(SERVER, MACHINES, BINDINGS)
    machine = stand.unit.provisioning.credential
    server: ServerCredential = IDENTITY.credential.with_credit_key(
        CREDIT_KEY.key_id, CREDIT_KEY.signing.public
    )
    return Papers(server, {machine.licence_identifier: machine}, BINDINGS)


def with_verdict(by: Bystander, verdict: TapVerdict) -> Judged:
    return {key for key, line in by.sheet.lines.items() if line.verdict is verdict}


@cache
def heard(role: Role) -> tuple[tuple[str, ...], Judged, Judged]:
    """Play all cases of a role beside one tap; failures of the unit, and of anybody."""
    exercised: Judged = set()
    failed: Judged = set()
    with TemporaryDirectory(prefix="server-") as folder:
        stand = machine_stand() if role is Role.MACHINE else server_stand(Path(folder))
        whole = Bystander({}, papers_of(stand))
        for case in CASES:
            if case.role is not role:
                continue
            stand.bench.begin_case()
            if isinstance(stand, ServerStand):
                machine = stand.bench.side.identity.credential
                MACHINES[machine.licence_identifier] = machine
            result = run(
                stand.clock, Player(stand.bench, stand.bench.side, case).play()
            )
            one = Bystander({})
            listened(one, result)
            one.finish()
            listened(whole, result)
            exercised |= with_verdict(one, TapVerdict.EXERCISED)
            failed |= with_verdict(one, TapVerdict.FAILED)
        whole.finish()
        # With papers vouchers are verified: the bench has signed right and wrong ones.
        exercised |= {key for key, line in whole.sheet.lines.items() if line.right}
        failed |= with_verdict(whole, TapVerdict.FAILED)
        if isinstance(stand, ServerStand):
            stand.unit.close()
    wrong = tuple(
        f"{one.clause} at {one.place}: {one.expected}; seen {one.seen}"
        for one in whole.sheet.failures
        if one.side is role
    )
    return wrong, exercised, failed


@pytest.mark.xdist_group("the tap")
@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_a_unit_that_is_right_fails_nowhere_whatever_is_done_to_it(role: Role) -> None:
    wrong, exercised, _ = heard(role)
    assert wrong == ()
    assert len({clause for clause, side in exercised if side is role}) > 70


def told(stories: Iterable[tap_links.Teller]) -> list[Bystander]:
    found = []
    for teller in stories:
        story = Story()
        teller(story)
        story.by.finish()
        found.append(story.by)
    return found


@pytest.mark.xdist_group("the tap")
def test_whatever_is_judged_can_be_found_wrong_and_right() -> None:
    failed: Judged = set()
    exercised: Judged = set()
    for role in Role:
        _, right, wrong = heard(role)
        exercised |= right
        failed |= wrong
    broken = (*tap_links.BROKEN.values(), *tap_dialogues.BROKEN.values())
    fine = (*tap_links.RIGHT.values(), *tap_dialogues.RIGHT.values())
    for by in told(broken):
        failed |= with_verdict(by, TapVerdict.FAILED)
    for by in told(fine):
        exercised |= with_verdict(by, TapVerdict.EXERCISED)
    # Who takes a wrong signature is named in tests/unit/test_lab_tap_papers.py.
    assert LOOKS - failed == {("DLG-3.2", Role.SERVER)}
    assert LOOKS - exercised == set()


CAUGHT = {
    "window-of-five": "LINK-6.3",
    "reject-for-one-gap-twice": "LINK-7.2",
    "ua-with-wrong-f": "LINK-5.2",
    "pending-amount-changeable": "DLG-4.2",
    "voucher-replay-accepted": "DLG-5.3",
    "channel-outlives-its-error": "CHAN-8.3",
    "mark-not-fresh": "DLG-7.1",
    "capabilities-ignored": "DLG-10.6",
    "voucher-rebuilt": "REG-7.1",
    "version-not-checked": "DLG-11.1",
    "registers-may-go-back": "DLG-8.1",
    "step-not-checked": "DLG-8",
}
"""Faulty units, and the clause by which a tap names the defect."""
FAULTY = [unit for unit in faulty_units() if unit.id in CAUGHT]


@pytest.mark.parametrize("unit", FAULTY, ids=lambda unit: unit.id)
def test_a_faulty_unit_is_named_by_the_clause_that_it_breaks(unit: FaultyUnit) -> None:
    by = Bystander({})
    for result in play(unit.id, unit.edits, unit.role, cases_that_catch(unit, CASES)):
        listened(by, result)
    assert by.sheet.verdict(CAUGHT[unit.id], unit.role) is TapVerdict.FAILED


def test_all_of_these_units_are_in_the_zoo() -> None:
    assert {unit.id for unit in FAULTY} == set(CAUGHT)
