"""The voucher that a machine presents to books that are behind it, as evidence.

Books that were put back from an old copy have forgotten what was granted since. The
voucher that the machine applied last bears this server's own signature, and names CT
before it: so it proves what to post, and what all the vouchers came to that the books
have lost before it. What each of those was, nobody can tell any more; the sum is known
to the paisa, and the funds of the licence have paid it.

Source: SPEC.md REG-5, REG-9, DLG-8.3.
"""

from dataclasses import dataclass, replace

from protocol.errors import RemoteProtocolError
from protocol.keys import verify
from protocol.messages import SIGNATURE_OCTETS, Voucher
from protocol.registers import Registers, VoucherKind, effect_paise
from protocol.values import Paise, RechargeNumber
from protocol.vouchers import VOUCHER_CONTEXT
from rmfs_server.judging import Case
from rmfs_server.store import credit_keys, licences, recharges
from rmfs_server.store.acts import By
from rmfs_server.store.machines import Machine
from rmfs_server.store.recharges import Recharge
from rmfs_server.store.schema import RechargeState, SettledBy


@dataclass(frozen=True, slots=True)
class Lost:
    """Vouchers between the books and the presented one, of which only the sum is known.

    Attributes:
        first: Number of the first.
        last: Number of the last, the one before the presented voucher.
        effect_paise: What all of them did to CT, with its sign.
    """

    first: RechargeNumber
    last: RechargeNumber
    effect_paise: int


def read_presented(case: Case) -> Voucher | None:
    """Read the presented voucher if this server signed it and it is ahead of the books.

    As the next one it must follow on the CT of the books; behind an outstanding voucher
    it may follow on either end of that, applied or not. Beyond the next one its CT
    before is what this server's lost books held.
    """
    machine, octets, opened = case.machine, case.machine.presented_voucher, case.opened
    if octets is None:
        return None
    try:
        voucher = Voucher.decode(octets)
    except RemoteProtocolError:
        return None
    key = credit_keys.find(case.connection, voucher.credit_key)
    credential = case.enrolled.credential
    next_number = 1 + (machine.number if opened is None else opened.number)
    before = voucher.control_total_before_paise
    possible = {machine.control_total_paise}
    if opened is not None:
        possible.add(Paise(machine.control_total_paise + opened.effect_paise))
    effect = effect_paise(voucher.kind, voucher.amount_paise)
    fits = (
        voucher.licence == machine.licence
        and voucher.credential_hash == credential.credential_hash
        and (
            voucher.recharge_number > next_number
            or (voucher.recharge_number == next_number and before in possible)
        )
        and voucher.control_total_after_paise == before + effect
    )
    covered = octets[:-SIGNATURE_OCTETS]
    if (
        not fits
        or key is None
        or not verify(
            key, VOUCHER_CONTEXT, credential.realm, covered, voucher.signature
        )
    ):
        return None
    return voucher


def lost_before(machine: Machine, voucher: Voucher) -> Lost | None:
    """Say what the books have lost before a presented voucher, if anything.

    With a voucher outstanding, that one is the first of them.
    """
    if voucher.recharge_number == machine.number + 1:
        return None
    return Lost(
        RechargeNumber(machine.number + 1),
        RechargeNumber(voucher.recharge_number - 1),
        voucher.control_total_before_paise - machine.control_total_paise,
    )


def enter_presented(case: Case, voucher: Voucher, octets: bytes, by: By) -> Machine:
    """Post a presented voucher, and before it the sum of what was lost.

    The machine must have shown that it applied it, and nothing be outstanding.

    Raises:
        InvariantError: The accounts do not hold what is to be moved.
    """
    connection, machine = case.connection, case.machine
    lost = lost_before(machine, voucher)
    if lost is not None:
        recharges.restore_lost(
            connection,
            machine.licence,
            (lost.first, lost.last),
            lost.effect_paise,
            now=by.now,
            reason=by.reason,
            person=by.person,
        )
        # No rows tell of them: CT begins anew behind them.
        machine = machine._replace(base_paise=machine.base_paise + lost.effect_paise)
    restored = _restored(voucher, octets, by)
    recharges.restore(
        connection, restored, now=by.now, reason=by.reason, person=by.person
    )
    if voucher.kind is VoucherKind.REFUND and case.licence.refund_allowed:
        # What the authority allowed was one refund.
        licences.change(connection, replace(case.licence, refund_allowed=False))
    return machine._replace(
        number=voucher.recharge_number,
        settled_paise=machine.settled_paise + restored.effect_paise,
        registers=_with_total(machine.registers, voucher.control_total_after_paise),
        presented_voucher=None,
    )


def _restored(voucher: Voucher, octets: bytes, by: By) -> Recharge:
    voided = voucher.kind is VoucherKind.VOID
    return Recharge(
        licence=voucher.licence,
        number=voucher.recharge_number,
        kind=voucher.kind,
        amount_paise=voucher.amount_paise,
        state=RechargeState.VOIDED if voided else RechargeState.POSTED,
        control_total_before_paise=voucher.control_total_before_paise,
        control_total_after_paise=voucher.control_total_after_paise,
        voucher=octets,
        void=None,
        requested_in=None,
        settled_in=None,
        settled_by=SettledBy.PERSON,
        reserved_at=voucher.time,
        voided_at=None,
        settled_at=by.now,
    )


def _with_total(registers: Registers, total: Paise) -> Registers:
    """Give the registers accepted last another CT; AR of the books is an old one."""
    descending = Paise(total - registers.ascending_paise)
    return replace(registers, descending_paise=descending, control_total_paise=total)
