"""What people do to makers: each act is done, and told to the audit.

Whether a maker gets new licences is no field of it: the dated parameter
``oem.letters_open`` says so for each day (domain notes, section 23, no. 8).
"""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
)
from dop_gateway.identity.model import By
from dop_gateway.licences import makers_store as store
from dop_gateway.licences.makers_store import Maker, Model
from dop_gateway.licences.texts import finding_of_text
from protocol.keys import MakerPublicKey
from protocol.parameters import ParameterTable

_LETTER: Final = re.compile(r"[A-Z]", re.ASCII)
_MODEL: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,14}[\x21-\x7e])?")


def is_open(parameters: ParameterTable, letter: str, on: date) -> bool:
    """Say whether machines of a maker get new licences on a day."""
    return letter in parameters.letters("oem.letters_open", on)


def add(connection: Connection, letter: str, name: str, by: By) -> Maker:
    """Take a maker in; it gets no licences before ``oem.letters_open`` has its letter.

    Raises:
        InvalidError: Letter or name cannot be taken.
        ConflictError: The letter is some maker's.
    """
    findings = list(finding_of_text("/name", name))
    if _LETTER.fullmatch(letter) is None:
        words = "one capital letter: identifiers of its machines begin with it"
        findings.append(FieldFinding("/letter", "form", words))
    if findings:
        raise InvalidError(findings)
    known = store.find(connection, letter)
    if known is not None:
        raise ConflictError(f"{letter} is {known.name}")
    store.add(connection, Maker(letter, name), by.now)
    trail.add(connection, by, "add", Subject("maker", letter), name=name)
    return Maker(letter, name)


def rename(connection: Connection, letter: str, name: str, by: By) -> Maker:
    """Call a maker by another name.

    Raises:
        InvalidError: The name cannot be taken.
        NotFoundError: There is no such maker.
    """
    before = get(connection, letter)
    findings = list(finding_of_text("/name", name))
    if findings:
        raise InvalidError(findings)
    store.rename(connection, letter, name)
    trail.add(
        connection,
        by,
        "rename",
        Subject("maker", letter),
        name=name,
        name_was=before.name,
    )
    return Maker(letter, name)


def get(connection: Connection, letter: str) -> Maker:
    """Find a maker.

    Raises:
        NotFoundError: There is none.
    """
    found = store.find(connection, letter)
    if found is None:
        raise NotFoundError(f"there is no maker {letter[:1]}")
    return found


def approve_model(
    connection: Connection, letter: str, name: str, approved_on: date, by: By
) -> Model:
    """Approve a model from some day on; one that was withdrawn is approved anew.

    Raises:
        InvalidError: The name is not 1 to 16 printable ASCII characters.
        NotFoundError: There is no such maker.
        ConflictError: It is approved already.
    """
    get(connection, letter)
    if _MODEL.fullmatch(name) is None:
        words = "1 to 16 printable ASCII characters, as the machine tells it"
        raise InvalidError([FieldFinding("/name", "form", words)])
    known = store.model(connection, letter, name)
    if known is not None and known.is_approved(approved_on):
        raise ConflictError(f"{name} is approved since {known.approved_on}")
    new = Model(letter, name, approved_on, None)
    store.put_model(connection, new)
    trail.add(
        connection,
        by,
        "approve model",
        Subject("maker", letter),
        model=name,
        approved_on=approved_on.isoformat(),
    )
    return new


def withdraw_model(
    connection: Connection, letter: str, name: str, withdrawn_on: date, by: By
) -> Model:
    """Approve a model no more from some day on; licences that there are stay.

    Raises:
        NotFoundError: There is no such model.
        InvalidError: It was approved later than that.
    """
    known = store.model(connection, letter, name)
    if known is None:
        raise NotFoundError(f"{letter} has no model {name[:16]}")
    if withdrawn_on < known.approved_on:
        words = f"it is approved from {known.approved_on} on"
        raise InvalidError([FieldFinding("/withdrawn_on", "too_early", words)])
    new = replace(known, withdrawn_on=withdrawn_on)
    store.put_model(connection, new)
    trail.add(
        connection,
        by,
        "withdraw model",
        Subject("maker", letter),
        model=name,
        withdrawn_on=withdrawn_on.isoformat(),
    )
    return new


def add_key(connection: Connection, letter: str, key: MakerPublicKey, by: By) -> None:
    """Let a maker sign the files of its machines with a key.

    Raises:
        NotFoundError: There is no such maker.
        ConflictError: It is a maker's key, or was.
    """
    get(connection, letter)
    if store.knows_key(connection, key.fingerprint):
        raise ConflictError(f"{key.fingerprint[:16]} is a maker's key, or was")
    store.add_key(connection, letter, key, by.now)
    trail.add(
        connection,
        by,
        "add key",
        Subject("maker", letter),
        fingerprint=key.fingerprint,
        realm=key.realm.name,
    )


def end_key(connection: Connection, letter: str, fingerprint: str, by: By) -> None:
    """Take nothing new any more that a key signed.

    Raises:
        NotFoundError: The maker has no such key in use.
    """
    if not store.end_key(connection, letter, fingerprint, by.now):
        raise NotFoundError(f"{letter} has no such key in use")
    subject = Subject("maker", letter)
    trail.add(connection, by, "end key", subject, fingerprint=fingerprint)
