"""Closing the books of a former life, by the file with which its PSD began the next.

Books that were put back from an old copy may know a machine in use that was withdrawn
since and lives on under another licence. The keys of the former life are gone: it never
dials in again, presents no voucher, and nothing outstanding is settled by line. What is
left is the MACHINE file of the next life, which the maker signed with the PSD at hand.
Registers and recharge number go on from one life to the next, and none begins before
the withdrawal of the one before was settled (SPEC.md REG-10.1, REG-10.2): so the file
says the number and CT at which the former life ended, and that nothing was left in it.
The difference to CT of the books is what all lost vouchers came to, the withdrawal
included, and is posted once.

That holds only if no other life lies between: the file must be that of the next one.

Source: SPEC.md REG-10, KEY-7. The specification leaves open how a server learns of a
withdrawal that its books have lost: this is the project's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from hw.database import Store
from protocol.keys import MachineProvisioning
from protocol.registers import MachineState, Registers, VoucherKind
from protocol.values import LicenceIdentifier, Paise, RechargeNumber, show_rupees
from rmfs_server.judging import Case, open_case, settle_recharge
from rmfs_server.presented import Lost, read_presented
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.store import acts, discrepancies, machines, recharges
from rmfs_server.store.acts import By
from rmfs_server.store.machines import Machine, fenced
from rmfs_server.store.recharges import Ending, Recharge
from rmfs_server.store.schema import RechargeState, SettledBy

_DIGEST_OCTETS: Final = 8
"""Of the file's SHA-256, enough to name it in a journal."""


@dataclass(frozen=True, slots=True)
class FormerLife:
    """What a person looks at before the books of a former life are closed.

    Attributes:
        machine: Its books as they stand.
        file: The MACHINE file of the PSD's next life.
        opened: The outstanding recharge.
        ends: What becomes of that: POSTED or REVERSED.
        lost: Vouchers that the books know nothing of; the withdrawal is the last.
    """

    machine: Machine
    file: MachineProvisioning
    opened: Recharge | None
    ends: RechargeState | None
    lost: Lost | None

    @property
    def effect_paise(self) -> int:
        """What closing does to CT in the books, with its sign."""
        return self.file.control_total_paise - self.machine.control_total_paise

    @property
    def digest(self) -> str:
        """A short digest of what the maker has signed."""
        return sha256(self.file.encode()).digest()[:_DIGEST_OCTETS].hex()

    @property
    def evidence(self) -> str:
        """Name the file, for journals."""
        next_licence = self.file.credential.licence_identifier
        return f"the MACHINE file of {next_licence}, {self.digest}"


class FormerLives:
    """Looks at a former life that the books do not know to be over, and closes it."""

    def __init__(self, store: Store, resolving: Resolving) -> None:
        """Act on the books in `store`, by the rules about persons of `resolving`."""
        self._store = store
        self._resolving = resolving

    def look(
        self, licence: LicenceIdentifier, file: MachineProvisioning, by: By
    ) -> FormerLife:
        """Show what closing would do; nothing is changed.

        Args:
            licence: The one that the books hold to be in use.
            file: Of the next life, as a maker known here has signed it.
            by: Who looks, and when.

        Raises:
            MoveRefusedError: The file does not show how that life ended; it says why.
        """
        with self._store.writing("former life") as connection:
            return _read(_case(connection, licence, by), file)

    def close(
        self,
        licence: LicenceIdentifier,
        file: MachineProvisioning,
        by: By,
        *,
        old_copy: bool,
    ) -> FormerLife:
        """Settle what is outstanding, post what was lost, and end the life.

        The next one is enrolled after it, as ever.

        Args:
            licence: The one that the books hold to be in use.
            file: Of the next life, as a maker known here has signed it.
            by: Who decides, and why.
            old_copy: The person knows that these books were put back from an old copy.

        Returns:
            What was found before it.

        Raises:
            MoveRefusedError: The file does not show how that life ended, a person or
                the reason is missing, or nobody says that the books are an old copy.
            InvariantError: Money does not add up; nothing was changed.
        """
        self._resolving.check_persons(by)
        if not old_copy:
            raise MoveRefusedError(
                "only books that were put back do not know of a withdrawal: say "
                "--old-copy if these were, or have the machine withdrawn by line"
            )
        with self._store.writing("close life") as connection:
            case = _case(connection, licence, by)
            found = _read(case, file)
            machines.change(connection, _close(case, found, by))
            discrepancies.resolve(
                connection,
                licence,
                resolution="CLOSE",
                person=by.person,
                second_person=by.second_person,
                reason=by.reason,
                now=by.now,
            )
            acts.add(
                connection,
                licence,
                "resolve",
                by,
                action="CLOSE",
                next_licence=file.credential.licence_identifier,
                psd_serial=file.credential.psd_serial,
                machine_file=found.digest,
                number=file.recharge_number,
                control_total_paise=file.control_total_paise,
                moved_paise=found.effect_paise,
            )
            return found


