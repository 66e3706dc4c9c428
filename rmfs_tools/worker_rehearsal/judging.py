"""The oracles after a rehearsal: the books for themselves, and beside each machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from protocol.values import Paise
from rmfs_server.folder import open_books
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.load.judging import Judgement, judge_books, judge_machines


def judge(
    folder: Path, seats: Sequence[Seat], told: Mapping[str, int], amount_paise: Paise
) -> Judgement:
    """Hold the books against themselves and against every machine.

    Args:
        folder: Of the server.
        seats: All its machines.
        told: Recharges that each was told to be complete, by licence.
        amount_paise: Of each recharge.

    Raises:
        StoreError: The books cannot be read.
    """
    told_paise = {licence: times * amount_paise for licence, times in told.items()}
    with open_books(folder) as store, store.reading() as connection:
        machines = judge_machines(connection, seats, told_paise)
        return judge_books(connection).beside(machines)
