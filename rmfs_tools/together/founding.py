"""Making the folders that `rmfs up` runs: everybody, with sample data.

Three machines have licences and a deposit each, which the server has in its funds; that
was played on the last two working days.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from asyncssh import import_private_key

from dop_gateway.bank.model import Address, Bank, BankCode, BankKind
from dop_gateway.exchange import parties
from dop_gateway.folder import read_gateway
from dop_gateway.simulators.bank_folder import (
    GATEWAY_PUBLIC,
    HOST_PUBLIC,
    BankFolder,
    BankSettings,
    create_bank,
)
from hw.entropy import SystemEntropy
from protocol.errors import RmfsError
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.enrolling import NewLicence
from rmfs_server.exchange.settings import SSH_PUBLIC
from rmfs_tools.demo_chain import GATEWAY, LETTER, LOGIN, chain_in, last_days
from rmfs_tools.parties import (
    PROVISIONING,
    SERVER,
    enrol_machine,
    make_machine,
    make_server,
)
from rmfs_tools.rehearsal.bank import RehearsedBank
from rmfs_tools.rehearsal.department import Department

BANK: Final = "bank"
MACHINES: Final = "machines"
PORTS: Final = "ports.json"
SAMPLES: Final = (
    ("N123456", "PSD00001", "Bharat Stationers, Bengaluru"),
    ("N123457", "PSD00002", "Kaveri Publishers, Bengaluru"),
    ("N123458", "PSD00003", "Nandi Insurance, Bengaluru"),
)
"""Licence identifier, serial number of the security device, licensee: all made up."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everybody listens, on this machine alone.

    Attributes:
        gateway: HTTP, of the gateway.
        drop: SFTP, of the gateway: files for makers.
        bank: SFTP, of the bank.
        dial_in: TCP, of the recharge server.
    """

    gateway: int = 8080
    drop: int = 2122
    bank: int = 2022
    dial_in: int = 7120


def found(
    folder: Path, ports: Ports, now: datetime, say: Callable[[str], None]
) -> None:
    """Make everybody in an empty folder.

    Args:
        folder: Where.
        ports: Where they will listen: written down, since each knows the others.
        now: The real time.
        say: Told each step.

    Raises:
        RmfsError: There is something in the folder, or it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RmfsError(f"{folder} holds something else: choose another --folder")
    server = folder / SERVER
    make_server(server)
    house = create_bank(folder / BANK, BankSettings(), SystemEntropy())
    make_bank = partial(_make_bank, house=house, port=ports.bank)
    with chain_in(
        folder, server, now, say, make_bank=make_bank, sftp_port=ports.drop
    ) as chain:
        issued = []
        for identifier, serial, licensee in SAMPLES:
            machine = folder / MACHINES / identifier
            make_machine(server, machine, LicenceIdentifier(identifier), serial)
            papers = (machine / PROVISIONING).read_bytes()
            licence = chain.issue(LicenceIdentifier(identifier), papers, licensee)
            number = LicenceNumber(licence.number)
            new = NewLicence(number, licensee, licence.expires_on)
            enrol_machine(server, machine, new)
            issued.append(licence)
        chain.bring_funds(issued, *last_days(now))
        key = (server / SSH_PUBLIC).read_text("ascii")
        by = chain.department.by("director")
        with chain.department.parts.store.writing("an account") as connection:
            parties.set_account(connection, LETTER, LOGIN, key, by)
    _let_gateway_in(house, folder / GATEWAY)
    # Written last: without it the next start makes everything anew elsewhere.
    (folder / PORTS).write_text(json.dumps(asdict(ports)) + "\n", "utf-8")


def read_ports(folder: Path) -> Ports | None:
    """Read where everybody of a folder listens; None if nobody was made in it.

    Raises:
        RmfsError: The file cannot be read.
    """
    path = folder / PORTS
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text("utf-8"))
        return Ports(**{one.name: int(told[one.name]) for one in fields(Ports)})
    except (ValueError, KeyError, TypeError) as error:
        raise RmfsError(f"{path} cannot be read: remove the folder") from error


def _make_bank(
    department: Department, *, house: BankFolder, port: int
) -> RehearsedBank:
    settings = house.settings
    host_key = (house.folder / HOST_PUBLIC).read_text("ascii").strip()
    bank = Bank(
        code=BankCode(settings.code),
        kind=BankKind.BANK,
        name="The simulated bank",
        account=settings.account,
        address=Address("127.0.0.1", port, settings.login, host_key, "/"),
        key_id=settings.key_id,
        key=house.seal().key.public.point,
        in_use=True,
    )
    return RehearsedBank(department, house, bank)


def _let_gateway_in(house: BankFolder, gateway: Path) -> None:
    """Give the bank the key that the gateway is known by."""
    private = import_private_key(read_gateway(gateway).bank_ssh_key)
    public = private.export_public_key("openssh").decode("ascii")
    (house.folder / GATEWAY_PUBLIC).write_text(public, "ascii")