def show_former_life(found: FormerLife) -> Iterator[str]:
    """Show a person what the file says, and what closing does."""
    machine, file, opened = found.machine, found.file, found.opened
    yield (
        f"books      recharge {machine.number}, CT "
        f"{show_rupees(Paise(machine.control_total_paise))}, {machine.state.name}"
    )
    yield (
        f"next life  {file.credential.licence_identifier} began at recharge "
        f"{file.recharge_number}, CT {show_rupees(file.control_total_paise)}, DR "
        f"{show_rupees(file.descending_paise)}, signed by the maker"
    )
    if opened is not None and found.ends is not None:
        yield (
            f"open       recharge {opened.number}: {opened.kind.name} "
            f"{show_rupees(opened.amount_paise)}, will be {found.ends.name}"
        )
    if found.lost is not None:
        lost = found.lost
        several = f"vouchers {lost.first} to {lost.last}"
        which = f"voucher {lost.last}" if lost.first == lost.last else several
        yield f"lost       {which}: {show_rupees(Paise(lost.effect_paise))}"
    moved, way = found.effect_paise, "funds to the machine"
    if moved < 0:
        moved, way = -moved, "machine to the funds"
    yield (
        f"close      moves {show_rupees(Paise(moved))} from the {way}; the life is over"
    )


def _case(connection: Connection, licence: LicenceIdentifier, by: By) -> Case:
    case = open_case(connection, licence, by.now)
    if case is None:
        raise MoveRefusedError(f"no machine is enrolled as {licence}")
    return case


def _read(case: Case, file: MachineProvisioning) -> FormerLife:
    _check_lives(case, file)
    _check_state(case, file)
    machine, opened = case.machine, case.opened
    ends = None if opened is None else _ends(machine, opened, file)
    number, total = machine.number, machine.control_total_paise
    if opened is not None and ends is not None:
        number = opened.number
        total += opened.effect_paise if ends is RechargeState.POSTED else 0
    effect = file.control_total_paise - total
    lost = None
    if file.recharge_number > number:
        first = RechargeNumber(number + 1)
        lost = Lost(first, file.recharge_number, effect)
    # One voucher alone was the withdrawal, and that only ever lowers CT.
    most = max(total, machine.control_total_paise)
    alone = file.recharge_number == number + 1 and file.control_total_paise > most
    if alone or (lost is None and effect):
        raise _not_fitting(machine, file)
    _check_presented(case, file)
    return FormerLife(machine, file, opened, ends, lost)


def _check_lives(case: Case, file: MachineProvisioning) -> None:
    """Check that the file is of the same PSD, and of a life after this one."""
    licence, credential = case.machine.licence, file.credential
    serial = case.enrolled.credential.psd_serial
    next_licence = credential.licence_identifier
    if credential.psd_serial != serial:
        message = f"the file is of PSD {credential.psd_serial}, {licence} is {serial}"
        raise MoveRefusedError(f"{message}: give the file of that PSD's next life")
    if next_licence == licence:
        message = f"the file is that of {licence} itself"
        raise MoveRefusedError(f"{message}: give the file of the PSD's next life")
    if machines.find_enrolled(case.connection, next_licence) is not None:
        message = f"{next_licence} is enrolled in these books"
        raise MoveRefusedError(f"{message}: {licence} is over already")
    last = machines.lives_of(case.connection, serial)[-1].credential.licence_identifier
    if last != licence:
        message = f"these books know PSD {serial} as {last} since"
        raise MoveRefusedError(f"{message}: close that one")


