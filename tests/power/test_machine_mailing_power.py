"""The power fails while a statement of mailing is closed: no frank is told of twice.

A statement is closed by one change of the settings before anything is printed. Wherever
that is cut, either it is not closed, and the next one tells of the same mail under the
same number, or it is, and can be printed again.
"""

from collections import Counter
from typing import Any

import pytest

from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.firmware.reporting import report
from fm_device.flash.settings import Department
from tests.machines import Bench, a_machine
from tests.power_cuts import CutBench, after_every_cut, copy_of

_Told = tuple[dict[str, Any], ...]


def told(bench: Bench, *, again: bool = False) -> _Told:
    made = report(bench.machine, "mailing", again=again)
    assert isinstance(made, tuple), made
    return tuple(one.figures for one in made)


@pytest.fixture(scope="module", params=[False, True], ids=["one", "per customer"])
def before(request: pytest.FixtureRequest) -> Bench:
    """A machine with one statement behind it, and mail of two departments."""
    bench = a_machine()
    desk, franking = bench.machine.desk, bench.machine.franking
    desk.change(
        departments=(Department(1, "Sales"), Department(2, "Accounts")),
        accounts_on=request.param,
    )
    for number in (1, 2, 1):
        franking.choose_department(number)
        bench.franked()
    told(bench)
    for number, grams in ((1, 18), (2, 35)):
        franking.choose_department(number)
        bench.franked(grams)
    bench.machine.switch_off()
    return bench


def test_a_statement_is_closed_or_not_and_its_number_is_used_once(
    before: Bench,
) -> None:
    whole = copy_of(before)
    whole.machine.switch_on()
    expected = told(whole)
    assert sum(figures["amount_paise"] for figures in expected) == 1500
    seen: Counter[str] = Counter()

    def close(bench: CutBench) -> None:
        told(bench)

    for found in after_every_cut(before, close):
        bench = found.bench
        made = report(bench.machine, "mailing")
        if isinstance(made, tuple):
            seen["not closed"] += 1
            assert tuple(one.figures for one in made) == expected
        else:
            seen["closed"] += 1
            assert made is FirmwareRefusal.NO_MAIL
        assert told(bench, again=True) == expected
        assert bench.machine.settings.som_number == 2 * len(expected)
        bench.machine.franking.choose_department(1)
        bench.franked()
        (after,) = told(bench)
        assert after["opening_ascending_paise"] == 3000
        assert after["amount_paise"] == 500
    assert set(seen) == {"closed", "not closed"}
