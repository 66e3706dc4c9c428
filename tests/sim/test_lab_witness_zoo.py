"""The witness beside faulty units: it agrees with the bench, and judges by itself.

The zoo's units have one mistake each. Where it is one of money, the witness finds it in
the octets alone, by its own judge, whatever the bench says of the case.
"""

from typing import Final

import pytest

from hw.lab.catalogue import read_catalogue
from rmfs_tools.lab.zoo.playing import cases_that_catch
from rmfs_tools.lab.zoo.units import FaultyUnit, faulty_units
from tests.witness.lab_witnessed import witnessed_unit

CASES: Final = read_catalogue()
UNITS: Final = {unit.id: unit for unit in faulty_units()}
IN_EVERY_RUN: Final = {
    "voucher-signature-not-checked": "REG-6",
    "amount-from-the-request": "REG-4",
    "ascending-lost-at-power-cut": "REG-2",
    "mark-not-returned": "DLG-7.2",
    "digest-of-new-rows": "DLG-9.1",
    "signature-without-the-channel": "DLG-3",
    "control-total-sum-ignored": "DLG-8",
    "voucher-rebuilt": "REG-7.1",
}
FOUND_AS_WELL: Final = {
    "any-later-number": "REG-6",
    "confirmed-before-stored": "REG-3",
    "control-total-after-not-checked": "REG-6",
    "control-total-before-not-checked": "REG-6",
    "control-total-stops": "REG-6",
    "credential-hash-not-checked": "REG-6",
    "dial-in-counted-when-complete": "DLG-4.4",
    "dial-in-not-stored": "DLG-4.4",
    "length-not-checked": "DLG-7.2",
    "refused-voucher-kept": "DLG-8.3",
    "retired-key-trusted": "REG-6",
    "voucher-licence-not-checked": "REG-6",
    "voucher-replay-accepted": "REG-6",
    "withdrawal-of-a-part": "REG-6",
    "channel-outlives-its-error": "DLG-7.6",
    "confirmation-signature-not-checked": "DLG-3",
    "control-total-history-ignored": "REG-6",
    "fallen-row-taken": "DLG-9.3",
    "mark-judged-first": "DLG-8",
    "mark-not-fresh": "DLG-7.1",
    "number-ahead-settles": "DLG-7.6",
    "psd-serial-not-checked": "DLG-3",
    "statement-signature-not-checked": "DLG-3",
    "usage-digest-not-checked": "DLG-9.3",
    "usage-sum-not-checked": "DLG-9.3",
    "version-not-checked": "DLG-2",
}
"""Units of the zoo in whose money the witness itself finds the mistake."""


def clauses_against(unit: FaultyUnit) -> set[str]:
    """Play what is to catch a unit; what the witness finds, where the two agree."""
    found: set[str] = set()
    with witnessed_unit(unit) as witnessed:
        for case in cases_that_catch(unit, CASES):
            played = witnessed.play(case)
            assert played.differences == [], case.id
            found |= {finding.clause for finding in played.against(unit.role)}
    return found


@pytest.mark.parametrize("name", IN_EVERY_RUN)
def test_the_witness_finds_a_mistake_in_money_by_itself(name: str) -> None:
    assert IN_EVERY_RUN[name] in clauses_against(UNITS[name])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(UNITS))
def test_the_two_readings_agree_on_every_faulty_unit(name: str) -> None:
    clauses = clauses_against(UNITS[name])
    expected = (IN_EVERY_RUN | FOUND_AS_WELL).get(name)
    assert expected is None or expected in clauses
