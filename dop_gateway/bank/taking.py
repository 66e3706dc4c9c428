"""Take what a bank handed over: each file once, whole or not at all.

Whoever takes a file does so in one transaction: its octets, its verdict, what its lines
come to, the rows of the audit trail. A file that was taken and is handed over again is
nothing new. A statement that does not follow the one before it is held, and tried again
after each file that comes: a late one is taken for its own day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any, Final

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.bank import store
from dop_gateway.bank.applying import apply, of_day
from dop_gateway.bank.checking import Before, Refusal, check_turn, read
from dop_gateway.bank.judging import Named
from dop_gateway.bank.model import (
    BankFile,
    FileFault,
    FileId,
    FileState,
)
from dop_gateway.bank.work import Work
from dop_gateway.incidents.model import IncidentKind
from protocol.errors import InvariantError
from protocol.exchange import ExchangeFile, FileHeader
from protocol.parameters import business_date
from protocol.values import EpochSeconds, Paise

_NOTHING: Final = Paise(0)
_KINDS: Final = {
    FileFault.NAME_REUSED: IncidentKind.FILE_REPLACED,
    FileFault.DOES_NOT_FOLLOW: IncidentKind.BANK_TOTAL,
}
"""What is no plain refusal."""
_ACTS: Final = {
    FileState.TAKEN: "take",
    FileState.HELD: "hold",
    FileState.REFUSED: "refuse",
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file as it stood at the bank.

    Attributes:
        modified_at: When the bank's server says it was written.
    """

    name: str
    octets: bytes
    modified_at: EpochSeconds


def take(work: Work, delivered: Delivered) -> BankFile:
    """Take a file of a bank.

    Returns:
        What became of it; of one that was handed over before: what became of it then.
    """
    connection, code = work.connection, work.bank.code
    store.lock(connection, code)
    known = store.of_name(connection, code, delivered.name)
    digest = sha256(delivered.octets).hexdigest()
    same = next((one for one in known if one.sha256 == digest), None)
    if same is not None:
        return same
    file, refusal = _judged(work, delivered, known)
    state = _state(refusal)
    values = {
        "bank": code,
        "name": delivered.name,
        "modified_at": delivered.modified_at,
        "sha256": digest,
        "state": state.name,
        "code": "" if refusal is None else refusal.fault.code,
        "words": "" if refusal is None else refusal.words,
        "received_at": work.by.now,
        **_header(file),
    }
    number = store.add_file(connection, delivered.octets, values)
    _tell(work, number, state, values)
    if refusal is not None:
        work.name([_refused(work, delivered.name, refusal)])
    elif isinstance(file, ExchangeFile):
        apply(work, number, file)
        _try_held(work)
    return store.get_file(connection, number)


def missing(work: Work, day: date) -> list[str]:
    """Name the files of a day that have not come; an empty one would have.

    Returns:
        The layouts.
    """
    connection, bank = work.connection, work.bank
    held = {
        (one.layout, one.business_date) for one in store.held(connection, bank.code)
    }
    found = [
        layout
        for layout in bank.kind.layouts
        if store.taken_of_day(connection, bank.code, layout, day) is None
        and (layout, day) not in held
    ]
    work.name(
        [
            Named(
                IncidentKind.FILE_MISSING,
                of_day(bank, layout, day),
                f"{bank.code} has not handed over its {layout} of {day}: ask the bank; "
                "an empty one is needed too",
                _NOTHING,
            )
            for layout in found
        ]
    )
    return found


def _judged(
    work: Work, delivered: Delivered, known: list[BankFile]
) -> tuple[ExchangeFile | Refusal, Refusal | None]:
    """Read a file, and say why it does not count, if it does not."""
    counts = [one for one in known if one.state is not FileState.REFUSED]
    if counts:
        refusal = Refusal(FileFault.NAME_REUSED, delivered.name, counts[0].layout)
        return refusal, refusal
    rules = work.rules
    file = read(work.bank, rules.layouts, rules.realm, delivered.name, delivered.octets)
    if isinstance(file, Refusal):
        return file, file
    return file, check_turn(file, _before(work, file), business_date(work.by.now))


def _before(work: Work, file: ExchangeFile, but: BankFile | None = None) -> Before:
    connection, code = work.connection, work.bank.code
    header, layout = FileHeader.of(file), file.layout.name
    ids = [
        one
        for one in store.of_id(connection, code, header.file_id)
        if but is None or one.id != but.id
    ]
    day = header.business_date
    nearest = partial(store.nearest_taken, connection, code, layout, day)
    return Before(
        of_day=store.taken_of_day(connection, code, layout, day),
        of_number=store.taken_with_number(connection, code, layout, header.sequence),
        of_id=ids[0] if ids else None,
        previous=nearest(before=True),
        following=nearest(before=False),
    )


def _state(refusal: Refusal | None) -> FileState:
    if refusal is None:
        return FileState.TAKEN
    waits = refusal.fault is FileFault.DOES_NOT_FOLLOW
    return FileState.HELD if waits else FileState.REFUSED


def _header(file: ExchangeFile | Refusal) -> dict[str, Any]:
    if isinstance(file, Refusal):
        blank = {"layout": file.layout, "file_id": "", "sequence": None}
        return {**blank, "business_date": None, "line_count": 0, "total_paise": 0}
    header, values = FileHeader.of(file), file.header
    return {
        "layout": file.layout.name,
        "file_id": header.file_id,
        "sequence": header.sequence,
        "business_date": header.business_date,
        "line_count": len(file.lines),
        "total_paise": file.totals.get("total_paise", 0),
        "opening_paise": values.get("opening_paise"),
        "closing_paise": values.get("closing_paise"),
    }


def _try_held(work: Work) -> None:
    """Take what was held, as long as something of it follows now."""
    connection, rules = work.connection, work.rules
    for one in store.held(connection, work.bank.code):
        octets = store.octets_of(connection, one.id)
        file = read(work.bank, rules.layouts, rules.realm, one.name, octets)
        if isinstance(file, Refusal):
            raise InvariantError(f"{one.name} was held and cannot be read any more")
        today = business_date(work.by.now)
        refusal = check_turn(file, _before(work, file, one), today)
        state = _state(refusal)
        if state is FileState.HELD:
            continue
        fault = None if refusal is None else refusal.fault
        store.set_state(connection, one.id, state, fault)
        _tell(work, one.id, state, {"name": one.name})
        follows = _refused(work, one.name, Refusal(FileFault.DOES_NOT_FOLLOW, ""))
        work.over([follows])
        if refusal is None:
            apply(work, one.id, file)
            _try_held(work)
            return


def _tell(
    work: Work, number: FileId, state: FileState, values: Mapping[str, Any]
) -> None:
    names = ("name", "sha256", "layout", "file_id", "code", "total_paise")
    told = {name: values[name] for name in names if name in values}
    trail.add(
        work.connection,
        work.by,
        _ACTS[state],
        Subject("bank_file", str(number)),
        to_state=state.name,
        bank=work.bank.code,
        **told,
    )


def _refused(work: Work, file_name: str, refusal: Refusal) -> Named:
    kind = _KINDS.get(refusal.fault, IncidentKind.FILE_REFUSED)
    words = f"{file_name} of {work.bank.code}: {refusal.words}"
    return Named(kind, f"{work.bank.code} {file_name}", words, _NOTHING)
