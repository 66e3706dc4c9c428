"""A maker of a rehearsal: its recharge server, its machines, its sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dop_gateway.licences.model import Licence
from hw.clock import WallClock
from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from protocol.errors import InvariantError
from protocol.exchange import shipped_layouts
from protocol.keys import Realm, SigningKey, VerifyingKey, write_provisioning
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.administration import Administration
from rmfs_server.department import Department as DepartmentAsKnown
from rmfs_server.enrolling import NewLicence
from rmfs_server.exchange.office import ExchangeOffice, OurSide
from rmfs_server.exchange.remote import Remote, RemoteError
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.windows import Slot, Windows
from rmfs_server.keyring import CreditKeys
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_tools.rehearsal.fleet import Fleet, MakerKeys, draw_keys

_SERIAL_DIGITS: Final = 7


@dataclass
class Maker:
    """A maker, from its machines to its session with the Department.

    Attributes:
        letter: First of the identifiers of its machines.
        fleet: Its machines.
        is_up: Whether its server runs.
    """

    letter: str
    keys: MakerKeys
    files_key: SigningKey
    store: Store
    fleet: Fleet
    clock: WallClock
    is_up: bool = True
    _office: ExchangeOffice | None = None
    _windows: Windows = field(default_factory=Windows)

    def know(self, key_id: str, department_key_id: str, key: VerifyingKey) -> None:
        """Learn by which keys files are signed, ours and the Department's."""
        department = DepartmentAsKnown(
            {department_key_id: key}, Realm.TEST, shipped_layouts()
        )
        ours = OurSide(self.letter, key_id, self.files_key)
        self._office = ExchangeOffice(
            self.store, department, ours, CreditKeys(self.keys.credit)
        )

    def make_machine(
        self, number: int, pin_code: int
    ) -> tuple[LicenceIdentifier, bytes]:
        """Make a machine; gives its identifier, and the signed file of it."""
        licence = LicenceIdentifier(f"{self.letter}{number:06d}")
        serial = f"{self.letter}{number:0{_SERIAL_DIGITS}d}"
        psd = self.fleet.make(licence, serial, pin_code)
        provisioning = psd.provisioning(self.clock.now())
        return licence, write_provisioning(provisioning, self.keys.maker).encode()

    def enrol(self, licence: Licence) -> None:
        """Enrol the machine of a licence that was issued."""
        now = self.clock.now()
        provisioning = self.fleet.machine(licence.identifier).provisioning(now)
        Administration(self.store, self.keys.credit).enrol(
            provisioning,
            NewLicence(
                LicenceNumber(licence.number), licence.holder.name, licence.expires_on
            ),
            By(f"maker {self.letter}", "its licence was issued", now),
        )

    @property
    def office(self) -> ExchangeOffice:
        """Everything that its sessions act on.

        Raises:
            InvariantError: It does not know the Department yet.
        """
        if self._office is None:
            raise InvariantError(f"maker {self.letter} knows no Department")
        return self._office

    def slot(self) -> Slot:
        """Say in which window it is now."""
        return self._windows.at(self.clock.now())

    def dial_department(self, remote: Remote) -> SessionReport | None:
        """Exchange files once; None if the server is down or the line is."""
        if not self.is_up or self._office is None:
            return None
        now = self.clock.now()
        try:
            return run_session(self._office, remote, self._windows.at(now), now)
        except RemoteError:
            return None


@contextmanager
def maker_in(folder: Path, letter: str, clock: WallClock, seed: int) -> Iterator[Maker]:
    """Open a maker with empty books in a folder."""
    keys = draw_keys(letter, seed)
    files_key = SigningKey.generate(
        SeededEntropy(f"files of {letter}, {seed}".encode())
    )
    store = open_store(f"sqlite:///{folder / f'server-{letter}.sqlite'}")
    try:
        migrate(store)
        fleet = Fleet(keys, store, clock)
        yield Maker(letter, keys, files_key, store, fleet, clock)
    finally:
        store.close()
