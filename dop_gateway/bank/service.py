"""What people do to the list of banks: each act is done, and told to the audit."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import asyncssh
from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.bank import store
from dop_gateway.bank.model import Address, Bank, BankKind
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.identity.model import By
from protocol.exchange.signature_line import KEY_ID

_CODE: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[!-~]{1,35}", re.ASCII)
_WORD: Final = re.compile(r"[!-~]{1,255}", re.ASCII)
_PORT_MAX: Final = 65_535
_NAME_MAX: Final = 80


def put(connection: Connection, bank: Bank, by: By) -> None:
    """Make a bank known, or say anew where its files are and who signs them.

    Raises:
        InvalidError: Something of it cannot be; every reason is told.
        ConflictError: It is known as something else: a bank keeps its kind and account.
    """
    findings = list(_findings(bank, by))
    if findings:
        raise InvalidError(findings)
    before = store.find(connection, bank.code)
    if before is not None and (before.kind, before.account) != (
        bank.kind,
        bank.account,
    ):
        raise ConflictError(
            f"{bank.code} is known with another kind or account: register the new "
            "account under a code of its own"
        )
    store.put(connection, bank, by.now)
    act = "register" if before is None else "change"
    trail.add(
        connection,
        by,
        act,
        Subject("bank", bank.code),
        host=bank.address.host,
        host_key=_fingerprint(bank.address.host_key),
        key_id=bank.key_id,
        key=bank.key.x.hex(),
        in_use=bank.in_use,
    )


def use(connection: Connection, code: str, by: By, *, in_use: bool) -> None:
    """Ask a bank at night from now on, or no more.

    Raises:
        NotFoundError: There is none.
    """
    put(connection, replace(store.get(connection, code), in_use=in_use), by)


def _findings(bank: Bank, by: By) -> Iterator[FieldFinding]:
    if _CODE.fullmatch(bank.code) is None:
        words = "a capital letter, then 1 to 11 capital letters and digits"
        yield FieldFinding("/code", "wrong_form", words)
    if not 1 <= len(bank.name.strip()) <= _NAME_MAX:
        words = f"1 to {_NAME_MAX} characters are needed"
        yield FieldFinding("/name", "wrong_length", words)
    needs = bank.kind is BankKind.BANK
    if needs and _ACCOUNT.fullmatch(bank.account) is None:
        words = "1 to 35 visible ASCII characters: the Department's account"
        yield FieldFinding("/account", "wrong_form", words)
    if not needs and bank.account:
        yield FieldFinding("/account", "not_needed", "the Central Server has none")
    yield from _of_address(bank.address)
    if KEY_ID.fullmatch(bank.key_id) is None:
        words = "1 to 32 letters, digits and hyphens"
        yield FieldFinding("/key_id", "wrong_form", words)
    if not by.reason.strip():
        words = "say why, for who reads the audit trail"
        yield FieldFinding("/reason", "missing", words)


def _of_address(at: Address) -> Iterator[FieldFinding]:
    for pointer, text in (
        ("/host", at.host),
        ("/user", at.user),
        ("/folder", at.folder),
    ):
        if _WORD.fullmatch(text) is None:
            words = "1 to 255 visible ASCII characters"
            yield FieldFinding(pointer, "wrong_form", words)
    if not 1 <= at.port <= _PORT_MAX:
        yield FieldFinding("/port", "out_of_range", f"1 to {_PORT_MAX}")
    if not _fingerprint(at.host_key):
        words = "a public key as OpenSSH writes it: ssh-ed25519 AAAA…"
        yield FieldFinding("/host_key", "wrong_form", words)


def _fingerprint(host_key: str) -> str:
    """Give the fingerprint of a public key of OpenSSH; empty if it is none."""
    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except asyncssh.KeyImportError:
        return ""
