"""Clauses that a message is held against, without a bench."""

from dataclasses import replace

from hw.entropy import SeededEntropy
from hw.lab.book import Book
from hw.lab.checks import possible, signed_by_machine, voucher_for
from hw.lab.hearing_machines import HearingMachines
from hw.lab.side import Breach, Fields, blank, fields_of, unsigned
from hw.lab.situation import Situation
from protocol.keys import MachineIdentity, Realm
from protocol.keys.signing import sign
from protocol.messages import TABLE_OF, MessageType
from protocol.registers import ZERO_REGISTERS, Registers, VoucherKind
from protocol.values import LicenceIdentifier, Paise
from protocol.vouchers import VOUCHER_CONTEXT
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY

BINDING = bytes(range(32))
OTHER_BINDING = bytes(32)
VOUCHER = TABLE_OF[MessageType.VOUCHER]
STATEMENT = TABLE_OF[MessageType.STATEMENT]
MACHINE = MachineIdentity.generate(
    LicenceIdentifier("N200001"), "LAB00001", Realm.TEST, SeededEntropy(b"one")
)
ANOTHER = MachineIdentity.generate(
    LicenceIdentifier("N200002"), "LAB00002", Realm.TEST, SeededEntropy(b"two")
)
HELD = Registers(Paise(300), Paise(700), Paise(1_000), 2, 2)


def clauses(found: list[Breach]) -> list[str]:
    return [breach.clause for breach in found]


def statement(**wish: int) -> tuple[Fields, bytes]:
    fields: Fields = {
        **blank(STATEMENT),
        "version": 1,
        "state": 1,
        "licence": MACHINE.licence_identifier.encode("ascii"),
        "psd_serial": MACHINE.psd_serial.encode("ascii"),
        **fields_of(HELD),
        **wish,
    }
    covered = unsigned(STATEMENT, fields)
    signed = sign(MACHINE.signing, "STATEMENT", Realm.TEST, BINDING + covered)
    return fields, covered + signed


def voucher(**wish: int) -> tuple[Fields, bytes]:
    credential = MACHINE.credential
    fields: Fields = {
        **blank(VOUCHER),
        "kind": int(VoucherKind.RECHARGE),
        "licence": credential.licence_identifier.encode("ascii"),
        "credential_hash": credential.credential_hash,
        "recharge_number": 4,
        "amount_paise": 50_000,
        "control_total_before_paise": 1_000,
        "control_total_after_paise": 51_000,
        "credit_key": CREDIT_KEY.key_id,
        **wish,
    }
    covered = unsigned(VOUCHER, fields)
    return fields, covered + CREDIT_KEY.sign(VOUCHER_CONTEXT, covered)


def server_knows(machine: MachineIdentity, **wish: int) -> list[str]:
    fields, body = voucher(**wish)
    known = IDENTITY.credential.with_credit_key(
        CREDIT_KEY.key_id, CREDIT_KEY.signing.public
    )
    found = voucher_for(
        fields, body, known, machine.credential, registers=HELD, recharge_number=3
    )
    return clauses(found)


def test_a_statement_is_signed_for_its_channel_by_the_machine_it_names() -> None:
    fields, body = statement()
    known = MACHINE.credential
    assert signed_by_machine(STATEMENT, fields, body, BINDING, known) == []
    elsewhere = signed_by_machine(STATEMENT, fields, body, OTHER_BINDING, known)
    assert clauses(elsewhere) == ["DLG-3.2"]
    by_another = signed_by_machine(STATEMENT, fields, body, BINDING, ANOTHER.credential)
    assert clauses(by_another) == ["DLG-3.1", "DLG-3.2"]


def test_registers_that_do_not_add_up_are_found() -> None:
    assert possible(HELD) == []
    off_by_one = replace(HELD, control_total_paise=Paise(1_001))
    assert clauses(possible(off_by_one)) == ["REG-2"]


def test_a_voucher_is_genuine_and_made_out_to_the_machine_as_it_stands() -> None:
    assert server_knows(MACHINE) == []
    assert server_knows(ANOTHER) == ["REG-6", "REG-6"]
    assert server_knows(MACHINE, recharge_number=5) == ["REG-8"]
    assert server_knows(MACHINE, control_total_before_paise=999) == ["REG-6"]
    assert server_knows(MACHINE, control_total_after_paise=50_999) == ["REG-4"]


def test_what_a_machine_says_is_heard_without_a_bench() -> None:
    hearing = HearingMachines(Situation(MACHINE.credential, Book(ZERO_REGISTERS, 0)))
    fields, body = statement(dial_in=7)
    assert hearing.heard(STATEMENT, fields, body, BINDING) == []
    again = hearing.heard(STATEMENT, fields, body, BINDING)
    assert clauses(again) == ["DLG-4.4"]
