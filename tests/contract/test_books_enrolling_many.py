"""Machines that are enrolled together: as if one by one, and all of them or none."""

import pytest

from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.enrolling import NewLicence
from rmfs_server.refusals import MoveRefusedError
from tests.paper_machine import BY, NEW, Office, PaperMachine


def a_machine(number: int) -> PaperMachine:
    licence = LicenceIdentifier(f"N{number:06d}")
    return PaperMachine(licence, f"PSD{number:05d}", seed=b"%d" % number)


def licence_of(number: int) -> NewLicence:
    return NewLicence(LicenceNumber(f"KN{number:07d}"), NEW.licensee, NEW.expires_on)


def test_machines_that_are_enrolled_together_can_be_recharged(office: Office) -> None:
    made = [a_machine(number) for number in range(1, 4)]
    papers = [
        (machine.provisioning, licence_of(number))
        for number, machine in enumerate(made, 1)
    ]
    office.administration.enrol_all(papers, BY)
    for machine in made:
        office.deposit(100_000, machine.licence)
        office.recharge(machine, 100_000)
        assert office.balances(machine.licence) == (0, 0, 100_000)
    assert office.administration.machines_in_use() == [one.licence for one in made]


def test_none_is_enrolled_where_one_is_refused(office: Office) -> None:
    known, new = a_machine(1), a_machine(2)
    office.administration.enrol(known.provisioning, licence_of(1), BY)
    papers = [
        (new.provisioning, licence_of(2)),
        (known.provisioning, licence_of(1)),
    ]
    with pytest.raises(MoveRefusedError, match="never used again"):
        office.administration.enrol_all(papers, BY)
    assert office.administration.machines_in_use() == [known.licence]
    assert office.findings() == []
