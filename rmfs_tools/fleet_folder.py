"""Fleets in folders: each machine in a folder of its own, enrolled and paid for.

The keys come from the operating system, as every machine's do. What was begun is
finished by the same command, and nothing is done twice:

- a machine is made beside its folder and renamed when it is whole;
- what an enrolment needs is read before the books are changed. Machines are enrolled
  and paid for a hundred at a time; each one's deposit is a fund file of its own, the
  same whenever it is made: the books take it once.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from fm_device.folder import (
    MACHINE,
    PROVISIONING,
    Papers,
    create_machine,
    write_file,
)
from hw.clock import WallClock
from hw.database import Store
from protocol.errors import RmfsError
from protocol.exchange import (
    DetailLine,
    FundFile,
    PaymentMode,
    content_hash,
    encode_fund_file,
    parse_fund_file,
)
from protocol.keys import MachineProvisioning
from protocol.parameters import business_date
from protocol.ports import Entropy
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.administration import Administration
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import ServerFolder
from rmfs_server.fund_reports import ImportReport
from rmfs_server.funds import take_fund_file
from rmfs_server.store import fund_files, machines
from rmfs_server.store.acts import By
from rmfs_server.store.fund_files import CameWith
from rmfs_tools.fleet import FleetError, FleetPlan, Member
from rmfs_tools.fleet_file import read_fleet_file, read_octets

FLEET: Final = "fleet.toml"
_UNFINISHED: Final = ".new"
_LICENCE_DAYS: Final = 365
TOGETHER: Final = 100
"""Few enough that a server which runs meanwhile does not wait for long."""
_NOTHING_CHANGED: Final = "nothing was changed"


def create_fleet(
    folder: Path,
    octets: bytes,
    papers: Papers,
    entropy: Entropy,
    clock: WallClock,
) -> Iterator[Member]:
    """Make every machine of a fleet in a folder of its own; tells each that is made.

    A fleet that was begun is finished: machines that are there stay as they are.

    Args:
        folder: Of the fleet; a machine's folder in it is named by its licence.
        octets: The fleet's file, kept in the folder.
        papers: What the factory needs.
        entropy: Where the keys come from.
        clock: Sets the machines' clocks.

    Raises:
        FleetError: The file is no fleet, another fleet is in the folder, or a folder
            cannot be made.
        FolderError: A machine cannot be made.
        StoreError: A file cannot be written.
    """
    plan = read_fleet_file(octets)
    kept = _kept(folder)
    if kept is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FleetError(f"{folder} cannot be made: {error.strerror}") from error
        write_file(folder / FLEET, octets)
    elif kept != octets:
        raise FleetError(f"{folder} holds another fleet: choose a new folder")
    for member in plan.members():
        _create_machine(folder, member, papers, entropy, clock)
        yield member


def _create_machine(
    folder: Path, member: Member, papers: Papers, entropy: Entropy, clock: WallClock
) -> None:
    made = folder / member.licence
    unfinished = folder / (member.licence + _UNFINISHED)
    try:
        if (made / MACHINE).exists():
            return
        if made.exists():
            raise FleetError(
                f"{made} holds no finished machine: move it away, and try again"
            )
        if unfinished.exists():
            shutil.rmtree(unfinished)
        create_machine(
            unfinished,
            papers,
            psd_serial=member.psd_serial,
            licence=member.licence,
            entropy=entropy,
            clock=clock,
            pin_code=member.plan.pin_code,
        )
        unfinished.rename(made)
        _sync(folder)
    except OSError as error:
        raise FleetError(f"{made} cannot be made: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Make sure that a power cut does not take a name back."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_fleet(folder: Path) -> FleetPlan:
    """Read the plan of a fleet in a folder.

    Raises:
        FleetError: There is none, or it cannot be read.
    """
    octets = _kept(folder)
    if octets is None:
        raise FleetError(
            f"{folder} holds no fleet: make one with `rmfs fleet new FILE {folder}`"
        )
    try:
        return read_fleet_file(octets)
    except FleetError as error:
        raise FleetError(f"{folder / FLEET}: {error}") from error


def find_fleet(path: Path) -> FleetPlan:
    """Read the plan of a fleet: of a folder that holds one, or of a fleet's file.

    Raises:
        FleetError: There is none, or it cannot be read.
    """
    if path.is_dir():
        return read_fleet(path)
    try:
        return read_fleet_file(read_octets(path))
    except FleetError as error:
        raise FleetError(f"{path}: {error}") from error


def _kept(folder: Path) -> bytes | None:
    """Read the file that a fleet's folder keeps; None where there is none."""
    try:
        if not (folder / FLEET).exists():
            return None
    except OSError as error:
        raise FleetError(f"{folder} cannot be read: {error.strerror}") from error
    return read_octets(folder / FLEET)


