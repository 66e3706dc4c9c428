"""The Department on paper: it signs files, lays them out, and reads what comes.

It knows the formats and nothing of the server. What it holds is in memory or in a plain
folder, and outlives every server that dies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from protocol.exchange import (
    ExchangeFile,
    FileHeader,
    Line,
    Signed,
    check_signature,
    content_hash,
    read_file,
    shipped_layouts,
    sign_file,
    write_file,
)
from protocol.keys import CreditKey, Realm, SigningKey
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.department import Department
from rmfs_server.exchange.office import ExchangeOffice, OurSide
from rmfs_server.exchange.remote import RemoteError
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.windows import Slot
from rmfs_server.keyring import CreditKeys
from rmfs_server.store import licences
from tests.paper_machine import LICENCE, NEW, NOW, Office

LAYOUTS = shipped_layouts()
DOP_KEY = SigningKey(b"\x01" * 32)
OEM_KEY = SigningKey(b"\x02" * 32)
DAY = date(2026, 9, 21)
"""The Indian day of `NOW`."""
FIRST = Slot(DAY, 1)
SECOND = Slot(DAY, 2)
BY_HAND = Slot(DAY, 0)

ISSUED: Mapping[str, Any] = {
    "licence": LICENCE,
    "licence_number": NEW.number,
    "kind": "COMMERCIAL",
    "licensee": NEW.licensee,
    "address_1": "14 Residency Road",
    "address_2": None,
    "address_3": None,
    "address_pin": "560025",
    "contact": None,
    "telephone": None,
    "email": None,
    "issued_on": date(2026, 1, 1),
    "expires_on": NEW.expires_on,
    "office": "Bengaluru GPO",
    "office_pin": "560001",
    "circle": "KN",
    "division": "06",
    "psd_serial": None,
    "credential": None,
}
DEPOSIT: Mapping[str, Any] = {
    "licence": LICENCE,
    "licence_number": NEW.number,
    "licensee": NEW.licensee,
    "amount_paise": 500_000,
    "mode": "NETBANKING",
    "value_date": DAY,
    "available_from": DAY,
}
_RECORD = {
    "license-issue": "licence",
    "license-modification": "change",
    "fund": "deposit",
}
_PREFIX = {"license-issue": "LI", "license-modification": "LM", "fund": "FND"}


@dataclass
class PaperDepartment:
    """A `Remote` in memory, and the Department behind it.

    Attributes:
        laid_out: What lies in to-oem, by name.
        handed: Every file that was handed over, by name.
        heard: Names in the order in which they were handed over, again and again.
        numbers: Of the last file of each kind.
    """

    laid_out: dict[str, bytes] = field(default_factory=dict)
    handed: dict[str, bytes] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def names(self) -> Sequence[str]:
        self._answer()
        return list(self.laid_out)

    def read(self, name: str, octets_max: int) -> bytes:
        self._answer()
        return self.laid_out[name][: octets_max + 1]

    def write(self, name: str, octets: bytes) -> None:
        self._answer()
        assert self.handed.setdefault(name, octets) == octets
        self.heard.append(name)

    def _answer(self) -> None:
        if self.is_down:
            raise RemoteError("the Department's server does not answer")

    def lay_out(
        self, layout: str, *lines: Mapping[str, Any], slot: Slot = FIRST, **bent: Any
    ) -> str:
        """Make a file of lines, sign it and lay it out; give its id."""
        name, octets = self.make(layout, *lines, slot=slot, **bent)
        self.laid_out[name] = octets
        return name.removeprefix(f"{layout}-").removesuffix(".txt")

    def make(
        self, layout: str, *lines: Mapping[str, Any], slot: Slot = FIRST, **bent: Any
    ) -> tuple[str, bytes]:
        """Make a file: its name and octets; the header is bent as a test says."""
        number = bent.pop("sequence", self.numbers.get(layout, 0) + 1)
        self.numbers[layout] = max(number, self.numbers.get(layout, 0))
        key = bent.pop("key", DOP_KEY)
        values: dict[str, Any] = {
            "file_id": f"{_PREFIX.get(layout, 'ACK-DCR')}-N-{number:06d}",
            "sender": "DCR",
            "receiver": "N",
            "sequence": number,
            "business_date": slot.day,
            "window": slot.window,
            "made_at": NOW,
            **bent,
        }
        kind = LAYOUTS[layout]
        written = [
            Line(
                str(line.get("record", _RECORD.get(layout, ""))),
                self._values(layout, line, place),
            )
            for place, line in enumerate(lines, start=1)
        ]
        octets = write_file(kind, values, written)
        if key is not None:
            octets = sign_file(octets, key, "dop-1", Realm.TEST)
        return kind.name_file(values), octets

    def _values(
        self, layout: str, line: Mapping[str, Any], place: int
    ) -> dict[str, Any]:
        values = {name: value for name, value in line.items() if name != "record"}
        return (
            values if layout == "acknowledgement" else {"line_id": f"{place}"} | values
        )

    def lay_out_empty(self, slot: Slot) -> None:
        """Lay out what is laid out in every window."""
        for layout in ("license-issue", "license-modification", "fund"):
            self.lay_out(layout, slot=slot)

    def acknowledge(self, *names: str, slot: Slot = FIRST, **said: Any) -> str:
        """Take files, or say what else became of them; without names all of them."""
        verdict = {"verdict": "TAKEN", "code": None, "words": None, **said}
        lines = [
            {
                "record": "file",
                "file_name": name,
                "file_id": self.file(name).header["file_id"],
                "sha256": content_hash(self.handed[name]),
                **verdict,
            }
            for name in names or self.handed
        ]
        return self.lay_out("acknowledgement", *lines, slot=slot)

    def take_all_away(self) -> None:
        """Lay nothing out any more: it was acknowledged."""
        self.laid_out.clear()

    def file(self, name: str) -> ExchangeFile:
        """Read a file that was handed over: it is signed by the maker."""
        octets = self.handed[name]
        signed = check_signature(octets, {"oem-N-1": OEM_KEY.public}, Realm.TEST)
        assert signed == Signed("oem-N-1")
        layout = LAYOUTS.of_file(name)
        assert layout is not None
        file = read_file(layout, octets)
        header = FileHeader.of(file)
        assert (header.sender, header.receiver) == ("N", "DCR")
        return file

    def files(self, layout: str) -> list[ExchangeFile]:
        """Give the files of a kind that were handed over, by number."""
        found = [
            self.file(name) for name in self.handed if name.startswith(f"{layout}-")
        ]
        return sorted(found, key=lambda file: FileHeader.of(file).sequence)

    def lines(self, layout: str, record: str = "") -> list[dict[str, Any]]:
        """Give the lines of all files of a kind, in the order of their numbers."""
        return [
            dict(line.values)
            for file in self.files(layout)
            for line in file.lines
            if not record or line.record == record
        ]

    def verdicts(self) -> dict[str, tuple[str, str | None]]:
        """Give the last verdict about each file of the Department, and its code."""
        return {
            line["file_name"]: (line["verdict"], line["code"])
            for line in self.lines("acknowledgement", "file")
        }


def exchange_office(store: Any, credit_key: CreditKey) -> ExchangeOffice:
    """Give the maker's side of the exchange on a store."""
    return ExchangeOffice(
        store,
        Department({"dop-1": DOP_KEY.public}, Realm.TEST, LAYOUTS),
        OurSide("N", "oem-N-1", OEM_KEY),
        CreditKeys(credit_key),
    )


