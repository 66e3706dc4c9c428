"""A credit is believed only as far as the machine has signed it, and in its turn."""

from dataclasses import replace

import pytest

from dop_gateway.downloads.following import Missing, follow
from dop_gateway.downloads.judging import objection_to
from dop_gateway.downloads.model import Chain, Download, DownloadFault, DownloadState
from protocol.registers import VoucherKind
from protocol.values import LicenceIdentifier, Paise, RechargeNumber
from tests.money_desk import SigningMachine, signing_machine

RS = 100
START = Chain(RechargeNumber(0), Paise(0))
_S = DownloadState


def fault(one: Download, machine: SigningMachine) -> DownloadFault | None:
    """Say what is objected to a line."""
    found = objection_to(one, machine.identity.credential)
    return None if found is None else found.fault


def test_a_line_with_the_machines_confirmation_is_believed() -> None:
    machine = signing_machine()
    assert fault(machine.recharge(2_000 * RS), machine) is None


def test_a_line_with_the_statement_that_settled_it_is_believed() -> None:
    machine = signing_machine()
    machine.recharge(2_000 * RS)
    machine.frank(24 * RS)
    line = machine.told(settled_by=machine.statement())
    assert line.descending_paise == 1_976 * RS
    assert fault(line, machine) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount_paise": 1}, DownloadFault.OTHER_VOUCHER),
        ({"control_total_after_paise": 1}, DownloadFault.ALTERED),
        ({"control_total_before_paise": 1}, DownloadFault.OTHER_VOUCHER),
        ({"ascending_paise": 1}, DownloadFault.ALTERED),
        ({"descending_paise": 1}, DownloadFault.ALTERED),
        ({"items": 1}, DownloadFault.ALTERED),
        ({"number": 2}, DownloadFault.ALTERED),
        ({"kind": VoucherKind.REFUND}, DownloadFault.OTHER_VOUCHER),
        ({"message": b""}, DownloadFault.NOT_READABLE),
        ({"message": bytes(100)}, DownloadFault.NOT_READABLE),
        ({"binding": bytes(32)}, DownloadFault.NOT_SIGNED),
        ({"voucher": b"none"}, DownloadFault.OTHER_VOUCHER),
        ({"licence": LicenceIdentifier("N999999")}, DownloadFault.OTHER_MACHINE),
    ],
)
def test_whatever_a_maker_alters_in_a_line_is_found(
    change: dict[str, object], expected: DownloadFault
) -> None:
    machine = signing_machine()
    line = machine.recharge(2_000 * RS)
    assert fault(replace(line, **change), machine) is expected  # type: ignore[arg-type]


def test_what_another_key_signed_is_not_believed() -> None:
    machine, other = signing_machine(1), signing_machine(2)
    line = machine.recharge(2_000 * RS)
    other.licence = machine.licence
    other.recharge(2_000 * RS)
    forged = replace(line, message=other.confirmation())
    assert fault(forged, machine) is DownloadFault.NOT_SIGNED
    assert objection_to(line, None) is not None


def states(
    kept: list[Download],
    chain: Chain = START,
    *,
    remaining: int = 10_000 * RS,
    coming: int = 0,
) -> list[DownloadState]:
    """Say what becomes of lines."""
    followed = follow(
        kept, chain, remaining_paise=remaining, machine_paise=0, coming_paise=coming
    )
    return list(followed.states)


def test_lines_are_taken_one_after_the_other() -> None:
    machine = signing_machine()
    lines = [machine.recharge(1_000 * RS), machine.recharge(500 * RS)]
    assert states(lines) == [_S.TAKEN, _S.TAKEN]


def test_what_follows_a_missing_one_waits_and_the_missing_amount_is_known() -> None:
    machine = signing_machine()
    lines = [machine.recharge(amount * RS) for amount in (1_000, 500, 300)]
    followed = follow(
        [lines[0], lines[2]],
        START,
        remaining_paise=10_000 * RS,
        machine_paise=0,
        coming_paise=0,
    )
    assert list(followed.states) == [_S.TAKEN, _S.WAITING]
    assert followed.missing == Missing(
        RechargeNumber(2), RechargeNumber(2), Paise(500 * RS)
    )
    assert states(lines) == [_S.TAKEN] * 3


def test_what_there_are_no_funds_for_is_kept_and_objected_to() -> None:
    machine = signing_machine()
    lines = [machine.recharge(1_000 * RS), machine.recharge(500 * RS)]
    followed = follow(
        lines, START, remaining_paise=900 * RS, machine_paise=0, coming_paise=0
    )
    assert list(followed.states) == [_S.UNFUNDED, _S.WAITING]
    assert followed.objections[0].fault is DownloadFault.BEYOND_FUNDS


def test_what_waits_for_an_acknowledgement_is_not_objected_to() -> None:
    machine = signing_machine()
    followed = follow(
        [machine.recharge(1_000 * RS)],
        START,
        remaining_paise=0,
        machine_paise=0,
        coming_paise=1_000 * RS,
    )
    assert list(followed.states) == [_S.UNFUNDED]
    assert followed.objections == {}


def test_a_control_total_that_does_not_go_on_is_objected_to() -> None:
    machine = signing_machine()
    line = machine.recharge(1_000 * RS)
    followed = follow(
        [line],
        Chain(RechargeNumber(0), Paise(5)),
        remaining_paise=10_000 * RS,
        machine_paise=0,
        coming_paise=0,
    )
    assert list(followed.states) == [_S.BROKEN]
    assert followed.objections[0].fault is DownloadFault.BROKEN


def test_what_a_person_settled_is_taken_once_the_machine_stands_on_it() -> None:
    machine = signing_machine()
    settled = replace(machine.recharge(1_000 * RS), message=b"", binding=b"")
    assert states([settled]) == [_S.UNPROVED]
    assert states([settled, machine.recharge(500 * RS)]) == [_S.TAKEN, _S.TAKEN]


def test_a_machine_gives_back_no_more_than_the_ledger_holds_for_it() -> None:
    machine = signing_machine()
    lines = [machine.recharge(1_000 * RS)]
    machine.apply(VoucherKind.WITHDRAWAL, 1_000 * RS)
    lines.append(machine.told())
    assert states(lines) == [_S.TAKEN, _S.TAKEN]
    assert states(lines[1:], Chain(RechargeNumber(1), Paise(1_000 * RS))) == [
        _S.UNFUNDED
    ]
