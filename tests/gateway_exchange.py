"""A maker in memory that exchanges files with a gateway, and lines to exchange.

What is told and what is applied stands in two tables beside the product's own, so that
it is committed and rolled back with what the gateway does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from dop_gateway.exchange import parties
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.model import PartyKey, PartyKind, RefusedLine
from dop_gateway.exchange.sources import Source, Sources, WaitingLine
from dop_gateway.identity.model import GATEWAY, By
from protocol.exchange import (
    DEPARTMENT,
    ExchangeFile,
    FileHeader,
    Layouts,
    Line,
    content_hash,
    read_file,
    shipped_layouts,
    sign_file,
    write_file,
)
from protocol.keys import Realm, SigningKey
from protocol.values import EpochSeconds
from tests.gateway_desk import Gateway

MONDAY: Final = date(2026, 11, 16)
SSH_KEY: Final = "ssh-ed25519 " + "A" * 68
PREFIXES: Final = {
    "credit-download": "CD",
    "usage": "US",
    "remaining-fund": "RF",
    "acknowledgement": "AK",
    "discrepancy": "DI",
}


@dataclass
class Maker:
    """A maker's server as far as files go.

    Attributes:
        numbers: Of the last file of each kind.
    """

    letter: str = "N"
    key: SigningKey = field(
        default_factory=lambda: SigningKey((11).to_bytes(32, "big"))
    )
    key_id: str = "oem-n-1"
    layouts: Layouts = field(default_factory=shipped_layouts)
    numbers: dict[str, int] = field(default_factory=dict)

    def file(
        self,
        layout: str,
        lines: Sequence[Line] = (),
        *,
        day: date = MONDAY,
        window: int = 1,
        signed: bool = True,
        **header: Any,
    ) -> tuple[str, bytes]:
        """Make the next file of a kind: its name and its octets."""
        number = header.get("sequence", self.numbers.get(layout, 0) + 1)
        self.numbers[layout] = max(number, self.numbers.get(layout, 0))
        told = {
            "file_id": f"{PREFIXES[layout]}-{self.letter}-{number:06d}",
            "sender": self.letter,
            "receiver": DEPARTMENT,
            "sequence": number,
            "business_date": day,
            "window": window,
            "made_at": EpochSeconds(1_790_000_000),
            **header,
        }
        found = self.layouts[layout]
        octets = write_file(found, FileHeader(**told).values(), lines)
        if signed and found.signed:
            octets = sign_file(octets, self.key, self.key_id, Realm.TEST)
        return found.name_file(told), octets

    def acknowledgement(
        self,
        files: Mapping[str, bytes],
        refused: Mapping[str, Sequence[str]] | None = None,
        **header: Any,
    ) -> tuple[str, bytes]:
        """Answer files of the Department: all taken, but for lines that are named."""
        lines = []
        for name, octets in files.items():
            file_id = self.read(name, octets).header["file_id"]
            no = (refused or {}).get(name, ())
            lines.append(
                told(name, file_id, octets, "TAKEN_IN_PART" if no else "TAKEN")
            )
            lines += [
                Line(
                    "refused",
                    {
                        "file_id": file_id,
                        "line_id": line_id,
                        "code": "OEM-01-001",
                        "words": "no such licence",
                    },
                )
                for line_id in no
            ]
        return self.file("acknowledgement", lines, **header)

    def read(self, name: str, octets: bytes) -> ExchangeFile:
        """Read a file of the Department."""
        layout = self.layouts.of_file(name)
        assert layout is not None
        return read_file(layout, octets)


def told(
    name: str, file_id: Any, octets: bytes, verdict: str, code: str = "OEM-02-001"
) -> Line:
    """Say what became of a file."""
    taken = verdict == "TAKEN"
    return Line(
        "file",
        {
            "file_name": name,
            "file_id": file_id,
            "sha256": content_hash(octets),
            "verdict": verdict,
            "code": None if taken else code,
            "words": None if taken else "see the code",
        },
    )


def balance(line_id: str, licence: str = "N123456") -> Line:
    """Give a line of a remaining fund file."""
    return Line(
        "balance",
        {
            "line_id": line_id,
            "licence": licence,
            "licence_number": "KN0600065",
            "remaining_paise": 200_000,
            "reserved_paise": 0,
            "recharge_number": 3,
        },
    )


def deposit_line(line_id: str) -> Line:
    """Give a line of a fund file."""
    return Line(
        "deposit",
        {
            "line_id": line_id,
            "licence": "N123456",
            "licence_number": "KN0600065",
            "licensee": "Bharat Stationers",
            "amount_paise": 200_000,
            "mode": "NETBANKING",
            "value_date": MONDAY,
            "available_from": MONDAY,
        },
    )


def add_tables(gateway: Gateway) -> None:
    """Add the two tables of a test."""
    with gateway.store.writing("test") as connection:
        connection.execute(
            text(
                "CREATE TABLE told (id INTEGER PRIMARY KEY, file_id TEXT, "
                "answers INTEGER NOT NULL DEFAULT 0, code TEXT)"
            )
        )
        connection.execute(text("CREATE TABLE applied (file_id TEXT, line_id TEXT)"))


def let_wait(gateway: Gateway, *ids: int) -> None:
    """Let lines wait for the next fund file."""
    with gateway.store.writing("test") as connection:
        for one in ids:
            connection.execute(text("INSERT INTO told (id) VALUES (:id)"), {"id": one})


def rows(gateway: Gateway, query: str) -> list[Any]:
    """Ask the tables of a test."""
    with gateway.store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _waiting(connection: Connection, _maker: str) -> list[WaitingLine]:
    found = connection.execute(
        text("SELECT id FROM told WHERE file_id IS NULL ORDER BY id")
    )
    return [WaitingLine(row.id, deposit_line(str(row.id))) for row in found]


def _put(connection: Connection, ids: Sequence[Any], file_id: str, _by: By) -> None:
    for one in ids:
        connection.execute(
            text("UPDATE told SET file_id = :file WHERE id = :id"),
            {"file": file_id, "id": one},
        )


def _answered(
    connection: Connection,
    file_id: str,
    refused: Mapping[str, tuple[str, str]],
    _by: By,
) -> None:
    connection.execute(
        text("UPDATE told SET answers = answers + 1 WHERE file_id = :file"),
        {"file": file_id},
    )
    for line_id, (code, _) in refused.items():
        connection.execute(
            text("UPDATE told SET code = :code WHERE id = :id"),
            {"code": code, "id": int(line_id)},
        )


def _applies(
    connection: Connection, file: ExchangeFile, file_id: str, _by: By
) -> list[RefusedLine]:
    for line in file.lines:
        connection.execute(
            text("INSERT INTO applied VALUES (:file, :line)"),
            {"file": file_id, "line": line.values["line_id"]},
        )
    return [
        RefusedLine("99", "MON-01-001", "this line is never taken")
        for line in file.lines
        if line.values["line_id"] == "99"
    ]


SOURCES: Final = Sources(
    {"fund": Source(_waiting, _put, _answered)},
    dict.fromkeys(("credit-download", "usage", "remaining-fund"), _applies),
)


def by(gateway: Gateway, reason: str = "a test") -> By:
    """Say that the gateway acts."""
    return By(GATEWAY, gateway.clock.now(), "test", reason)


def register(gateway: Gateway, maker: Maker, login: str = "maker-n") -> Drop:
    """Make a maker a party of a gateway; its drop."""
    with gateway.store.writing("test") as connection:
        who = by(gateway)
        parties.add(connection, maker.letter, PartyKind.MAKER, "Northern", who)
        point = maker.key.public.point
        key = PartyKey(
            maker.letter, maker.key_id, point.x, point.y, date(2026, 1, 1), None
        )
        parties.add_key(connection, key, who)
        parties.set_account(connection, maker.letter, login, SSH_KEY, who)
    return drop_of(gateway, maker)


def drop_of(gateway: Gateway, maker: Maker) -> Drop:
    """Give the drop of a maker."""
    return Drop(gateway.parts, SOURCES, maker.letter)


def at(gateway: Gateway, day: int, hour: int, minute: int = 0) -> EpochSeconds:
    """Set the clock of a gateway to a time in India, in November 2026."""
    moment = datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(
        hours=5, minutes=30
    )
    gateway.clock.set(moment)
    return gateway.clock.now()
