"""How a maker cheats: it changes its own files before they go.

A maker has its books, its key and its program in its own hands. So a file is made as
always, then its lines are changed, and it is signed again by the maker's real key; from
then on it is the file that the maker's books hold and offer. The server's database does
not let a file be changed: who owns the database takes that guard out, and puts it back.
Only what machines have signed cannot be made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import text, update

from protocol.exchange import (
    FileHeader,
    Line,
    Value,
    content_hash,
    read_file,
    sign_file,
    write_file,
)
from protocol.keys import SIGNATURE_OCTETS, sign
from protocol.messages import Confirmation, Voucher
from protocol.values import LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.exchange.making import make_files
from rmfs_server.store import sent_files
from rmfs_server.store.schema import sent_file
from rmfs_server.store.sent_files import SentFile
from rmfs_tools.rehearsal.maker import Maker

Lines = Sequence[Line]
CHANGE_PAISE: Final = 100_000
"""By how much a maker tells another amount."""
_NAME: Final = "sent_file_as_it_went"
_GUARD: Final = text("SELECT sql FROM sqlite_master WHERE name = :name")


def made_now(maker: Maker) -> Mapping[str, SentFile]:
    """Let a maker make its files of this window before it dials; by their layout."""
    made = make_files(maker.office, maker.slot(), maker.clock.now())
    return {one.layout: one for one in made}


def lines_of(maker: Maker, file: SentFile) -> Lines:
    """Read what a file of the maker tells."""
    with maker.store.reading() as connection:
        octets = sent_files.octets_of(connection, file.identity)
    return read_file(maker.office.department.layouts[file.layout], octets).lines


def cook(maker: Maker, file: SentFile, change: Callable[[Lines], Lines]) -> None:
    """Change the lines of a file that was made and has not gone."""
    office = maker.office
    layout = office.department.layouts[file.layout]
    with maker.store.writing("change a file") as connection:
        read = read_file(layout, sent_files.octets_of(connection, file.identity))
        lines = change(read.lines)
        written = write_file(layout, FileHeader.of(read).values(), lines)
        ours = office.ours
        octets = sign_file(written, ours.key, ours.key_id, office.department.realm)
        guard = connection.execute(_GUARD, {"name": _NAME}).scalar_one()
        connection.execute(text(f"DROP TRIGGER {_NAME}"))
        connection.execute(
            update(sent_file)
            .where(sent_file.c.id == file.identity)
            .values(octets=octets, sha256=content_hash(octets), lines=len(lines))
        )
        connection.execute(text(guard))


def last_of(lines: Lines, record: str, licence: LicenceIdentifier) -> Line | None:
    """Find the last line of a machine."""
    of = [
        one
        for one in lines
        if one.record == record and one.values["licence"] == licence
    ]
    return of[-1] if of else None


def put(lines: Lines, old: Line, **values: Value) -> Lines:
    """Change values of a line."""
    new = Line(old.record, {**old.values, **values})
    return [new if one is old else one for one in lines]


def with_amount(lines: Lines, old: Line, more_paise: int) -> Lines:
    """Tell of another amount than a machine was given, all else fitting."""
    told: Mapping[str, Any] = old.values
    return put(
        lines,
        old,
        amount_paise=told["amount_paise"] + more_paise,
        control_total_after_paise=told["control_total_after_paise"] + more_paise,
        descending_paise=told["descending_paise"] + more_paise,
    )


def without(lines: Lines, record: str, licence: LicenceIdentifier) -> Lines:
    """Keep back what a machine did, and whatever belongs to that."""
    gone = {
        one.values["line_id"]
        for one in lines
        if one.record == record and one.values["licence"] == licence
    }
    return [
        one
        for one in lines
        if one.values["line_id"] not in gone
        and one.values.get("dial_in_line_id") not in gone
    ]


def without_line(lines: Lines, old: Line) -> Lines:
    """Keep one line back."""
    return [one for one in lines if one is not old]


def with_less_usage(lines: Lines, old: Line, less_paise: int) -> Lines:
    """Tell of fewer franks than a machine has signed, all else fitting."""
    told: Mapping[str, Any] = old.values
    return put(
        lines,
        old,
        ascending_paise=told["ascending_paise"] - less_paise,
        descending_paise=told["descending_paise"] + less_paise,
    )


def with_invented(maker: Maker, lines: Lines, after: Line) -> Lines:
    """Tell of a credit that no machine had: voucher and message made by the maker."""
    told: Mapping[str, Any] = after.values
    number = RechargeNumber(told["recharge_number"] + 1)
    before = told["control_total_after_paise"]
    total = Paise(before + CHANGE_PAISE)
    keys = maker.keys.credit
    voucher = replace(
        Voucher.decode(told["voucher"]),
        recharge_number=number,
        amount_paise=Paise(CHANGE_PAISE),
        control_total_before_paise=before,
        control_total_after_paise=total,
    )
    covered = voucher.encode()[:-SIGNATURE_OCTETS]
    realm = maker.office.department.realm
    signed = replace(voucher, signature=sign(keys.signing, "VOUCHER", realm, covered))
    word = Confirmation.decode(told["message"])
    descending = Paise(word.registers.descending_paise + CHANGE_PAISE)
    registers = replace(
        word.registers, descending_paise=descending, control_total_paise=total
    )
    word = replace(word, recharge_number=number, registers=registers)
    covered = word.encode()[:-SIGNATURE_OCTETS]
    # The machine's key is in the machine: the maker signs with one of its own.
    forged = replace(
        word, signature=sign(maker.files_key, "CONFIRMATION", realm, covered)
    )
    line: dict[str, Value] = {
        **told,
        "line_id": f"{len(lines) + 1}",
        "recharge_number": number,
        "amount_paise": CHANGE_PAISE,
        "control_total_before_paise": before,
        "control_total_after_paise": total,
        "ascending_paise": registers.ascending_paise,
        "descending_paise": descending,
        "message": forged.encode(),
        "voucher": signed.encode(),
    }
    return [*lines, Line(after.record, line)]
