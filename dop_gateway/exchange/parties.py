"""What people do about parties: each act is done, and told to the audit."""

import re
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    NotFoundError,
)
from dop_gateway.exchange import file_store, party_store
from dop_gateway.exchange.model import (
    TAKEN_FROM,
    Direction,
    FileState,
    Party,
    PartyAccount,
    PartyKey,
    PartyKind,
    PartyState,
)
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from protocol.exchange import DEPARTMENT
from protocol.exchange.signature_line import KEY_ID
from protocol.keys import Point

NAME_CHARACTERS_MAX: Final = 80
_CODES: Final = {
    PartyKind.MAKER: (re.compile(r"[A-Z]", re.ASCII), "a maker's is its letter"),
    PartyKind.BANK: (
        re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII),
        "2 to 12 capital letters and digits, as in SBI",
    ),
    PartyKind.E_PAYMENT: (
        re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII),
        "2 to 12 capital letters and digits, as in EPAY",
    ),
}
_LOGIN: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_SSH_KEY: Final = re.compile(
    r"(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) "
    r"[A-Za-z0-9+/]{40,1400}={0,2}(?: [ -~]{0,80})?",
    re.ASCII,
)


def add(connection: Connection, code: str, kind: PartyKind, name: str, by: By) -> Party:
    """Begin to exchange files with somebody.

    Raises:
        InvalidError: Code or name is none.
        ConflictError: There is such a party already.
    """
    findings = []
    form, words = _CODES[kind]
    if form.fullmatch(code) is None or code == DEPARTMENT:
        findings.append(FieldFinding("/code", "malformed", words))
    name = name.strip()
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        words = f"1 to {NAME_CHARACTERS_MAX} characters are needed"
        findings.append(FieldFinding("/name", "wrong_length", words))
    if findings:
        raise InvalidError(findings)
    if party_store.find(connection, code) is not None:
        raise ConflictError(f"there is a party {code} already")
    new = Party(code, kind, name, PartyState.OPEN, by.now)
    party_store.add(connection, new)
    subject = Subject("party", code)
    trail.add(connection, by, "add", subject, to_state=new.state.name, name=name)
    return new


def get(connection: Connection, code: str, *, lock: bool = False) -> Party:
    """Give a party.

    Raises:
        NotFoundError: There is none.
    """
    found = party_store.find(connection, code, lock=lock)
    if found is None:
        raise NotFoundError(f"there is no party {code}: rmfs dop exchange party list")
    return found


def set_state(connection: Connection, code: str, state: PartyState, by: By) -> None:
    """Close a party, or open it again.

    Raises:
        NotFoundError: There is none.
        ConflictError: It is in that state.
    """
    known = get(connection, code, lock=True)
    if known.state is state:
        raise ConflictError(f"{code} is {state.name} already")
    party_store.set_state(connection, code, state)
    trail.add(
        connection,
        by,
        "set state",
        Subject("party", code),
        from_state=known.state.name,
        to_state=state.name,
    )


def add_key(connection: Connection, new: PartyKey, by: By) -> None:
    """Let a key sign files of a party from some day on.

    Raises:
        NotFoundError: There is no such party.
        InvalidError: The key id is none.
        KeyMaterialError: The key is none.
        ConflictError: The party has a key of this id.
    """
    get(connection, new.party, lock=True)
    if KEY_ID.fullmatch(new.key_id) is None:
        words = "1 to 32 letters, digits and hyphens, the first not a hyphen"
        raise InvalidError([FieldFinding("/key_id", "malformed", words)])
    # A point that is not on the curve is none.
    Point(new.x, new.y)
    known = party_store.keys(connection, new.party)
    if any(one.key_id == new.key_id for one in known):
        message = f"{new.party} has a key {new.key_id} already: give it another id"
        raise ConflictError(message)
    party_store.add_key(connection, new)
    _tell(
        connection,
        by,
        "add key",
        new.party,
        key_id=new.key_id,
        valid_from=str(new.valid_from),
    )


def end_key(connection: Connection, code: str, key_id: str, last: date, by: By) -> None:
    """Say on which day a key of a party signs for the last time.

    Raises:
        NotFoundError: There is no such key.
        InvalidError: It would hold on no day.
    """
    known = {one.key_id: one for one in party_store.keys(connection, code)}
    if key_id not in known:
        raise NotFoundError(f"{code} has no key {key_id}")
    if last < known[key_id].valid_from:
        words = "it would hold on no day"
        raise InvalidError([FieldFinding("/valid_to", "too_early", words)])
    party_store.end_key(connection, code, key_id, last)
    _tell(connection, by, "end key", code, key_id=key_id, valid_to=str(last))