def at(slot: Slot, seconds: int = 0) -> EpochSeconds:
    """Give a moment for a session of a window."""
    return EpochSeconds(NOW + 60 * slot.window + seconds)


def dial(office: Office, dop: PaperDepartment, slot: Slot = FIRST) -> SessionReport:
    """Have the maker run a session of a window."""
    exchange = exchange_office(office.store, office.credit_key)
    return run_session(exchange, dop, slot, at(slot))


def licence(office: Office, identifier: LicenceIdentifier = LICENCE) -> Any:
    """Give what the maker's books say of a licence."""
    with office.store.reading() as connection:
        return licences.find(connection, identifier)


def funds(office: Office) -> int:
    """Give the paise in the funds of the maker's one licence."""
    return office.balances()[0]


def change(dop: PaperDepartment, **told: Any) -> None:
    """Have the Department lay out one change of the licence."""
    blank = dict.fromkeys(
        (
            *("licence_number", "kind", "licensee", "address_1", "address_2"),
            *("address_3", "address_pin", "contact", "telephone", "email"),
            *("issued_on", "expires_on", "office", "office_pin", "circle"),
            *("division", "psd_serial", "credential", "refund"),
        )
    )
    dop.lay_out("license-modification", {**blank, "licence": LICENCE, **told})
