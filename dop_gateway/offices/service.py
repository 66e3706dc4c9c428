"""What people do to the office tree: each act is checked, done, and told to the audit.

What an import or a program reads of the tree it reads with `store`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.offices import store
from dop_gateway.offices.codes import Codes
from dop_gateway.offices.importing import Imported, Progress, import_directory
from dop_gateway.offices.model import Office, OfficeId, OfficeKind, parse_pin
from dop_gateway.offices.reading import NAME_CHARACTERS_MAX, Directory
from protocol.errors import LocalProtocolError

CORRECTED: Final = frozenset(
    {"name", "name_hi", "code", "delivers", "district", "state"}
)
"""What a person may correct; an import says the last four again."""

_CODES: Final = {
    OfficeKind.CIRCLE: (re.compile(r"[A-Z]{2}", re.ASCII), "two capital letters"),
    OfficeKind.DIVISION: (
        re.compile(r"[A-Z]{2}[0-9]{2}", re.ASCII),
        "the Circle's two letters and two digits",
    ),
}


def open_office(
    connection: Connection,
    parent_id: OfficeId,
    kind: OfficeKind,
    values: Mapping[str, Any],
    by: By,
) -> Office:
    """Open an office that the directory does not list.

    Args:
        connection: To the database, writing.
        parent_id: What it stands under.
        kind: What it is.
        values: `name` and, for a post office, `pin`; any of `CORRECTED`.
        by: Who opens it.

    Raises:
        InvalidError: A value cannot be taken.
        NotFoundError: There is no such parent.
        ConflictError: It may not stand there, or stands already.
    """
    parent = store.get(connection, parent_id)
    values = {**values}
    findings = list(_findings(connection, kind, parent, values))
    if "name" not in values:
        findings.append(FieldFinding("/name", "missing", "a name is needed"))
    if kind.is_post_office != ("pin" in values):
        words = "post offices have a PIN code, and only they"
        findings.append(FieldFinding("/pin", "missing", words))
    unknown = values.keys() - CORRECTED - {"pin"}
    findings += [FieldFinding(f"/{one}", "unknown", "no field") for one in unknown]
    if findings:
        raise InvalidError(findings)
    name = values.pop("name")
    twin = _twin(connection, name, values.get("pin"))
    if twin is not None:
        raise ConflictError(f"{twin.name}, {twin.pin}, is there already")
    opened = store.add(connection, parent, kind, name, by, **values)
    _tell(connection, by, "open", opened, parent=parent.office_id, **values)
    return opened


def correct(
    connection: Connection, office_id: OfficeId, values: Mapping[str, Any], by: By
) -> Office:
    """Correct what is said of an office.

    Args:
        connection: To the database, writing.
        office_id: The office.
        values: Any of `CORRECTED`; what is the same already is not told.
        by: Who corrects it.

    Raises:
        InvalidError: A value cannot be taken.
        NotFoundError: There is no such office.
        ConflictError: It serves its PIN, and would deliver no more.
    """
    before = store.get(connection, office_id)
    unknown = values.keys() - CORRECTED
    findings = [FieldFinding(f"/{one}", "unknown", "no field") for one in unknown]
    findings += _findings(connection, before.kind, before, values)
    if before.listed and values.get("name", before.name) != before.name:
        words = "the directory knows it by this name: it is corrected there"
        findings.append(FieldFinding("/name", "listed", words))
    if findings:
        raise InvalidError(findings)
    if before.serves_pin and values.get("delivers") is False:
        message = (
            f"{before.name} serves {before.pin}: let another office serve it first"
        )
        raise ConflictError(message)
    new = {
        name: value for name, value in values.items() if getattr(before, name) != value
    }
    if new:
        store.lock(connection)
        store.change(connection, office_id, by, **new)
        was = {f"{name}_was": getattr(before, name) for name in new}
        _tell(connection, by, "correct", before, **new, **was)
    return store.get(connection, office_id)


def put_under(
    connection: Connection, office_id: OfficeId, under: OfficeId, by: By
) -> Office:
    """Put an office, with all that stands below it, under another one.

    Raises:
        NotFoundError: There is no such office.
        ConflictError: It may not stand there.
    """
    before = store.get(connection, office_id)
    after = store.place(connection, office_id, under, by)
    _tell(connection, by, "put under", after, parent=under, parent_was=before.parent)
    return after


def serve_pin(connection: Connection, office_id: OfficeId, by: By) -> Office:
    """Let an office serve its PIN, in place of the one that does so.

    Raises:
        NotFoundError: There is no such office.
        ConflictError: It does not deliver, or is closed.
    """
    chosen = store.get(connection, office_id)
    if chosen.pin is None or not chosen.delivers or chosen.closed_at is not None:
        raise ConflictError(f"{chosen.name} does not deliver: it cannot serve a PIN")
    store.lock(connection)
    before = store.delivery_office(connection, chosen.pin)
    if before is None or before.office_id != office_id:
        if before is not None:
            store.change(connection, before.office_id, by, serves_pin=False)
        store.change(connection, office_id, by, serves_pin=True)
        was = None if before is None else before.office_id
        _tell(connection, by, "serve PIN", chosen, pin=chosen.pin, served_by=was)
    return store.get(connection, office_id)


def close(connection: Connection, office_id: OfficeId, by: By) -> None:
    """Close an office: nothing new is begun there.

    Raises:
        NotFoundError: There is no such office.
        ConflictError: Open offices stand under it, or it is closed already.
    """
    store.close(connection, office_id, by)
    _tell(connection, by, "close", store.get(connection, office_id))


def bring_in(
    connection: Connection,
    directory: Directory,
    codes: Codes,
    by: By,
    *,
    although_left_out: bool = False,
    closes_many: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Make the tree what a directory says; see `import_directory`.

    Raises:
        InvariantError: The tree refuses it: a code belongs to two offices.
    """
    done = import_directory(
        connection,
        directory,
        codes,
        by,
        although_left_out=although_left_out,
        closes_many=closes_many,
        progress=progress,
    )
    if done.taken:
        trail.add(
            connection,
            by,
            "bring in",
            Subject("office directory", directory.sha256),
            lines=done.lines,
            left_out=done.left_out,
            added=done.added,
            changed=done.changed,
            closed=done.closed,
        )
    return done


