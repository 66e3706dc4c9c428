"""Bring a PIN directory in: all of it or none, and say what became of every office.

The same file again changes nothing. A directory in which a line was left out is
refused, unless whoever brings it says that the rest is to be taken all the same: then
what is missing closes nothing, for it may stand in a line that was left out. One that
would close many offices is refused too, unless whoever brings it says so: the usual
cause is a part of the directory, or the sample.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from dop_gateway.identity.model import By
from dop_gateway.offices import bulk_store, store
from dop_gateway.offices.bulk_store import Stored
from dop_gateway.offices.codes import Codes
from dop_gateway.offices.model import OfficeId, OfficeKind
from dop_gateway.offices.planning import Plan, Planner
from dop_gateway.offices.reading import Directory
from protocol.exchange.findings import Finding

TOLD_MAX: Final = 100
"""Changes and PINs that a person reads; the rest is only counted."""

Progress = Callable[[str, int, int], None]
"""Told of a step, how many offices of it are done, and of how many."""

CLOSES_MANY: Final = 100
"""So many offices, if they are one in ten besides, are many to close at once."""

_STEPS: Final = 20_000
_TOLD_FIELDS: Final = tuple(
    name for name in Stored._fields if name not in {"id", "path", "name_key", "listed"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """What an import changed about one office.

    Attributes:
        what: By field, what was and what is.
    """

    office_id: OfficeId
    name: str
    pin: str | None
    what: dict[str, tuple[object, object]]

    def __str__(self) -> str:
        """Show it to a person."""
        where = f", {self.pin}" if self.pin else ""
        told = "; ".join(
            f"{name.replace('_', ' ')} was {before}, is {after}"
            for name, (before, after) in self.what.items()
        )
        return f"{self.name}{where}: {told}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a directory.

    Attributes:
        taken: Whether it was written; if not, `findings` say why, or `closed` how many
            offices it would close.
        lines: Lines of the directory.
        repeated: Lines that stood twice, word for word.
        findings: Why lines were left out; the first hundred of them.
        left_out: How many lines were left out.
        added: Offices that are new; Circles, Regions and Divisions among them.
        changed: Offices that differ now, also those that were opened again.
        closed: Offices that the directory does not list any more.
        unchanged: All others that are open.
        changes: What changed; the first hundred offices, without those that closed.
        unserved: PINs at which no office delivers; the first hundred.
        contested: PINs at which several offices of the highest kind deliver; the first
            hundred.
    """

    taken: bool
    lines: int
    repeated: int
    findings: tuple[Finding, ...]
    left_out: int
    added: int = 0
    changed: int = 0
    closed: int = 0
    unchanged: int = 0
    changes: tuple[Change, ...] = ()
    unserved: tuple[str, ...] = ()
    unserved_count: int = 0
    contested: tuple[str, ...] = ()
    contested_count: int = 0


