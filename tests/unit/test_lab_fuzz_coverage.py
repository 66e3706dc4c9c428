"""Coverage counts cells, says what was never tried, and steers towards it."""

from hw.lab.fuzz.coverage import Counts, Coverage, Reached, read_coverage
from hw.lab.fuzz.grammar import cells
from protocol.link import Role

VOUCHER = Reached("stated", "VOUCHER", "CONFIRMATION")


def test_what_is_new_is_counted_once() -> None:
    coverage = Coverage(Role.MACHINE)
    assert coverage.add([VOUCHER, Reached("stated", "VOUCHER", "ERROR VOUCHER")]) == 2
    assert coverage.add([VOUCHER]) == 0
    assert coverage.counts.reached == 1
    assert coverage.counts.known == len(cells(Role.MACHINE))


def test_what_was_not_reached_is_told() -> None:
    coverage = Coverage(Role.SERVER)
    coverage.add([Reached("linked", "STATEMENT", "RECEIPT")])
    assert ("linked", "STATEMENT") not in coverage.unreached
    assert ("delivered", "CONFIRMATION") in coverage.unreached


def test_a_cell_that_nobody_has_named_is_counted_once_it_is_reached() -> None:
    coverage = Coverage(Role.MACHINE)
    coverage.add([Reached("nowhere", "nothing", "nothing")])
    assert coverage.counts == Counts(1, len(cells(Role.MACHINE)) + 1)
    assert coverage.as_json()["reached"][0]["state"] == "nowhere"


def test_it_is_written_and_read_again() -> None:
    coverage = Coverage(Role.MACHINE)
    coverage.add([VOUCHER, Reached("line", "octets", "nothing")])
    coverage.add([VOUCHER])
    again = read_coverage(coverage.as_json())
    assert again.as_json() == coverage.as_json()
    assert again.steering() == coverage.steering()


def test_what_was_reached_least_is_wanted_most() -> None:
    coverage = Coverage(Role.MACHINE)
    coverage.add([VOUCHER] * 2)
    steering = coverage.steering()
    assert steering.weight(("stated", "VOUCHER")) == 4
    assert steering.weight(("stated", "RECEIPT")) == 8
    coverage.add([VOUCHER] * 20)
    assert coverage.steering().weight(("stated", "VOUCHER")) == 1