def set_account(
    connection: Connection, code: str, login: str, ssh_key: str, by: By
) -> PartyAccount:
    """Give a party its account in our drop, or another key to it.

    Args:
        connection: A writing transaction.
        code: The party.
        login: What it signs in as.
        ssh_key: Its public key, in one line of OpenSSH; nobody has a password.
        by: Who does.

    Raises:
        NotFoundError: There is no such party.
        InvalidError: Login or key is none.
        ConflictError: Another party has the login.
    """
    get(connection, code, lock=True)
    findings = []
    if _LOGIN.fullmatch(login) is None:
        words = "1 to 32 small letters, digits and hyphens, a letter first"
        findings.append(FieldFinding("/login", "malformed", words))
    ssh_key = ssh_key.strip()
    if _SSH_KEY.fullmatch(ssh_key) is None:
        words = "a public key in one line of OpenSSH is needed: ssh-ed25519 AAAA…"
        findings.append(FieldFinding("/ssh_key", "malformed", words))
    if findings:
        raise InvalidError(findings)
    if party_store.who_has(connection, login) not in {None, code}:
        raise ConflictError(f"another party has the login {login}")
    new = PartyAccount(code, login, ssh_key)
    party_store.set_account(connection, new, by.now)
    _tell(connection, by, "set account", code, login=login)
    return new


def skip(connection: Connection, code: str, layout: str, through: int, by: By) -> int:
    """Give up files of a party that will never come: what waits behind has its turn.

    Args:
        connection: A writing transaction.
        code: The party.
        layout: Of which kind they are.
        through: The number of the last one that is given up.
        by: Who does; a reason is needed.

    Returns:
        How many files are to be applied now.

    Raises:
        NotFoundError: There is no such party.
        ConflictError: Files up to that number have come, or no file waits behind.
        InvalidError: No reason is given, or they send no such files.
    """
    party = get(connection, code, lock=True)
    if not by.reason.strip():
        words = "say why they are given up: others will ask"
        raise InvalidError([FieldFinding("/reason", "missing", words)])
    sent = TAKEN_FROM[party.kind]
    if layout not in sent:
        words = f"{code} sends no {layout}, but {', '.join(sorted(sent))}"
        raise InvalidError([FieldFinding("/layout", "unknown", words)])
    last = party_store.last_number(connection, code, Direction.IN, layout)
    if through <= last:
        raise ConflictError(f"files {layout} of {code} have come up to {last}")
    first = file_store.first_waiting(connection, code, layout)
    if first is None or first.sequence is None:
        words = f"no file {layout} of {code} waits: what comes next has its turn"
        raise ConflictError(f"{words}, and nothing is to be given up")
    if first.sequence <= through:
        raise ConflictError(f"file {first.sequence} has come, and waits: skip less")
    party_store.set_last_number(connection, code, Direction.IN, layout, through)
    _tell(
        connection,
        by,
        "skip files",
        code,
        layout=layout,
        first=last + 1,
        through=through,
    )
    incidents.over(
        connection,
        IncidentKind.SEQUENCE_GAP,
        gap(code, layout, last + 1),
        f"given up: {by.reason}",
        by,
    )
    return follow(connection, code, layout, by)


def follow(connection: Connection, code: str, layout: str, by: By) -> int:
    """Give files their turn that waited for one before them; how many that are."""
    last = party_store.last_number(connection, code, Direction.IN, layout)
    count = 0
    while True:
        found = file_store.waiting_next(connection, code, layout, last + count + 1)
        if found is None:
            break
        file_store.change(
            connection, found.number, state=FileState.RECEIVED.name, state_at=by.now
        )
        count += 1
    if count:
        party_store.set_last_number(
            connection, code, Direction.IN, layout, last + count
        )
    return count


def gap(code: str, layout: str, missing: int) -> str:
    """Name a missing file, as the subject of an incident."""
    return f"{code} {layout} {missing}"


def _tell(
    connection: Connection,
    by: By,
    act: str,
    code: str,
    **detail: Any,
) -> None:
    trail.add(connection, by, act, Subject("party", code), **detail)
