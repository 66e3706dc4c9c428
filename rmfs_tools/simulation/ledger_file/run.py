"""Fail the power after every operation of a record, and count what is found.

A *state* is one moment and one choice of what survives. States whose images are the
same octets are recovered once and counted each, since what was promised differs.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hw.entropy import SeededEntropy
from protocol.errors import InvariantError
from rmfs_tools.simulation.ledger_file.disk import Disk
from rmfs_tools.simulation.ledger_file.examine import Examiner, Recovered
from rmfs_tools.simulation.ledger_file.modes import Expectation, Mode
from rmfs_tools.simulation.ledger_file.promises import Fault, Promises
from rmfs_tools.simulation.ledger_file.record import Record
from rmfs_tools.simulation.ledger_file.settings import product_settings
from rmfs_tools.simulation.ledger_file.survivors import Survivor, survivors
from rmfs_tools.simulation.ledger_file.workload import record_books

SUBSETS: Final = 4
SHOWN_MAX: Final = 3
_TELL_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tried.

    Attributes:
        recharges: In the workload.
        seed: Chooses keys, marks, subsets and torn places.
        subsets: Drawn for each moment, where more is pending than all subsets of.
    """

    recharges: int
    seed: int
    subsets: int = SUBSETS


@dataclass(slots=True)
class Tally:
    """What came of a mode.

    Attributes:
        mode: Which.
        journal: As it was read back.
        synchronous: As it was read back.
        operations: How many were recorded; the power failed after each, and before all.
        commits: How many were acknowledged.
        vouchers: How many were sent, VOIDs and those sent again included.
        states: Moments and choices.
        images: How many of them differ.
        faults: How many states have each.
        shown: The first ones of each, in words.
    """

    mode: Mode
    journal: str
    synchronous: str
    operations: int
    commits: int
    vouchers: int
    states: int = 0
    images: int = 0
    faults: dict[Fault, int] = field(default_factory=lambda: dict.fromkeys(Fault, 0))
    shown: list[str] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """Whether a clean mode was clean, and a control was caught."""
        found = sum(self.faults.values())
        match self.mode.expectation:
            case Expectation.CLEAN:
                return found == 0
            case Expectation.LOSES:
                return found == self.faults[Fault.LOST] > 0
            case Expectation.CAUGHT:
                return found > 0
            case Expectation.UNKNOWN:
                return True

    @property
    def verdict(self) -> str:
        """What came of it, in a word; in capitals when it is not what must come."""
        if self.mode.expectation is Expectation.CLEAN:
            return "clean" if self.as_expected else "NOT CLEAN"
        if self.mode.expectation is Expectation.UNKNOWN:
            return "no claim"
        return "caught" if self.as_expected else "NOT CAUGHT"

    def add(self, fault: Fault, words: str) -> None:
        """Count a state that breaks a promise."""
        self.faults[fault] += 1
        if self.faults[fault] <= SHOWN_MAX:
            self.shown.append(f"{fault.name}: {words}")


def try_mode(
    mode: Mode, plan: Plan, folder: Path, examiner: Examiner, say: Callable[[str], None]
) -> Tally:
    """Record a workload under a mode, and fail the power after every operation.

    Args:
        mode: How the file is kept.
        plan: How much is tried.
        folder: For the files that are recorded; made, and gone afterwards.
        examiner: Looks at the images; it remembers what it has seen for the next mode.
        say: Takes a line about how far it is.

    Raises:
        InvariantError: The file was not kept as the mode says, or the books did not
            answer as they must.
        StoreError: The database failed.
    """
    folder.mkdir()
    try:
        wanted = mode.settings or product_settings(folder)
        record = record_books(folder, plan.recharges, plan.seed, mode.pragmas)
    finally:
        shutil.rmtree(folder)
    if record.settings != wanted:
        raise InvariantError(f"{mode.name}: {wanted} was to run, {record.settings} ran")
    tally = Tally(
        mode,
        *record.settings,
        operations=len(record.operations),
        commits=len(record.commits),
        vouchers=len(record.sent),
    )
    _fail_everywhere(record, plan, tally, examiner, say)
    return tally


def _fail_everywhere(
    record: Record,
    plan: Plan,
    tally: Tally,
    examiner: Examiner,
    say: Callable[[str], None],
) -> None:
    disk = Disk(record.files, folder_at_once=tally.mode.folder_at_once)
    promises = Promises(record)
    entropy = SeededEntropy(b"power failures %d" % plan.seed)
    seen: dict[tuple[object, ...], Recovered] = {}
    version = disk.version
    for done in range(tally.operations + 1):
        if done:
            disk.do(record.operations[done - 1])
        if disk.version != version:
            version = disk.version
            seen.clear()
        for survivor in survivors(disk, entropy, plan.subsets):
            tally.states += 1
            recovered = None if survivor.key is None else seen.get(survivor.key)
            if recovered is None:
                tally.images += 1
                kept = (one for _, one in survivor.kept)
                image = disk.image(survivor.names_kept, kept)
                recovered = examiner.recover(image, promises.contents)
                if survivor.key is not None:
                    seen[survivor.key] = recovered
            broken = promises.broken(done, recovered)
            if broken is not None:
                fault, what = broken
                tally.add(fault, _words(done, tally, survivor, what))
        if done % _TELL_EVERY == 0:
            say(f"{tally.mode.name}: operation {done} of {tally.operations}")


def _words(done: int, tally: Tally, survivor: Survivor, what: str) -> str:
    names = f", {survivor.names_kept} names" if survivor.names_kept else ""
    moment = f"after operation {done} of {tally.operations}"
    kept = f"{survivor.kind} ({len(survivor.kept)} pending writes{names}) survived"
    return f"{moment}, {kept}: {what}"
