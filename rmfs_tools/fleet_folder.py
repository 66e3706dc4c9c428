"""Fleets in folders: each machine in a folder of its own, enrolled and paid for.

The keys come from the operating system, as every machine's do. What was begun is
finished by the same command, and nothing is done twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from fm_device.folder import PROVISIONING, Papers, create_machine
from hw.clock import WallClock
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.parameters import business_date
from protocol.ports import Entropy
from rmfs_server.administration import Administration, NewLicence
from rmfs_server.folder import open_books, read_server
from rmfs_server.funds import import_fund_file
from rmfs_server.store import machines
from rmfs_server.store.acts import By
from rmfs_tools.fleet import FleetError, FleetPlan, Member
from rmfs_tools.fleet_file import read_fleet_file

FLEET: Final = "fleet.toml"
_LICENCE_DAYS: Final = 365


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
        FleetError: The file is no fleet, or another fleet is in the folder.
        FolderError: A machine cannot be made.
    """
    plan = read_fleet_file(octets)
    kept = folder / FLEET
    if kept.exists() and kept.read_bytes() != octets:
        raise FleetError(f"{folder} holds another fleet: choose a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(octets)
    except OSError as error:
        raise FleetError(f"{folder} cannot be made: {error.strerror}") from error
    for member in plan.members():
        if not (folder / member.licence / PROVISIONING).exists():
            create_machine(
                folder / member.licence,
                papers,
                psd_serial=member.psd_serial,
                licence=member.licence,
                entropy=entropy,
                clock=clock,
                pin_code=plan.pin_code,
            )
        yield member


def read_fleet(folder: Path) -> FleetPlan:
    """Read the plan of a fleet in a folder.

    Raises:
        FleetError: There is none.
    """
    try:
        octets = (folder / FLEET).read_bytes()
    except OSError as error:
        raise FleetError(
            f"{folder} holds no fleet: make one with `rmfs fleet new FILE {folder}`"
        ) from error
    try:
        return read_fleet_file(octets)
    except FleetError as error:
        raise FleetError(f"{folder / FLEET}: {error}") from error


@dataclass(frozen=True, slots=True)
class FleetEnrolled:
    """What came of an enrolment."""

    enrolled: int
    known: int
    deposited_paise: int


def enrol_fleet(folder: Path, server_folder: Path, clock: WallClock) -> FleetEnrolled:
    """Enrol every machine that is not, and pay the deposit for each of those.

    Raises:
        FleetError: The folder holds no fleet.
        MoveRefusedError: An identifier was used for another machine.
    """
    plan, server = read_fleet(folder), read_server(server_folder)
    expires = business_date(clock.now()) + timedelta(days=_LICENCE_DAYS)
    by = By("rmfs", f"fleet {plan.title or folder.name}", clock.now())
    new: list[Member] = []
    with open_books(server_folder) as store:
        administration = Administration(store, server.credit_key)
        for member in plan.members():
            with store.reading() as connection:
                known = machines.find_enrolled(connection, member.licence)
            if known is not None and known.credential.psd_serial == member.psd_serial:
                continue
            enrolment = server.read_enrolment(folder / member.licence / PROVISIONING)
            licence = NewLicence(member.licence_number, member.licensee, expires)
            administration.enrol(enrolment, licence, by)
            new.append(member)
        if new and plan.deposit_paise:
            file = _deposits(plan, new, business_date(clock.now()))
            report = import_fund_file(store, encode_fund_file(file), clock.now())
            if report.suspended:
                raise FleetError(report.show())
    return FleetEnrolled(
        enrolled=len(new),
        known=plan.count - len(new),
        deposited_paise=len(new) * plan.deposit_paise,
    )


def _deposits(plan: FleetPlan, members: list[Member], today: date) -> FundFile:
    lines = tuple(
        DetailLine(
            line_id=str(line),
            licence=member.licence,
            licence_number=member.licence_number,
            licensee=member.licensee,
            amount_paise=plan.deposit_paise,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        for line, member in enumerate(members, start=1)
    )
    name = f"FLEET-{members[0].licence}-{len(members)}"
    return FundFile(name, plan.first_licence[0], today, lines)