def import_directory(
    connection: Connection,
    directory: Directory,
    codes: Codes,
    by: By,
    *,
    although_left_out: bool = False,
    closes_many: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Make the tree what a directory says.

    Args:
        connection: To the database, writing.
        directory: What was read.
        codes: What it does not tell of Circles and Divisions.
        by: Who brings it in.
        although_left_out: Take it although lines were left out; nothing closes then.
        closes_many: Take it although it closes many offices.
        progress: Told how far it is.

    Raises:
        InvariantError: The tree refuses it: a code belongs to two offices.
    """
    if directory.left_out and not (although_left_out and directory.lines):
        return _refused(directory)
    store.lock(connection)
    plan = _plan(connection, directory, codes, by)
    imported = _told(directory, plan)
    if _is_many(imported.closed, len(plan.before)) and not closes_many:
        return replace(_refused(directory), closed=imported.closed)
    _write(connection, plan, by, progress or _nobody)
    bulk_store.note_import(
        connection,
        sha256=directory.sha256,
        lines=directory.count,
        left_out=directory.left_out,
        added=imported.added,
        changed=imported.changed,
        closed=imported.closed,
        person=by.actor.login,
        reason=by.reason,
        at=by.now,
    )
    return imported


def plan_directory(
    connection: Connection, directory: Directory, codes: Codes, by: By
) -> Imported:
    """Tell what an import would do, and do nothing; `taken` says whether it would.

    Lines that were left out or many offices that would close speak against it, unless
    whoever brings it says otherwise.
    """
    if not directory.lines:
        return _refused(directory)
    plan = _plan(connection, directory, codes, by)
    planned = _told(directory, plan)
    many = _is_many(planned.closed, len(plan.before))
    return replace(planned, taken=not directory.left_out and not many)


def _refused(directory: Directory) -> Imported:
    return Imported(
        taken=False,
        lines=directory.count,
        repeated=directory.repeated,
        findings=directory.findings,
        left_out=directory.left_out,
    )


def _plan(connection: Connection, directory: Directory, codes: Codes, by: By) -> Plan:
    stored = bulk_store.all_offices(connection)
    planner = Planner(stored, codes, by.now, closes=not directory.left_out)
    return planner.plan(directory.lines)


def _told(directory: Directory, plan: Plan) -> Imported:
    """Tell what becomes of a directory that is taken."""
    added, changed = plan.added, plan.changed
    closed = sum(_closes(old, new) for old, new in changed)
    others = [(old, new) for old, new in changed if not _closes(old, new)]
    still = sum(row.closed_at is None for row in plan.after.values())
    unserved, contested = _wrong_pins(plan.after.values())
    return replace(
        _refused(directory),
        taken=True,
        added=len(added),
        changed=len(others),
        closed=closed,
        unchanged=still - len(added) - len(others),
        changes=tuple(_change(old, new) for old, new in others[:TOLD_MAX]),
        unserved=tuple(unserved[:TOLD_MAX]),
        unserved_count=len(unserved),
        contested=tuple(contested[:TOLD_MAX]),
        contested_count=len(contested),
    )


def _write(connection: Connection, plan: Plan, by: By, progress: Progress) -> None:
    person, changed, added = by.actor.login, plan.changed, plan.added
    bulk_store.stop_serving(
        connection,
        [old.id for old, new in changed if old.serves_pin and not new.serves_pin],
    )
    # Two may have each other's code from now on.
    bulk_store.give_up_codes(
        connection,
        [old.id for old, new in changed if old.code not in {None, new.code}],
    )
    # A change may lead under an office that is new: new ones come first. One that is to
    # serve a PIN does so only after the office that served it has stopped.
    for words, rows, write in (
        ("new offices", added, bulk_store.write_new),
        ("changed offices", [new for _, new in changed], bulk_store.write_changed),
    ):
        for start in range(0, len(rows), _STEPS):
            some = rows[start : start + _STEPS]
            write(connection, some, by.now, person)
            progress(words, start + len(some), len(rows))


def _is_many(closing: int, offices: int) -> bool:
    return closing >= CLOSES_MANY and 10 * closing >= offices


def _closes(old: Stored, new: Stored) -> bool:
    return old.closed_at is None and new.closed_at is not None


def _change(old: Stored, new: Stored) -> Change:
    what = {
        name: (getattr(old, name), getattr(new, name))
        for name in _TOLD_FIELDS
        if getattr(old, name) != getattr(new, name)
    }
    return Change(OfficeId(new.id), new.name, new.pin, what)


def _wrong_pins(rows: Iterable[Stored]) -> tuple[list[str], list[str]]:
    """List the PINs that nobody serves, and those that several might."""
    pins: set[str] = set()
    serving: dict[str, str] = {}
    delivering: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.pin is not None and row.closed_at is None:
            pins.add(row.pin)
            if row.delivers:
                delivering[row.pin, row.kind] += 1
            if row.serves_pin:
                serving[row.pin] = row.kind
    contested = [
        pin
        for pin, kind in serving.items()
        if delivering[pin, kind] > 1 and kind != OfficeKind.BO.name
    ]
    return sorted(pins - serving.keys()), sorted(contested)


def _nobody(step: str, done: int, of: int) -> None:
    """Tell nobody."""
