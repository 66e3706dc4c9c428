"""The power fails while private keys are erased or replaced: none is left behind.

What is searched is the whole image of both memories, for the octets of each scalar.
"""

import pytest

from fm_device.firmware.desk import Desk
from fm_device.firmware.dialling import DialRefusal
from fm_device.firmware.machine import Machine
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.session import VoucherRefusedError
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Request
from protocol.keys import MachineIdentity, Realm
from protocol.registers import MachineState, RequestKind
from protocol.values import LicenceIdentifier, Paise
from tests.machines import Bench, a_machine
from tests.power_cuts import (
    EVERY,
    CutBench,
    after_every_cut,
    copy_of,
    strikes_of,
    struck_by,
    switch_on,
)
from tests.witness.small_server import LICENCE, SERIAL, Dial, voucher_for

OTHER = LicenceIdentifier("N777777")
OLD_KEYS = MachineIdentity.generate(
    LICENCE, SERIAL, Realm.TEST, SeededEntropy(SERIAL.encode())
)
NEW_KEYS = MachineIdentity.generate(
    OTHER, SERIAL, Realm.TEST, SeededEntropy(b"new life")
)


def holds(bench: Bench, identity: MachineIdentity) -> bool:
    """Whether a scalar of an identity stands anywhere in either memory."""
    image = bench.nvram.image() + bench.flash.image()
    scalars = (identity.dh_private, identity.signing.scalar)
    found = [scalar in image for scalar in scalars]
    assert found[0] == found[1]
    return found[0]


@pytest.fixture(scope="module")
def in_service() -> Bench:
    bench = a_machine()
    bench.franked()
    bench.machine.switch_off()
    return bench


def tamper(bench: CutBench) -> None:
    bench.machine.desk.tampered()


def check_erased(bench: CutBench) -> None:
    machine = bench.machine
    assert not holds(bench, OLD_KEYS)
    assert machine.psd.zeroised
    assert machine.psd.state is MachineState.FAULT
    assert machine.franking.frank() is FrankRefusal.FAULT
    assert machine.calls.plan(RequestKind.INSPECTION) is DialRefusal.KEYS_ERASED
    assert machine.record.registers.descending_paise == 200_000 - 500
    assert machine.record.balanced


@EVERY
def test_no_key_is_left_after_the_start_that_follows_a_cut_zeroisation(
    in_service: Bench, *, every: bool
) -> None:
    whole = copy_of(in_service)
    switch_on(whole)
    assert holds(whole, OLD_KEYS), "the search finds what is there"
    for found in after_every_cut(in_service, tamper, every=every, stride=5):
        check_erased(found.bench)
        assert found.bench.logged(EventCode.TAMPER)


def test_no_key_is_left_though_the_next_start_is_cut_as_well(
    in_service: Bench,
) -> None:
    """The power fails in the erasing, in the start that goes on with it, and comes."""
    strikes = [strike for strike, _ in strikes_of(in_service, tamper)][::3]
    for first in strikes:
        struck = struck_by(in_service, tamper, first)
        struck.machine = Machine(struck.machine.parts, struck.machine.sensors)
        for found in after_every_cut(struck, switch_on, prepare=_off, only=5):
            check_erased(found.bench)


def _off(bench: CutBench) -> None:
    """A start is cut from its first write on."""


def test_zeroisation_comes_before_everything_that_is_under_way(
    in_service: Bench,
) -> None:
    """A dial-in is open in which a wrong voucher came."""

    def dial_then_tamper(bench: CutBench) -> None:
        bench.machine.desk.tampered()

    def in_a_dial_in(bench: CutBench) -> None:
        switch_on(bench)
        dial = bench.dial(Request(RequestKind.RECHARGE, Paise(100_000)))
        _say_wrong_voucher(dial)

    for found in after_every_cut(in_service, dial_then_tamper, prepare=in_a_dial_in):
        assert not holds(found.bench, OLD_KEYS)
        assert found.bench.machine.psd.zeroised
        assert found.bench.machine.record.wrong_vouchers == 1


def _say_wrong_voucher(dial: Dial) -> None:
    wrong = voucher_for(dial.statement, dial.credential, context="RECEIPT")
    with pytest.raises(VoucherRefusedError):
        dial.say(wrong)


# A new life.


@pytest.fixture(scope="module")
def withdrawn() -> Bench:
    """A machine with settings of its licensee and a department, and nothing left."""
    bench = a_machine()
    desk: Desk = bench.machine.desk
    assert desk.change(departments=(Department(7, "Sales"),), slogan=0) is None
    assert bench.machine.franking.choose_department(7) is None
    bench.franked()
    bench.withdraw()
    assert bench.machine.psd.state is MachineState.WITHDRAWN
    bench.machine.switch_off()
    return bench


def reinitialise(bench: CutBench) -> None:
    """What `rmfs machine reinitialise` does, which can be asked for again."""
    machine = bench.machine
    if machine.record.life.licence != OTHER:
        machine.psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    machine.desk.begin_life()


@EVERY
def test_a_cut_new_life_has_the_keys_of_one_life_alone(
    withdrawn: Bench, *, every: bool
) -> None:
    seen = set()
    for found in after_every_cut(withdrawn, reinitialise, every=every, stride=5):
        machine = found.bench.machine
        life = machine.record.life.licence
        assert holds(found.bench, OLD_KEYS) is (life == LICENCE)
        assert holds(found.bench, NEW_KEYS) is (life == OTHER)
        assert machine.psd.credential.licence_identifier == life
        seen.add(life)
    assert seen == {LICENCE, OTHER}


def test_settings_and_mailing_begin_anew_with_a_new_life(withdrawn: Bench) -> None:
    for found in after_every_cut(withdrawn, reinitialise):
        machine = found.bench.machine
        old = machine.record
        if old.life.licence == OTHER:
            # Nothing of the old licensee's mail is stated for the new one.
            assert machine.desk.mailed.rows == ()
            assert machine.desk.mailed.ascending_paise == 500
            assert machine.desk.spent_paise(7) == 0
            assert not old.rows
        reinitialise(found.bench)
        record = machine.record
        assert record.life.licence == OTHER
        assert len(record.lives) == 2
        assert record.registers == old.registers
        assert machine.settings.departments == ()
        assert machine.settings.batch_items == record.registers.items
        assert not holds(found.bench, OLD_KEYS)
        # The first dial-in puts it in service, and it franks under its new licence.
        found.bench.office.call(found.bench)
        found.bench.office.call(found.bench, RequestKind.RECHARGE, 100_000)
        printed = found.bench.franked()
        assert printed.face.licence == OTHER
        assert printed.face.item == 2
        assert machine.record.balanced


def test_a_machine_with_damaged_copies_leaves_no_key_either(
    in_service: Bench,
) -> None:
    """One copy of the keys is damaged before; the erasing repairs, and erases, it."""
    damaged = copy_of(in_service)
    at = damaged.nvram.image().index(OLD_KEYS.dh_private)
    damaged.nvram.write(at - 4, bytes(4))
    for found in after_every_cut(damaged, tamper, only=2):
        check_erased(found.bench)
        assert found.bench.machine.psd.damage >= 1