def _findings(
    connection: Connection, kind: OfficeKind, near: Office, values: Mapping[str, Any]
) -> Iterator[FieldFinding]:
    for field in ("name", "name_hi", "district", "state"):
        text = values.get(field)
        if text is not None and not 1 <= len(text.strip()) <= NAME_CHARACTERS_MAX:
            words = f"1 to {NAME_CHARACTERS_MAX} characters are needed"
            yield FieldFinding(f"/{field}", "wrong_length", words)
    if values.get("pin") is not None:
        try:
            parse_pin(values["pin"])
        except LocalProtocolError as error:
            yield FieldFinding("/pin", "wrong_form", str(error))
    code = values.get("code")
    if code is not None:
        words = _why_no_code(connection, kind, near, code)
        if words:
            yield FieldFinding("/code", "wrong_form", words)


def _why_no_code(
    connection: Connection, kind: OfficeKind, near: Office, code: str
) -> str:
    """Say why a code cannot be that of an office which is `near`, or right below it."""
    if kind not in _CODES:
        return "only Circles and Divisions have a code"
    form, words = _CODES[kind]
    if form.fullmatch(code) is None:
        return f"{words} are needed"
    circle = store.of_kind(connection, near.office_id, OfficeKind.CIRCLE)
    if kind is OfficeKind.DIVISION and (circle is None or circle.code != code[:2]):
        return "it begins with the code of another Circle"
    holder = store.by_code(connection, code)
    if holder is not None and holder.office_id != near.office_id:
        return f"it is the code of {holder.name}"
    return ""


def _twin(connection: Connection, name: str, pin: str | None) -> Office | None:
    return None if pin is None else store.by_pin_and_name(connection, pin, name)


def _tell(
    connection: Connection, by: By, act: str, about: Office, **detail: Any
) -> None:
    subject = Subject("office", about.facility)
    trail.add(connection, by, act, subject, office=about.name, **detail)
