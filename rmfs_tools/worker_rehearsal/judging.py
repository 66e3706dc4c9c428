"""The oracles after a rehearsal: the books for themselves, and beside each machine."""

from collections.abc import Sequence
from pathlib import Path

from protocol.values import Paise
from rmfs_server.folder import open_books
from rmfs_server.store import machines, recharges
from rmfs_server.store.schema import RechargeState
from rmfs_server.store.verify import verify_books
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.worker_rehearsal.plan import Heard, Judgement


def judge(
    folder: Path, seats: Sequence[Seat], heard: Heard, amount_paise: Paise
) -> Judgement:
    """Hold the books against themselves and against every machine.

    Args:
        folder: Of the server.
        seats: All its machines.
        heard: What they were told.
        amount_paise: Of each recharge.

    Raises:
        StoreError: The books cannot be read.
    """
    posted = paise = lost = doubled = unsettled = 0
    with open_books(folder) as store, store.reading() as connection:
        faults = [
            f"{one.subject}: {one.rule}: {one.detail}"
            for one in verify_books(connection)
        ]
        for seat in seats:
            machine = machines.find(connection, seat.licence)
            all_of = recharges.all_of(connection, seat.licence)
            if machine is None:
                faults.append(f"{seat.licence} is not in the books")
                continue
            record = seat.psd.record
            done = [one for one in all_of if one.state is RechargeState.POSTED]
            told_paise = heard.told[str(seat.licence)] * amount_paise
            booked_paise = sum(one.effect_paise for one in done)
            held_paise = record.registers.control_total_paise
            posted += len(done)
            paise += booked_paise
            lost += max(0, told_paise - booked_paise, held_paise - booked_paise)
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