def _check_state(case: Case, file: MachineProvisioning) -> None:
    """Check that the file can be that of the next life at all."""
    machine, licence = case.machine, case.machine.licence
    if machine.state is MachineState.WITHDRAWN and case.opened is None:
        message = f"{licence} is withdrawn in these books"
        if file.recharge_number == machine.number:
            raise MoveRefusedError(f"{message}: enrol the next life")
        raise MoveRefusedError(
            f"{message} at recharge {machine.number}, and the file begins at "
            f"{file.recharge_number}: enrol the life in between first"
        )
    if file.descending_paise:
        message = f"PSD {file.credential.psd_serial} held"
        raise MoveRefusedError(
            f"{message} {show_rupees(file.descending_paise)} as it began its next "
            "life, and no withdrawn one does: settle with the Department and give the "
            "PSD back to its maker"
        )
    before = machine.registers
    if (
        file.recharge_number < machine.number
        or file.ascending_paise < before.ascending_paise
        or file.items < before.items
        or file.items + file.zero_items < before.items_with_zero
    ):
        message = (
            f"AR, items or recharge number of the file are below those of {licence}"
        )
        raise MoveRefusedError(f"{message}: it is of an earlier life, or of a clone")


def _ends(
    machine: Machine, opened: Recharge, file: MachineProvisioning
) -> RechargeState:
    """Say what became of the outstanding recharge.

    A machine that was withdrawn applies nothing more: a withdrawal that it is past was
    taken back. Of anything else that it is past nobody can tell; it is posted, and if
    it was taken back, the sum behind it is less by the same amount.

    Raises:
        MoveRefusedError: The file does not fit it.
    """
    withdrawal = opened.kind is VoucherKind.WITHDRAWAL
    if file.recharge_number > opened.number:
        return RechargeState.REVERSED if withdrawal else RechargeState.POSTED
    after = machine.control_total_paise + opened.effect_paise
    if (
        not withdrawal
        or file.recharge_number < opened.number
        or file.control_total_paise != after
    ):
        raise _not_fitting(machine, file)
    return RechargeState.POSTED


def _not_fitting(machine: Machine, file: MachineProvisioning) -> MoveRefusedError:
    message = (
        f"the file names recharge {file.recharge_number} and CT "
        f"{show_rupees(file.control_total_paise)}, and no withdrawal after recharge "
        f"{machine.number} and CT {show_rupees(Paise(machine.control_total_paise))} "
        "leads there"
    )
    return MoveRefusedError(
        f"{message}: compare it with the PSD at its maker; if it is right, settle "
        f"{machine.licence} with the Department, and the PSD stays at its maker"
    )


def _check_presented(case: Case, file: MachineProvisioning) -> None:
    """Check that the file is not older than what the machine has presented."""
    presented = read_presented(case)
    if presented is None or presented.recharge_number < file.recharge_number:
        return
    after = presented.control_total_after_paise
    if (presented.recharge_number, after) != (
        file.recharge_number,
        file.control_total_paise,
    ):
        message = f"{case.machine.licence} presented voucher"
        raise MoveRefusedError(
            f"{message} {presented.recharge_number}, which the file does not know: it "
            "is of an earlier life, or of a clone"
        )


def _close(case: Case, found: FormerLife, by: By) -> Machine:
    connection, machine, file = case.connection, case.machine, found.file
    reason = f"{by.reason}; evidence: {found.evidence}"
    if found.opened is not None and found.ends is not None:
        ending = Ending(found.ends, SettledBy.PERSON, by.now, reason, person=by.person)
        machine = settle_recharge(
            connection, machine, case.licence, found.opened, ending
        )
    if found.lost is not None:
        lost = found.lost
        recharges.restore_lost(
            connection,
            machine.licence,
            (lost.first, lost.last),
            lost.effect_paise,
            now=by.now,
            reason=reason,
            person=by.person,
        )
        # No rows tell of them: CT begins anew behind them.
        machine = machine._replace(
            number=lost.last,
            base_paise=machine.base_paise + lost.effect_paise,
        )
    registers = Registers(
        file.ascending_paise,
        file.descending_paise,
        file.control_total_paise,
        file.items,
        file.items + file.zero_items,
    )
    return fenced(
        machine._replace(
            registers=registers,
            state=MachineState.WITHDRAWN,
            frozen=False,
            presented_voucher=None,
        )
    )