@dataclass(frozen=True, slots=True)
class FleetEnrolled:
    """What came of an enrolment."""

    enrolled: int
    known: int
    deposited_paise: int


def enrol_fleet(
    folder: Path,
    server: ServerFolder,
    store: Store,
    clock: WallClock,
    *,
    together: int = TOGETHER,
) -> FleetEnrolled:
    """Enrol every machine that is not, and pay the first deposit of each without one.

    Whatever stops it, the same call completes it: each machine is enrolled once and
    paid once.

    Args:
        folder: The fleet's.
        server: Who enrols.
        store: Its books.
        clock: Tells when.
        together: Machines that are enrolled, and then paid for, in one transaction.

    Raises:
        FleetError: The folder holds no fleet, or the papers of a machine are missing or
            wrong: nothing was changed. Or deposits wait in suspense.
        MoveRefusedError: The server does not enrol a machine.
        StoreError: The database failed.
    """
    plan = read_fleet(folder)
    new = _read_new(folder, plan, server, store)
    administration = Administration(store, server.credit_key)
    expires = business_date(clock.now()) + timedelta(days=_LICENCE_DAYS)
    by = By("rmfs", f"fleet {plan.title or folder.name}", clock.now())
    reports = []
    members = plan.members()
    while group := list(islice(members, together)):
        papers = [
            (
                new[member.licence],
                NewLicence(member.licence_number, member.licensee, expires),
            )
            for member in group
            if member.licence in new
        ]
        if papers:
            administration.enrol_all(papers, by)
        if plan.deposit_paise:
            reports += _pay(store, group, clock.now())
    waiting = [line for report in reports for line in report.suspended]
    if waiting:
        raise FleetError(
            f"{len(waiting)} first deposits wait in suspense, because "
            f"{waiting[0].suspended_because}: correct them by a fund file"
        )
    brought = [report for report in reports if not report.already_known]
    return FleetEnrolled(
        enrolled=len(new),
        known=plan.count - len(new),
        deposited_paise=sum(report.applied_paise for report in brought),
    )


def _read_new(
    folder: Path, plan: FleetPlan, server: ServerFolder, store: Store
) -> dict[LicenceIdentifier, MachineProvisioning]:
    """Read the papers of every machine that is not enrolled yet."""
    found = {}
    with store.reading() as connection:
        for member in plan.members():
            known = machines.find_enrolled(connection, member.licence)
            if known is None:
                found[member.licence] = _read_papers(folder, member, server)
            elif known.credential.psd_serial != member.psd_serial:
                raise FleetError(
                    f"{member.licence} is enrolled with PSD "
                    f"{known.credential.psd_serial}, not {member.psd_serial}: "
                    f"begin with another first_licence; {_NOTHING_CHANGED}"
                )
    return found


def _read_papers(
    folder: Path, member: Member, server: ServerFolder
) -> MachineProvisioning:
    path = folder / member.licence / PROVISIONING
    try:
        papers = server.read_enrolment(path)
    except RmfsError as error:
        message = f"{member.licence}: {error}; {_NOTHING_CHANGED}"
        raise FleetError(message) from error
    found = (papers.credential.licence_identifier, papers.credential.psd_serial)
    if found != (member.licence, member.psd_serial):
        raise FleetError(
            f"{path} is of {found[0]} with PSD {found[1]}, not {member.psd_serial}; "
            f"{_NOTHING_CHANGED}"
        )
    return papers


def _pay(
    store: Store, group: Sequence[Member], now: EpochSeconds
) -> list[ImportReport]:
    """Pay the first deposit of each machine that has none, in one transaction.

    A machine's file tells of the day of its enrolment, which the books know: so it has
    the same octets whenever it is made, and they take it once.
    """
    licences = [member.licence for member in group]
    with store.reading() as connection:
        paid = fund_files.with_deposits(connection, licences)
        enrolled = {
            licence: machines.find_enrolled(connection, licence) for licence in licences
        }
    files = [
        _deposit(member, business_date(found.enrolled_at))
        for member in group
        if member.licence not in paid
        and (found := enrolled[member.licence]) is not None
    ]
    if not files:
        return []
    with store.writing("import fund file") as connection:
        return [
            take_fund_file(
                connection,
                parse_fund_file(octets),
                CameWith(octets, content_hash(octets), now, None),
            )
            for octets in files
        ]


def _deposit(member: Member, today: date) -> bytes:
    """Write the fund file of a machine that was enrolled on a day."""
    line = DetailLine(
        line_id="1",
        licence=member.licence,
        licence_number=member.licence_number,
        licensee=member.licensee,
        amount_paise=member.plan.deposit_paise,
        mode=PaymentMode.NETBANKING,
        value_date=today,
        available_from=today,
    )
    name, oem = f"FLEET-{member.licence}", member.licence[0]
    return encode_fund_file(FundFile.by_hand(name, oem, today, (line,)))
