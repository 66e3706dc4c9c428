"""The oracles after a load: the books for themselves, and beside each machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from rmfs_server.store import machines, recharges
from rmfs_server.store.schema import RechargeState
from rmfs_server.store.verify import verify_books
from rmfs_tools.bench.recharge_office import Seat


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is in the books afterwards, and in the machines.

    Attributes:
        recharges: Posted in the books.
        paise: Their sum.
        lost_paise: What machines were told and the books do not have.
        doubled_paise: What the books have posted and a machine does not have.
        unsettled: Machines with something pending, open or frozen.
        faults: What does not add up, in words.
    """

    recharges: int = 0
    paise: int = 0
    lost_paise: int = 0
    doubled_paise: int = 0
    unsettled: int = 0
    faults: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or left open."""
        wrong = self.lost_paise or self.doubled_paise or self.unsettled
        return not wrong and not self.faults

    def beside(self, other: "Judgement") -> "Judgement":
        """Give what was found together with what others found."""
        return Judgement(
            self.recharges + other.recharges,
            self.paise + other.paise,
            self.lost_paise + other.lost_paise,
            self.doubled_paise + other.doubled_paise,
            self.unsettled + other.unsettled,
            self.faults + other.faults,
        )


def judge_books(connection: Connection) -> Judgement:
    """Hold the books against themselves."""
    return Judgement(
        faults=tuple(
            f"{one.subject}: {one.rule}: {one.detail}"
            for one in verify_books(connection)
        )
    )


def judge_machines(
    connection: Connection,
    seats: Sequence[Seat],
    told_paise: Mapping[str, int],
) -> Judgement:
    """Hold the books against machines that have settled.

    Args:
        connection: To the books.
        seats: The machines.
        told_paise: What each was told to be complete, in all its life, by licence.

    Raises:
        StoreError: The books cannot be read.
    """
    posted = paise = lost = doubled = unsettled = 0
    faults = []
    for seat in seats:
        machine = machines.find(connection, seat.licence)
        all_of = recharges.all_of(connection, seat.licence)
        if machine is None:
            faults.append(f"{seat.licence} is not in the books")
            continue
        record = seat.psd.record
        done = [one for one in all_of if one.state is RechargeState.POSTED]
        booked_paise = sum(one.effect_paise for one in done)
        held_paise = record.registers.control_total_paise
        posted += len(done)
        paise += booked_paise
        owed_paise = max(told_paise.get(str(seat.licence), 0), held_paise)
        lost += max(0, owed_paise - booked_paise)
        doubled += max(0, booked_paise - held_paise)
        unsettled += (
            record.pending is not None
            or machine.frozen
            or any(one.state in recharges.OPEN for one in all_of)
        )
        if record.recharge_number != machine.number:
            faults.append(
                f"{seat.licence}: its last recharge is {record.recharge_number}, "
                f"that of the books {machine.number}"
            )
        if record.registers != machine.registers:
            faults.append(f"{seat.licence}: its registers are not those told last")
    return Judgement(posted, paise, lost, doubled, unsettled, tuple(faults))
